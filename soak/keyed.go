package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// keyedOptions are the options of calls with an idempotency key.
type keyedOptions struct {
	intents int // how many in all
	kills   int // of gateways, in all
	seed    uint64
	dir     string // for files of stores and logs
	redis   bool   // whether there is a Redis
	out     io.Writer
}

// intent is a call that is to be placed once. Its client sends it until it knows what
// became of it.
type intent struct {
	number int
	key    string
	fault  keyedFault // of the API, once it has dialled
	inBody bool       // or else in the query, without a body

	mu       sync.Mutex
	arrived  bool   // the API has got it
	dials    int    // by the API
	end      string // what the client knows
	response []byte // of the call that was placed
	attempts int
}

// keyedFault is what the API does with a call.
type keyedFault uint8

const (
	noFault   keyedFault = iota
	busyFirst            // 429, nothing dialled, the first time
	breaks               // dials, and then 500
	resets               // dials, and then closes the connection
	slow                 // dials, and responds after 50 ms
)

// What a client knows in the end.
const (
	placed  = "placed"
	unknown = "unknown"
)

// keyed runs intents under one arrangement of gateways, and keeps the books.
type keyed struct {
	arrangement
	name    string
	api     *http.Server
	address string // of the API
	client  *http.Client
	open    chan struct{} // a slot for each intent under way
	sending chan struct{} // a slot for each request under way
	seen    atomic.Int64  // how many responses clients got and requests the API got, by which kills are timed

	mu      sync.Mutex
	intents map[string]*intent
	wrong   mismatches
	counts  map[string]int
}

// arrangement is one or more gateways, their store, and what breaks of them.
type arrangement interface {
	// start starts everything.
	start(k *keyed, dir string) error
	// addresses are those of the gateways.
	addresses() []string
	// kill kills a gateway and starts it again, and may break the store too.
	kill(k *keyed, n int) error
	// stop kills everything.
	stop()
}

// soakKeyed sends calls with a key and kills gateways meanwhile, under each arrangement,
// and returns what is wrong.
func soakKeyed(ctx context.Context, o keyedOptions) (wrong []string, err error) {
	arrangements := map[string]arrangement{"file": new(oneFile)}
	names := []string{"file"}
	if o.redis {
		arrangements["redis"] = new(threeOnRedis)
		names = append(names, "redis")
	}
	for i, name := range names {
		k := &keyed{
			arrangement: arrangements[name], name: name, intents: make(map[string]*intent), counts: make(map[string]int),
			wrong:   mismatches{seen: make(map[string]int)},
			client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: keyedClients}},
			open:    make(chan struct{}, keyedIntents),
			sending: make(chan struct{}, keyedClients),
		}
		share := o
		share.intents, share.kills = (o.intents+i)/len(names), (o.kills+i)/len(names)
		share.dir = filepath.Join(o.dir, name)
		if err := k.run(ctx, share); err != nil {
			return wrong, fmt.Errorf("%s: %w", name, err)
		}
		wrong = append(wrong, k.wrong.list()...)
	}
	return wrong, nil
}

const (
	// keyedClients is how many requests are under way at once.
	keyedClients = 16
	// keyedIntents is how many intents are under way at once. If all were, one of them
	// could miss every moment between a start and a kill, however patient it is.
	keyedIntents = 4 * keyedClients
	// keyedCallTimeout is how long a call may take. After it, the outcome of a call of a
	// killed gateway is unknown.
	keyedCallTimeout = 5 * time.Second
	// keyedPatience is how long a client tries. A key whose outcome it does not know by
	// then is wedged.
	keyedPatience = 2 * time.Minute
)

