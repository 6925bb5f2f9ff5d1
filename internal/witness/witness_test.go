package witness

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// hall is a Wire made of values.
type hall struct {
	mu   sync.Mutex
	in   []engine.Datagram
	sent []engine.Outgoing
	news chan struct{}
}

func (h *hall) Wake() {
	select {
	case h.news <- struct{}{}:
	default:
	}
}

func (h *hall) Wait(until time.Time, in []engine.Datagram) (int, time.Time, error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-h.news:
	case <-timer.C:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := copy(in, h.in)
	h.in = nil
	return n, time.Now(), nil
}

func (h *hall) Send(out []engine.Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range out {
		o.Data = slices.Clone(o.Data)
		h.sent = append(h.sent, o)
	}
}

// deliver brings a datagram and returns the answers to it.
func (h *hall) deliver(data []byte) []engine.Outgoing {
	h.mu.Lock()
	h.sent = nil
	h.in = append(h.in, engine.Datagram{
		Port: 1, Kind: engine.Vote, Src: netip.MustParseAddr("192.0.2.1"), SrcPort: 4000,
		Dst: netip.MustParseAddr("192.0.2.3"), Data: slices.Clone(data),
	})
	h.mu.Unlock()
	h.Wake()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent
}

func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := [][]byte{[]byte("a key")}
		start := time.Now()
		clock := func() vote.Instant { return vote.Instant(time.Since(start)) + 1 }
		h := &hall{news: make(chan struct{}, 1)}
		var notes []string
		beats := 0
		w := New(Options{
			Wire: h, Port: 1, Clock: clock,
			Voter: vote.NewVoter(vote.VoterConfig{Keys: key, Seed: make([]byte, 16), Instance: 7}),
			Note:  func(n Note) { notes = append(notes, n.Code+" "+n.Text) },
			Beat:  func() { beats++ },
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()

		a := newNode(t, key)
		forger := newNode(t, [][]byte{[]byte("another")})
		subject := a.Open(1, 3*time.Second)
		event := vote.Event{Kind: vote.Want, Subject: subject, Rank: 1}
		for range 3 { // ask, token, ask again
			var out vote.Out
			a.Step(clock(), event, &out)
			for _, p := range out.Packets {
				answers := h.deliver(p.Data)
				if len(answers) != 1 {
					t.Fatalf("%d answers", len(answers))
				}
				o := answers[0]
				if o.Dst.String() != "192.0.2.1" || o.DstPort != 4000 || o.Src.String() != "192.0.2.3" || o.Kind != engine.Vote {
					t.Errorf("it answers to %s:%d from %s", o.Dst, o.DstPort, o.Src)
				}
				event = vote.Event{Kind: vote.Heard, Data: o.Data}
			}
		}
		if a.Until(subject) <= clock() {
			t.Error("the node has no majority")
		}
		var out vote.Out
		forger.Step(clock(), vote.Event{Kind: vote.Want, Subject: forger.Open(1, 3*time.Second)}, &out)
		for _, p := range out.Packets {
			if len(h.deliver(p.Data)) != 0 {
				t.Error("a forgery is answered")
			}
		}
		time.Sleep(10 * time.Second)
		view, err := w.View(ctx)
		if err != nil || view.Counters.Granted == 0 || view.Counters.Signature == 0 || len(view.Askers) != 1 {
			t.Errorf("%+v, %v", view, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if beats < 10 || beats > 15 {
			t.Errorf("%d beats in ten seconds", beats)
		}
		for _, want := range []string{" node a asks for votes", " node a has not asked for 5s", "HF2120 1 datagrams"} {
			if !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
				t.Errorf("nobody says %q: %q", want, notes)
			}
		}
		stopped, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.View(stopped); err == nil {
			t.Error("a witness that ended has a view")
		}
	})
}

func newNode(t *testing.T, keys [][]byte) *vote.Agent {
	t.Helper()
	a, err := vote.NewAgent(vote.Config{
		Name: "a", Keys: keys, Seed: make([]byte, 16), Session: 5,
		Voters: []vote.VoterAddr{{Name: "a"}, {Name: "w", Witness: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{
		":9113": "invalid IP 9113", "192.0.2.1:9200": "192.0.2.1 9200", "[::1]:1": "::1 1", "localhost:9": "127.0.0.1 9",
		"[::ffff:192.0.2.1]:9": "192.0.2.1 9", "9113": "", "": "",
	} {
		host, port, err := Host(in)
		got := ""
		if err == nil {
			got = host.String() + " " + strconv.Itoa(int(port))
		}
		if got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}
