package chaos

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

// A seed that is printed is of use only if it makes the same plan again.
func TestRandom_DependsOnTheSeedAlone(t *testing.T) {
	for seed := range uint64(200) {
		a, b := Random(seed), Random(seed)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("seed %d makes two plans:\n%s", seed, diff)
		}
	}
}

// Among a few hundred seeds there is every fault, in every mode that matters.
func TestRandom_LeavesNothingOut(t *testing.T) {
	faults, modes := map[Fault]bool{}, map[Mode]bool{}
	for seed := range uint64(1000) {
		p := Random(seed)
		for _, e := range append(p.Events, RandomLease(seed).Events...) {
			faults[e.Fault] = true
			if k := kindOf(e.Fault); e.Length < k.least || e.Length > max(k.most, 2*failover(p.Mode), 20*time.Second) {
				t.Errorf("seed %d: %v takes %v", seed, e.Fault, e.Length)
			}
		}
		modes[p.Mode] = true
		if p.End() > time.Minute {
			t.Errorf("seed %d takes %v", seed, p.End())
		}
	}
	for _, f := range Faults() {
		if !faults[f] {
			t.Errorf("no seed makes %q", f)
		}
	}
	for _, nodes := range []int{2, 3} {
		for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			for _, guard := range []Guard{Available, Guarded} {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(modes)), func(m Mode) bool {
					return m.Nodes == nodes && m.Interval == interval && m.Guard == guard
				}) {
					t.Errorf("no seed makes %d nodes with %v, %s", nodes, interval, guard)
				}
			}
		}
	}
}

// With the witness and a node gone there is no majority.
func TestAllowed_Minority(t *testing.T) {
	sec := time.Second
	at := func(f Fault, from, to time.Duration) Happened {
		return Happened{Event: Event{Fault: f}, Span: measure.Span{From: from, To: to}}
	}
	for _, c := range []struct {
		name     string
		happened []Happened
		want     []measure.Span
	}{
		{"apart", []Happened{at(CutWitness, sec, 2*sec), at(PauseDaemon, 5*sec, 6*sec)}, nil},
		{"at a time", []Happened{at(CutWitness, 2*sec, 4*sec), at(PauseDaemon, sec, 3*sec)}, []measure.Span{{From: 2 * sec, To: 3*sec + comeback}}},
		{"it abstains at first", []Happened{at(KillWitness, sec, 2*sec), at(KillBoth, 9*sec, 10*sec)}, []measure.Span{{From: 9 * sec, To: 10*sec + comeback}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, minority(c.happened, comeback), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlan_Without(t *testing.T) {
	p := Plan{Events: []Event{{Fault: KillBoth}, {Fault: Starve}, {Fault: Mute}}}
	got := p.Without(1, 3)
	if len(got.Events) != 1 || got.Events[0].Fault != Starve || len(p.Events) != 3 {
		t.Errorf("without the first and the third event: %v", got.Events)
	}
}

// What the timers allow: a failover when the holder goes, nothing when a
// backup does, and as long as nobody is there.
func TestAllowed(t *testing.T) {
	mode := Mode{Nodes: 2, Interval: 100 * time.Millisecond}
	sec := time.Second
	move := failover(mode) + slack
	at := func(f Fault, node string, from, to time.Duration) Happened {
		return Happened{Event: Event{Fault: f}, Span: measure.Span{From: from, To: to}, Nodes: []string{node}, Held: node == "a"}
	}
	for _, c := range []struct {
		name     string
		happened []Happened
		want     []measure.Span
	}{
		{"nothing", nil, nil},
		{"the holder is killed", []Happened{at(KillBoth, "a", sec, 5*sec)}, []measure.Span{{From: sec, To: sec + move}}},
		{"a backup is killed", []Happened{at(KillBoth, "b", sec, 5*sec)}, nil},
		{"a guardian is paused", []Happened{at(PauseGuardian, "a", sec, 5*sec)}, nil},
		{"an address is deleted", []Happened{at(DeleteAddress, "a", sec, sec)}, []measure.Span{{From: sec, To: sec + repair}}},
		{"the holder is cut off", []Happened{at(Isolate, "a", sec, 5*sec)}, []measure.Span{{From: sec, To: sec + move}, {From: 5 * sec, To: 5*sec + move}}},
		{
			"both are out of order",
			[]Happened{at(KillBoth, "b", sec, 3*sec), at(PauseBoth, "a", 2*sec, 5*sec)},
			[]measure.Span{{From: 2 * sec, To: 2*sec + move}, {From: 2 * sec, To: 3*sec + comeback + move}},
		},
		{"nodes are upgraded", []Happened{{Event: Event{Fault: Upgrade}, Span: measure.Span{From: sec, To: 5 * sec}, Nodes: []string{"a", "b"}}}, nil},
		{"the witness is gone", []Happened{at(KillWitness, witnessName, sec, 5*sec)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := allowed(mode, c.happened)
			for i := range got {
				got[i].From += grain
				got[i].To -= grain
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("allowed (-want +got):\n%s", diff)
			}
		})
	}
}