// run sends all intents of one arrangement, and kills gateways.
func (k *keyed) run(ctx context.Context, o keyedOptions) (err error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if err := k.listen(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.api.Close()) }()
	defer k.stop()
	defer k.client.CloseIdleConnections()
	if err := k.start(k, o.dir); err != nil {
		return err
	}
	started := time.Now()
	random := rand.New(rand.NewPCG(o.seed, uint64(len(k.name)))) //nolint:gosec // to be the same again
	all := make([]*intent, o.intents)
	for i := range all {
		all[i] = newIntent(random, k.name, i)
		k.intents[all[i].key] = all[i]
	}
	// Each kill comes while a share of the intents is sent, so that all kills take place
	// however fast the machine is.
	var working sync.WaitGroup
	send := func(share []*intent) {
		for _, i := range share {
			working.Go(func() { k.carry(ctx, i, rand.New(rand.NewPCG(o.seed, uint64(i.number)))) }) //nolint:gosec // as above
		}
	}
	rest := all
	for n := range o.kills {
		share := rest[:len(rest)/(o.kills-n+1)]
		rest = rest[len(share):]
		at := k.seen.Load() + 1 + random.Int64N(int64(len(share))+1)
		send(share)
		for len(share) > 0 && k.seen.Load() < at && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		if ctx.Err() != nil {
			break
		}
		if err := k.kill(k, n); err != nil {
			return errors.Join(err, ctx.Err())
		}
		k.count("gateways killed")
	}
	send(rest)
	working.Wait()

	// What a client knows must not change.
	for _, i := range all {
		working.Go(func() { k.again(ctx, i) })
	}
	working.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.balance(all)
	k.summarize(o.out, time.Since(started))
	return nil
}

// newIntent makes an intent; most are dialled without a fault.
func newIntent(random *rand.Rand, name string, number int) *intent {
	i := &intent{number: number, key: fmt.Sprintf("%s-%d-%x", name, number, random.Uint64()), inBody: random.IntN(4) > 0}
	if n := random.IntN(20); n < 4 {
		i.fault = []keyedFault{busyFirst, breaks, resets, slow}[n]
	}
	return i
}

