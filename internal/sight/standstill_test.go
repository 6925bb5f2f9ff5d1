package sight

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
)

// A machine that did not run blames nobody.
func TestSet_Wakes(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(10*ms, 3))
	l.want(1, 1, fast(10*ms, 3))
	l.run(3 * time.Second)
	l.now = l.now.Add(10 * time.Second)
	for _, s := range l.sets {
		s.Wake(l.now, l.instant())
	}
	l.run(time.Second)
	l.state(0, bfd.Up)
	for i := range l.news {
		if len(l.news[i]) > 3 {
			t.Errorf("node %d's news: %q", i, l.news[i])
		}
	}
}

// A neighbour that misses us goes on believing that we hold until it was told
// that the session is down: so does the bound.
func TestSet_BoundLastsUntilDownIsTold(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(10*ms, 3))
	l.want(1, 1, fast(10*ms, 3))
	l.run(3 * time.Second)
	l.dead[1] = true
	s := l.sets[0]
	l.now = l.now.Add(40 * ms)
	before := bound(s)
	acts := s.Tick(l.now, nil)
	if before == 0 || bound(s) != before {
		t.Errorf("bound %d, and %d before the neighbour was told", before, bound(s))
	}
	down := false
	for _, a := range acts {
		down = down || a.Missed()
		s.Sent(a, l.instant(), l.instant())
	}
	if !down {
		t.Errorf("not missed: %v", acts)
	}
	if b := bound(s); b != 0 {
		t.Errorf("bound %d when it was told", b)
	}
}

// Silence proves nothing to who did not listen.
func TestSet_MissesNobodyAfterAStandstill(t *testing.T) {
	for name, read := range map[string]bool{"nothing waited": false, "a packet waited": true} {
		l := newLAN(t)
		l.want(0, 1, fast(10*ms, 3))
		l.want(1, 1, fast(10*ms, 3))
		l.run(3 * time.Second)
		l.dead[1] = true
		s := l.sets[0]
		l.now = l.now.Add(time.Second)
		s.Wake(l.now, l.instant())
		if read {
			l.sets[1].Each(func(_ Path, o *bfd.Session) {
				for _, a := range o.Step(l.now, bfd.Tick(), nil) {
					if a.Kind == bfd.ActionSend && a.Control.State == bfd.Up {
						s.Received(l.now, &bfd.Packet{Src: addrs[1], Link: 7, TTL: bfd.TTL, Payload: o.AppendPacket(nil, a.Control)}, nil)
					}
				}
			})
		}
		var lost, missed bool
		for range 10 {
			for _, a := range s.Tick(l.now, nil) {
				lost, missed = lost || a.Lost(), missed || a.Missed()
			}
			l.now = l.now.Add(10 * ms)
		}
		if !lost || missed {
			t.Errorf("%s: lost %t, missed %t", name, lost, missed)
		}
	}
}

// A signature that does not fit is told, so that a person can mend it.
func TestSet_TellsOfOtherKeys(t *testing.T) {
	l := newLAN(t)
	keys := [2]string{"one", "two"}
	var sets [2][]Action
	for i := range keys {
		w := fast(10*ms, 3)
		w.Local, w.Key = addrs[i], []byte(keys[i])
		acts, err := l.sets[i].Want(l.now, 1, paths[i], w, nil)
		if err != nil {
			t.Fatal(err)
		}
		sets[i] = acts
	}
	for _, a := range sets[0] {
		if a.Kind != bfd.ActionSend {
			continue
		}
		out := l.sets[1].Received(l.now, &bfd.Packet{Src: addrs[0], Link: 7, TTL: bfd.TTL, Payload: a.AppendPacket(nil)}, nil)
		if len(out) != 1 || out[0].Refused != bfd.DropAuthFailed || out[0].Path != paths[1] {
			t.Errorf("answered with %+v", out)
		}
	}
}

func TestSet_RefusesWhatIsNoNeighbour(t *testing.T) {
	s := New(rand.New(rand.NewPCG(1, 1)))
	if _, err := s.Want(begin, 1, Path{1, netip.Addr{}}, fast(10*ms, 3), nil); err == nil {
		t.Error("watches nobody")
	}
	p := bfd.Packet{Src: addrs[0], TTL: 255}
	s.Received(begin, &p, nil)
	if got := s.Dropped()[bfd.DropTruncated]; got != 1 {
		t.Errorf("counted %d", got)
	}
}

// Nothing allocates while sessions are up.
func TestSet_NoAllocations(t *testing.T) {
	l := newLAN(t)
	l.want(0, 1, fast(10*ms, 3))
	l.want(1, 1, fast(10*ms, 3))
	l.run(3 * time.Second)
	var acts [2][]Action
	buf := make([]byte, 0, 128)
	var p bfd.Packet
	step := func() {
		l.now = l.now.Add(10 * ms)
		for i, s := range l.sets {
			acts[i] = s.Tick(l.now, acts[i][:0])
			for _, a := range acts[i] {
				buf = a.AppendPacket(buf[:0])
				p = bfd.Packet{Src: addrs[i], Link: 7, TTL: bfd.TTL, Payload: buf}
				acts[1-i] = l.sets[1-i].Received(l.now, &p, acts[1-i][:0])
			}
		}
	}
	step()
	if got := testing.AllocsPerRun(100, step); got != 0 {
		t.Errorf("%v allocations", got)
	}
	l.state(0, bfd.Up)
}

// Who stood still for less than the neighbour waits was not missed meanwhile: a
// neighbour that falls silent then is gone, as at any other time.
func TestSet_MissesANeighbourAfterAShortStandstill(t *testing.T) {
	for _, c := range []struct {
		name  string
		still time.Duration
		want  bool
	}{{"short", 12 * ms, true}, {"long", 28 * ms, false}} {
		t.Run(c.name, func(t *testing.T) {
			l := newLAN(t)
			l.want(0, 1, fast(10*ms, 3))
			l.want(1, 1, fast(10*ms, 3))
			l.run(3 * time.Second)
			l.dead[1] = true
			s := l.sets[0]
			l.now = l.now.Add(c.still)
			s.Wake(l.now, l.instant())
			missed := false
			for range 200 {
				for _, a := range s.Tick(l.now, nil) {
					missed = missed || a.Missed()
					s.Sent(a, l.instant(), l.instant())
				}
				l.now = l.now.Add(ms)
			}
			if missed != c.want {
				t.Errorf("missed: %t", missed)
			}
		})
	}
}
