package hands

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// rig is Hands with their results, and the gate that they put addresses
// behind. Its slots are open from the first OpPrepare on, so that all that the
// Hands do, or forget to undo, shows.
type rig struct {
	t       *testing.T
	hands   *Hands
	gate    *gate.Gate // nil: nobody guards
	slots   []engine.Slot
	results chan engine.Result
	close   func() // both, once; the end of the test does it too
}

// Holds that no test lives to see the end of.
var (
	open   = engine.Hold{Announced: 1 << 62, Served: 1 << 62}
	silent = engine.Hold{Served: 1 << 62} // as a node that hands over
)

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, openGate(t), Config{})
}

func openGate(t *testing.T) *gate.Gate {
	t.Helper()
	g, err := gate.Open(gate.Options{})
	must(t, err)
	return g
}

func newRigWith(t *testing.T, g *gate.Gate, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, gate: g, results: make(chan engine.Result, 10000)}
	cfg.Deliver = func(res engine.Result) { r.results <- res }
	if g != nil {
		cfg.Gate = g
	}
	h, err := New(cfg)
	must(t, err)
	r.hands = h
	r.close = sync.OnceFunc(func() {
		must(t, h.Close())
		if g == nil {
			return
		}
		must(t, g.Close())
		_, err := gate.Sweep("")
		must(t, err)
	})
	t.Cleanup(func() { r.close() })
	return r
}

// do carries out one order and returns its result.
func (r *rig) do(op engine.Op) engine.Result {
	r.t.Helper()
	r.hands.Submit(op)
	select {
	case res := <-r.results:
		if !cmp.Equal(res.Op, op, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })) {
			r.t.Fatalf("result of %+v, want of %+v", res.Op, op)
		}
		if op.Kind == engine.OpPrepare && res.Err == nil && r.gate != nil {
			r.slots = append(r.slots, res.Slot)
			r.gate.Set(res.Slot, open)
		}
		return res
	case <-time.After(grace):
		r.t.Fatalf("no result of %+v", op)
		panic("unreachable")
	}
}

// ok carries out one order that must not fail.
func (r *rig) ok(op engine.Op, kind engine.OpKind) engine.Result {
	r.t.Helper()
	op.Kind = kind
	res := r.do(op)
	if res.Err != nil {
		r.t.Fatal(res.Err)
	}
	return res
}

// hold sets the holds of all routers that were prepared.
func (r *rig) hold(h engine.Hold) {
	for _, s := range r.slots {
		r.gate.Set(s, h)
	}
}
