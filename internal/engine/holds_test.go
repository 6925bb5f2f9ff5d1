package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// stage is an engine with one group whose wire and gate note in which order
// they are used, and where time passes when a test says so.
type stage struct {
	*Engine
	t       *testing.T
	hands   quietHands
	now     time.Time
	ahead   time.Duration // of the gate's clock: what the machine has slept
	read    int           // how often the gate's clock was read
	jumpAt  int           // before that reading, time passes
	jump    time.Duration
	slow    time.Duration // how long sending takes
	doors   Hold
	passed  Instant // when the last advert passed the gate
	log     []string
	records []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Unix(1_800_000_000, 0)}
	s.Engine = New(Options{
		Wire: s, Hands: &s.hands, Gate: s, Clock: func() time.Time { return s.now },
		Record: func(r Record) { s.records = append(s.records, strings.TrimSpace(r.Code+" "+r.Reason)) },
	})
	s.changed(s.now, Change{Link: Link{
		Name: "eth0", Index: 2, Up: true,
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("fe80::1/64")},
	}})
	cfg := manyGroups(1, 100, time.Second)
	cfg.Node = "lb1"
	if err := s.apply(s.now, cfg); err != nil {
		t.Fatal(err)
	}
	s.turn(0, s.now)
	s.carry()
	return s
}

func (s *stage) carry() {
	ops := slices.Clone(s.hands.ops)
	s.hands.ops = s.hands.ops[:0]
	for _, op := range ops {
		s.carried(s.now, Result{Op: op, Slot: 7})
	}
	s.send()
}

// rounds lets time pass, a millisecond a round.
func (s *stage) rounds(n int) {
	for range n {
		s.now = s.now.Add(time.Millisecond)
		s.turn(0, s.now)
		s.carry()
	}
}

func (s *stage) until(state group.State) {
	s.t.Helper()
	for range 10_000 {
		if s.unit().set.State() == state {
			return
		}
		s.rounds(1)
	}
	s.t.Fatalf("the group did not become %s", state)
}

func (s *stage) unit() *unit { return s.sortedUnits()[0] }

// holder is a stage whose group holds, and announces no more.
func holder(t *testing.T) *stage {
	s := newStage(t)
	s.until(group.Active)
	s.rounds(6000)
	s.log = nil
	return s
}

func (s *stage) Now() Instant {
	if s.read++; s.read == s.jumpAt {
		s.now = s.now.Add(s.jump)
	}
	return Instant(s.now.Add(s.ahead).UnixNano())
}

func (s *stage) Set(slot Slot, h Hold) {
	if slot != 7 {
		s.t.Errorf("slot %d is not ours", slot)
	}
	s.doors = h
	switch now := Instant(s.now.Add(s.ahead).UnixNano()); {
	case h.Announced > now:
		s.log = append(s.log, "holds for "+h.Announced.Sub(now).Round(time.Millisecond).String())
		if late := h.Announced.Sub(s.passed.Add(hold.Term(time.Second, 3))); late > 0 {
			s.t.Errorf("a hold lasts %s longer than the last advert allows", late)
		}
	case h.Advertised > now:
		s.log = append(s.log, "claims for "+h.Advertised.Sub(now).Round(time.Millisecond).String())
	case h.Served > now:
		s.log = append(s.log, "serves")
	default:
		s.log = append(s.log, "closed")
	}
}

func (s *stage) Open(string) (Port, error)          { return 1, nil }
func (s *stage) Close(Port) error                   { return nil }
func (s *stage) OpenBFD(Port) error                 { return nil }
func (s *stage) OpenAnswers(Port, netip.Addr) error { return nil }
func (s *stage) CloseAnswers(Port, netip.Addr)      {}
func (s *stage) Wake()                              {}

func (s *stage) Wait(time.Time, []Datagram) (int, time.Time, error) { return 0, s.now, nil }

func (s *stage) Send(out []Outgoing) {
	for _, o := range out {
		now := Instant(s.now.Add(s.ahead).UnixNano())
		switch o.Kind {
		case Advert:
			prio := o.Data[2]
			s.log = append(s.log, fmt.Sprintf("advert %d", prio))
			if prio != 0 && now < max(s.doors.Announced, s.doors.Advertised) {
				s.passed = now
			}
		case Message:
			kind, _ := peer.KindOf(o.Data)
			if kind.IsCall() {
				s.log = append(s.log, [...]string{peer.KindTake: "take", peer.KindNext: "next", peer.KindAsk: "ask", peer.KindYield: "yield"}[kind])
			}
		case Frame:
			s.log = append(s.log, "frame")
		}
	}
	if slices.ContainsFunc(out, func(o Outgoing) bool { return o.Kind == Advert }) {
		s.now = s.now.Add(s.slow)
	}
}

func (s *stage) want(story ...string) {
	s.t.Helper()
	if diff := cmp.Diff(story, s.log); diff != "" {
		s.t.Errorf("(-want +got):\n%s", diff)
	}
}

// A hold opens in the steps of package hold: the claim's door, the advert, the
// time that follows from it; and after listening the advert, the hold, and only
// then the announcements, which pass an open gate alone.
func TestHold_OpensInOrder(t *testing.T) {
	s := newStage(t)
	s.until(group.Active)
	i := slices.Index(s.log, "claims for 3s")
	if i < 0 {
		t.Fatalf("no claim: %q", s.log)
	}
	s.log = slices.Compact(s.log[i:])
	s.want(
		"claims for 3s", "advert 100", "claims for 3s", "frame", // who else has it?
		"claims for 2.995s", "advert 100", "holds for 3s", "frame",
	)
}

