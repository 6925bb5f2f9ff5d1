package engine

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
)

// fencing is this node's part in cutting off lost nodes, itself among them.
type fencing struct {
	dog      *fence.Dog // nil: no group asks for the watchdog
	watchdog config.Watchdog
	fencer   *fence.Fencer // nil: no group asks, and the file names nobody
	file     *config.Fence
	next     *config.Fence // to be used once no agent runs
	rand     *rand.Rand
	asked    uint64
	units    []*unit                        // that wait before they hold
	look     time.Time                      // when to see to the watchdog
	stuck    bool                           // a unit has ended whose steps could not be undone
	words    map[string]words               // by group, see lost.go
	wait     map[string]func(CommandResult) // operators, by whom the fencer knows them
}

// securing is what a unit waits for before it holds.
type securing struct {
	why  string
	lost []string // nodes that are to be fenced
}

// configure takes what a file says.
func (f *fencing) configure(cfg *config.Config) {
	if f.rand == nil {
		f.rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
		f.wait = map[string]func(CommandResult){}
	}
	if f.dog == nil && slices.ContainsFunc(cfg.Groups, func(g config.Group) bool { return g.Fence.Watchdog }) {
		f.dog = fence.NewDog(cfg.Watchdog.Timeout)
	}
	f.watchdog = cfg.Watchdog
	if f.next = cfg.Fence; f.next == nil {
		f.next = &config.Fence{}
	}
	f.renew()
}

// renew brings the fencer in line with the file, when nothing is under way.
func (f *fencing) renew() {
	switch {
	case f.next == nil:
	case f.fencer == nil:
		f.fencer = fence.New(f.config(f.next))
	case reflect.DeepEqual(f.next, f.file):
	case !f.fencer.Still():
		return
	default:
		f.fencer = f.fencer.Reconfigure(f.config(f.next))
	}
	if f.next != nil {
		f.file, f.next = f.next, nil
	}
}

func (f *fencing) config(file *config.Fence) fence.Config {
	out := fence.Config{
		Devices: map[string]fence.Device{}, Nodes: map[string][][]string{},
		Random: file.Random, Priority: file.Priority, Rand: f.rand,
	}
	for _, d := range file.Devices {
		out.Devices[d.Name] = fence.Device{Action: fence.Op(d.Action), Timeout: d.Timeout, Delay: d.Delay}
	}
	for _, n := range file.Nodes {
		out.Nodes[n.Name] = n.Levels
	}
	return out
}

// estate draws up what another process has to know. The watchdog's device shows
// by itself that it runs.
func (f *fencing) estate() FencingEstate {
	es := FencingEstate{Stuck: f.stuck, Words: map[string]map[string]Word{}}
	if f.fencer != nil {
		es.Fencer = f.fencer.Estate()
	}
	for group, words := range f.words {
		es.Words[group] = map[string]Word{}
		for node, w := range words {
			es.Words[group][node] = *w
		}
	}
	return es
}

// inherit goes on with it. Units have got their words by now, which are empty.
func (f *fencing) inherit(es FencingEstate) {
	f.stuck = es.Stuck
	f.fencer.Inherit(es.Fencer)
	for group, words := range es.Words {
		own := f.wordsOf(group)
		for node, w := range words {
			own[node] = &w
		}
	}
}

// due is when the loop has to be awake.
func (f *fencing) due() time.Time {
	var t time.Time
	if f.dog != nil {
		t = f.look
	}
	if f.fencer != nil {
		if d := f.fencer.Deadline(); !d.IsZero() && (t.IsZero() || d.Before(t)) {
			t = d
		}
	}
	return t
}
