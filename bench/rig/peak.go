package rig

import (
	"context"
	"time"
)

// Peak loads a gateway and returns the result and the most that the process held
// meanwhile, by samples every 50 ms and one at the end.
func Peak(ctx context.Context, g *Gateway, load func() (*Result, error)) (*Result, Usage, error) {
	loaded := make(chan struct{})
	var res *Result
	var failed error
	go func() {
		defer close(loaded)
		res, failed = load()
	}()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	var peak Usage
	for ended := false; !ended; {
		select {
		case <-loaded:
			ended = true
		case <-look.C:
		}
		now, err := g.Usage(ctx)
		if err != nil {
			<-loaded
			return nil, peak, err
		}
		peak.CPU, peak.Mallocs, peak.Allocated = now.CPU, now.Mallocs, now.Allocated
		peak.Resident = max(peak.Resident, now.Resident)
		peak.Goroutines = max(peak.Goroutines, now.Goroutines)
	}
	return res, peak, failed
}