// Each advert extends the hold.
func TestHold_IsExtended(t *testing.T) {
	s := holder(t)
	s.rounds(1000)
	s.want("advert 100", "holds for 3s")
}

// The machine slept: the gate's clock went on, the other one did not. What is
// due then is not said any more, and no priority 0 either.
func TestHold_EndsWhileTheMachineSleeps(t *testing.T) {
	s := holder(t)
	s.ahead += time.Minute
	s.rounds(1000)
	s.want("closed", "yield")
	if s.unit().set.State() != group.Backup {
		t.Errorf("the group is %s", s.unit().set.State())
	}
	if !slices.ContainsFunc(s.records, func(r string) bool { return strings.HasPrefix(r, "HF2022") }) {
		t.Errorf("nothing was recorded: %q", s.records)
	}
}

// The process was stopped while it sent: nobody knows whether the gate let the
// advert pass, so it extends nothing.
func TestHold_EndsWhileSending(t *testing.T) {
	s := holder(t)
	s.slow = 3 * time.Second
	s.rounds(1000)
	s.slow = 0
	s.rounds(1)
	s.want("advert 100", "closed", "yield")
}

// A claim that takes too long to send is given up in the same way.
func TestClaim_EndsWhileSending(t *testing.T) {
	s := newStage(t)
	s.slow = 3 * time.Second
	for range 10_000 {
		if s.rounds(1); slices.Contains(s.log, "advert 100") {
			break
		}
	}
	s.slow = 0
	s.rounds(10)
	if s.unit().set.State() != group.Backup || s.unit().set.View().Claiming {
		t.Error("it goes on")
	}
	if s.doors != (Hold{}) || slices.Contains(s.log, "advert 0") {
		t.Errorf("the doors are %+v after %q", s.doors, s.log)
	}
}

// Stopped before any reading of the clock, for less and for longer than the
// hold lasts: it is extended as far as the advert allows (Set looks), or over.
func TestHold_StoppedAnywhere(t *testing.T) {
	for _, jump := range []time.Duration{time.Second, 1999 * time.Millisecond, 2500 * time.Millisecond, 10 * time.Second} {
		for at := 1; at < 40; at++ {
			s := holder(t)
			s.rounds(990)
			s.log, s.records = nil, nil
			s.jumpAt, s.jump = s.read+at, jump
			s.rounds(1100)
			if s.read < s.jumpAt {
				continue
			}
			lapsed := slices.ContainsFunc(s.records, func(r string) bool { return strings.HasPrefix(r, "HF2022") })
			if jump < 1990*time.Millisecond && lapsed {
				t.Errorf("stopped for %s before reading %d: the hold was given up: %q", jump, at, s.log)
			}
			if jump > 3*time.Second && !lapsed {
				t.Errorf("stopped for %s before reading %d: the hold goes on: %q", jump, at, s.log)
			}
			if end := slices.Index(s.log, "closed"); end >= 0 {
				after := s.log[end:]
				if i := slices.Index(after, "advert 100"); i > 0 && !strings.HasPrefix(after[i-1], "claims") {
					t.Errorf("stopped for %s before reading %d: an advert after the end: %q", jump, at, s.log)
				}
			}
		}
	}
}

// A router that is not prepared has no place in the gate.
func TestHold_NeedsAPreparedSlot(t *testing.T) {
	s := holder(t)
	r := s.unit().routers[0]
	r.prepared = false
	s.hold(r, hold.Closed, 0)
	s.want()
	r.prepared = true
	s.hold(r, hold.Closed, 0)
	s.want("closed")
}

// Without groups there is nothing to say, and no reason to wake up.
func TestWake_WithoutGroups(t *testing.T) {
	s := newStage(t)
	if err := s.apply(s.now, &config.Config{Node: "lb1"}); err != nil {
		t.Fatal(err)
	}
	s.rounds(100)
	if n := len(s.units); n != 0 {
		t.Fatalf("%d groups are left", n)
	}
	if at := s.wake(s.now); !at.IsZero() {
		t.Errorf("it wakes in %s", at.Sub(s.now))
	}
}

// A node that has just started asks who is there, twice; who hears it answers
// at once, and does not ask back.
func TestHello_ToANewNode(t *testing.T) {
	s := holder(t)
	if s.hellos < news {
		t.Fatalf("after 4s it has sent %d hellos", s.hellos)
	}
	s.rounds(int(hush / time.Millisecond))
	sent := s.hellos
	hello := func(isNew bool) {
		h := peer.Hello{Family: 4, From: "lb2", New: isNew, Sent: s.now, Entries: []peer.Entry{{VRID: 1, State: 1, Priority: 50}}}
		s.in[0] = Datagram{Port: 1, Kind: Message, Family: 4, Src: netip.MustParseAddr("192.0.2.2"), TTL: 255, Data: h.Append(nil)}
		s.turn(1, s.now)
	}
	hello(false)
	if s.hellos != sent {
		t.Error("it answers a node that knows it")
	}
	hello(true)
	if s.hellos != sent+1 {
		t.Errorf("%d hellos were sent to a new node", s.hellos-sent)
	}
	hello(true)
	if s.hellos != sent+1 {
		t.Error("a new node can make it send without measure")
	}
	if !s.unit().routers[0].table.Kin(netip.MustParseAddr("192.0.2.2"), s.now) {
		t.Error("it does not know the new node")
	}
}