// listen starts the API.
func (k *keyed) listen(ctx context.Context) error {
	l, err := listenLoopback(ctx)
	if err != nil {
		return err
	}
	k.address = l.Addr().String()
	k.api = &http.Server{Handler: http.HandlerFunc(k.serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = k.api.Serve(l) }() // ends with Close
	return nil
}

// serve is the API. It knows an intent by its key.
func (k *keyed) serve(w http.ResponseWriter, r *http.Request) {
	k.seen.Add(1)
	key := r.Header.Get("Idempotency-Key")
	k.mu.Lock()
	i := k.intents[key]
	k.mu.Unlock()
	if i == nil {
		k.found("at the API", "a call came with the key "+strconv.Quote(key)+", which nobody sent")
		return
	}
	// Only a whole request is dialled; a gateway that dies in the middle has sent no call.
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	i.mu.Lock()
	refused := i.fault == busyFirst && !i.arrived
	i.arrived = true
	if !refused {
		i.dials++
	}
	dials := i.dials
	i.mu.Unlock()
	switch {
	case refused:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case i.fault == breaks:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case i.fault == resets:
		panic(http.ErrAbortHandler)
	case i.fault == slow:
		select {
		case <-time.After(50 * time.Millisecond):
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"id":%q,"dials":%d}`, key, dials) //nolint:gosec // a key of this program
}

// reply is what a client got, the zero value if it got no whole response.
type reply struct {
	status   int
	call     string // X-Call
	rule     string // X-Refused-By
	replayed bool
	body     []byte
}

// attempt sends an intent once, and leaves if no response comes in time.
func (k *keyed) attempt(ctx context.Context, i *intent, address string, patience time.Duration) *reply {
	select {
	case k.sending <- struct{}{}:
		defer func() { <-k.sending }()
	case <-ctx.Done():
		return new(reply)
	}
	i.mu.Lock()
	i.attempts++
	i.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fields := call{callSID: "CA0123456789abcdef0123456789abcdef", destination: destinations[i.number%len(destinations)]}
	target, body := "http://"+address+membersPath("S"+strconv.Itoa(i.number)), io.Reader(http.NoBody)
	if i.inBody {
		body = bytes.NewReader(fields.json(asIs))
	} else {
		target += "?" + fields.form()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, body)
	if err != nil {
		panic(err) // the target is well formed
	}
	r.Header.Set("Idempotency-Key", i.key)
	if i.inBody {
		r.Header.Set("Content-Type", "application/json")
	}
	// With GetBody, net/http would send it again by itself.
	r.GetBody = nil
	response, err := k.client.Do(r)
	if err != nil {
		return new(reply)
	}
	k.seen.Add(1)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return new(reply)
	}
	return &reply{
		status: response.StatusCode, call: response.Header.Get("X-Call"), rule: response.Header.Get("X-Refused-By"),
		replayed: response.Header.Get("Idempotent-Replayed") == "true", body: got,
	}
}

// carry sends an intent until it is known what became of it.
func (k *keyed) carry(ctx context.Context, i *intent, random *rand.Rand) {
	k.open <- struct{}{}
	defer func() { <-k.open }()
	late := time.Now().Add(keyedPatience)
	for time.Now().Before(late) {
		patience := time.Minute
		if random.IntN(10) == 0 {
			patience = time.Duration(random.IntN(30)) * time.Millisecond
		}
		all := k.addresses()
		got := k.attempt(ctx, i, all[random.IntN(len(all))], patience)
		if end := k.judge(i, got); end != "" {
			i.mu.Lock()
			i.end, i.response = end, got.body
			i.mu.Unlock()
			return
		}
		select {
		case <-time.After(time.Duration(20+random.IntN(60)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	k.found("a key is wedged", i.key)
}

// judge returns what a client knows by a reply, or the empty string if it has to ask again.
func (k *keyed) judge(i *intent, got *reply) (end string) {
	switch {
	case got.status == 0:
		k.count("no response")
	case got.status == http.StatusOK && got.call == "dialled":
		k.count("200")
		if got.replayed {
			k.count("replayed")
		}
		return placed
	case got.status == http.StatusConflict && got.rule == "outcome_unknown":
		k.count(got.rule)
		return unknown
	case got.status == http.StatusConflict && got.rule == "idempotency_in_flight",
		got.status == http.StatusServiceUnavailable && got.rule == "store_unavailable":
		k.count(got.rule)
	case got.rule == "" && (got.status == http.StatusTooManyRequests && got.call == "not-dialled" && i.fault == busyFirst ||
		got.status >= http.StatusInternalServerError && got.call != "dialled"):
		k.count(fmt.Sprint(got.status, " ", got.call))
	default:
		k.found("at the client", fmt.Sprintf("%s: %d, X-Call %q, X-Refused-By %q: %.300s", i.key, got.status, got.call, got.rule, got.body))
		return unknown
	}
	return ""
}

// again sends an intent once more, after the last kill.
func (k *keyed) again(ctx context.Context, i *intent) {
	if i.end == "" {
		return
	}
	late := time.Now().Add(keyedPatience)
	for n := i.number; time.Now().Before(late) && ctx.Err() == nil; n++ {
		all := k.addresses()
		got := k.attempt(ctx, i, all[n%len(all)], time.Minute)
		switch end := k.judge(i, got); {
		case end == "":
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		case end == placed && i.end == unknown:
			k.found("at the end", i.key+": unknown before, and then known")
		case end == placed && !got.replayed:
			k.found("at the end", i.key+": placed again")
		case end == placed && !bytes.Equal(got.body, i.response):
			k.found("at the end", fmt.Sprintf("%s: replayed as %q, it was %q", i.key, got.body, i.response))
		case end == unknown && i.end == placed:
			k.count("placed, but not recorded") // the gateway was killed in between
		}
		return
	}
	k.found("a key is wedged", i.key+", at the end")
}

// balance holds the books of the API against what the clients know.
func (k *keyed) balance(all []*intent) {
	for _, i := range all {
		i.mu.Lock()
		switch {
		case i.dials > 1:
			k.found("dialled twice", fmt.Sprintf("%s: %d times, in %d attempts", i.key, i.dials, i.attempts))
		case i.end == placed && i.dials != 1:
			k.found("never dialled", i.key+": its client was told that it was")
		}
		k.counts["dials"] += i.dials
		k.counts["attempts"] += i.attempts
		k.counts[i.end+" in the end"]++
		i.mu.Unlock()
	}
	if k.counts[placed+" in the end"] == 0 {
		k.found("nothing", "no call was placed")
	}
}

// found notes something wrong.
func (k *keyed) found(kind, what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrong.add(k.name+": "+kind, what)
}

// count counts one of something.
func (k *keyed) count(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts[what]++
}

// summarize prints the figures.
func (k *keyed) summarize(out io.Writer, took time.Duration) {
	parts := []string{
		fmt.Sprintf("%d intents", len(k.intents)), fmt.Sprintf("%d dials", k.counts["dials"]),
		fmt.Sprintf("%d kills", k.counts["gateways killed"]),
	}
	for _, what := range []string{
		"redis killed", "redis paused", "attempts", "placed in the end", "unknown in the end", "replayed", "no response", "idempotency_in_flight",
		"outcome_unknown", "store_unavailable", "placed, but not recorded",
	} {
		if n := k.counts[what]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	fmt.Fprintf(out, "keyed on %s, %s: %s, %d mismatches\n", k.name, took.Round(time.Second), strings.Join(parts, ", "), len(k.wrong.list()))
}
