package upstreamtest

import (
	"testing"

	"go.uber.org/goleak"
)

func TestCloseLeavesNoGoroutineBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t)
	for _, fault := range []string{"", "reset-mid-body", "length-long", "events"} {
		_ = do(c, newCall(t, s, fault))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}
