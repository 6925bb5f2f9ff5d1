package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

// Among some hundred seeds hosts fall apart in every way: each host alone, each
// direction alone, nodes from the store, and into sides of which each hears all
// of itself and nothing of another one.
func TestSplit(t *testing.T) {
	c := chooser{rand.New(rand.NewPCG(1, 1))}
	mode := Mode{Nodes: 3, Guard: Leased, Stores: 3}
	hosts := append(slices.Clone(names[:]), storeNames[:]...)
	var alone, oneWay, apart, three, served int
	for range 2000 {
		cuts, sides := c.split(mode)
		e := Event{Fault: Split, Cut: cuts, Sides: sides}
		if len(cuts) == 0 && sides {
			t.Fatal("nothing is cut")
		}
		hears := func(to string) (from []string) {
			for _, h := range hosts {
				if !slices.Contains(cuts, Cut{h, to}) {
					from = append(from, h)
				}
			}
			return from
		}
		groups := map[string]bool{}
		for _, h := range hosts {
			if len(hears(h)) == 1 {
				alone++
			}
			groups[fmt.Sprint(hears(h))] = true
			for _, o := range hosts {
				there, back := slices.Contains(cuts, Cut{h, o}), slices.Contains(cuts, Cut{o, h})
				if there && !back {
					oneWay++
				}
				if sides && !there && !slices.Equal(hears(h), hears(o)) {
					t.Fatalf("%s hears %s, but not all that it hears: %v", o, h, cuts)
				}
			}
		}
		if sides && len(groups) == 3 {
			three++
		}
		if !slices.ContainsFunc(storeNames[:], func(s string) bool { return slices.Contains(hears("a"), s) }) {
			apart++
		}
		if e.serves(mode) {
			served++
		}
	}
	if alone == 0 || oneWay == 0 || apart == 0 || three == 0 || served == 0 || served == 2000 {
		t.Errorf("alone %d, one way %d, apart from the store %d, three sides %d, served %d", alone, oneWay, apart, three, served)
	}
}

func TestSplit_Serves(t *testing.T) {
	both := func(sides ...[]string) (cuts []Cut) {
		for i, one := range sides {
			for j, other := range sides {
				for _, from := range one {
					for _, to := range other {
						if i != j {
							cuts = append(cuts, Cut{from, to})
						}
					}
				}
			}
		}
		return cuts
	}
	external, embedded := Mode{Nodes: 2, Guard: Leased, Stores: 3}, Mode{Nodes: 3, Guard: Leased}
	for _, c := range []struct {
		name string
		mode Mode
		e    Event
		want bool
	}{
		{"a node with the store", external, Event{Sides: true, Cut: both([]string{"a"}, []string{"b", "store1", "store2", "store3"})}, true},
		{"a node with a majority", external, Event{Sides: true, Cut: both([]string{"a", "store1", "store2"}, []string{"b", "store3"})}, true},
		{"a majority without a node", external, Event{Sides: true, Cut: both([]string{"a", "b", "store1"}, []string{"store2", "store3"})}, false},
		{"in three", external, Event{Sides: true, Cut: both([]string{"a", "store1"}, []string{"b", "store2"}, []string{"store3"})}, false},
		{"one way", external, Event{Cut: []Cut{{"a", "b"}}}, false},
		{"two of three nodes", embedded, Event{Sides: true, Cut: both([]string{"a"}, []string{"b", "c"})}, true},
		{"each alone", embedded, Event{Sides: true, Cut: both([]string{"a"}, []string{"b"}, []string{"c"})}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.e.serves(c.mode); got != c.want {
				t.Errorf("serves is %t", got)
			}
		})
	}
}

// Behind a split nobody can hold while who could stands still.
func TestAllowed_SplitFromThePaused(t *testing.T) {
	sec := time.Second
	mode := Mode{Nodes: 2, Guard: Leased, TTL: sec, Stores: 1}
	split := Event{Fault: Split, Sides: true, Cut: []Cut{{"a", "store1"}, {"store1", "a"}}}
	happened := []Happened{
		{Event: split, Span: measure.Span{From: sec, To: 9 * sec}, Nodes: []string{"b"}},
		{Event: Event{Fault: PauseBoth}, Span: measure.Span{From: 3 * sec, To: 5 * sec}, Nodes: []string{"b"}},
	}
	want := []measure.Span{{From: 3 * sec, To: 5*sec + comeback}}
	if diff := cmp.Diff(want, nobody(mode, happened, comeback)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// When a store need not answer: not under what it stands.
func TestStoreless(t *testing.T) {
	sec := time.Second
	three := Mode{Nodes: 2, Guard: Leased, TTL: sec, Stores: 3}
	happened := func(e Event) []Happened { return []Happened{{Event: e, Span: measure.Span{From: sec, To: 5 * sec}}} }
	edges := []measure.Span{{From: sec, To: sec + election}, {From: 5 * sec, To: 5*sec + election}}
	whole := append(slices.Clone(edges), measure.Span{From: sec, To: 5*sec + comeback + election})
	for _, c := range []struct {
		name string
		e    Event
		want []measure.Span
	}{
		{"a member is killed", Event{Fault: KillStore}, edges},
		{"all stand still", Event{Fault: LoseStore}, whole},
		{"a disk that takes a while", Event{Fault: SlowStore, Delay: 50 * time.Millisecond}, edges},
		{"a disk that takes too long", Event{Fault: SlowStore, Delay: 300 * time.Millisecond}, whole},
		{"a full disk", Event{Fault: FillStore}, edges},
		{"cut in halves", Event{Fault: Split, Sides: true, Cut: []Cut{{"a", "b"}, {"b", "a"}}}, edges},
		{"cut one way", Event{Fault: Split, Cut: []Cut{{"a", "b"}}}, whole},
		{"not of the store", Event{Fault: KillBoth}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, storeless(three, happened(c.e)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
