package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
)

// Agents run what a fencer asks for. Do never blocks; how runs ended comes by
// [Engine.FenceRan].
type Agents interface {
	Do([]fence.Action)
}

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

// guard does what is due for the watchdog and for lost nodes.
func (e *Engine) guard(now time.Time) {
	f := &e.fencing
	f.units = slices.DeleteFunc(f.units, func(u *unit) bool {
		if u.secure != nil && !u.set.Securing() { // the claim was called off
			u.secure = nil
			e.fence(now, fence.Drop(u.groups[0].Name))
		}
		return u.secure == nil
	})
	if !f.look.After(now) {
		e.walkDog(now)
	}
	if f.fencer == nil {
		return
	}
	f.renew()
	if d := f.fencer.Deadline(); !d.IsZero() && !d.After(now) {
		e.fence(now, fence.Tick())
	}
}

// secure does what has to be done before a unit may hold.
func (e *Engine) secure(now time.Time, u *unit, why string) {
	if !u.set.Securing() {
		return
	}
	lost := e.lostHolders(u)
	if wait := u.unheard(now); len(lost) > 0 && wait > 0 {
		e.later(now.Add(wait), func(now time.Time) {
			if e.units[u.id] == u && u.secure == nil {
				e.secure(now, u, why)
			}
		})
		return
	}
	u.secure = &securing{why: why, lost: lost}
	if !slices.Contains(e.fencing.units, u) {
		e.fencing.units = append(e.fencing.units, u)
	}
	if u.asks(wantsWatchdog) && e.opt.Watchdog == nil {
		e.answerSecure(now, u, errNoWatchdog)
		return
	}
	e.walkDog(now)
	e.secureNext(now, u)
}

// secureNext goes on with it: the watchdog first, as it costs nobody anything.
func (e *Engine) secureNext(now time.Time, u *unit) {
	f := &e.fencing
	if u.asks(wantsWatchdog) && (f.dog == nil || !f.dog.Awake()) {
		return
	}
	for _, node := range slices.Clone(u.secure.lost) {
		e.fence(now, fence.Want(node, u.groups[0].Name, u.secure.why, e.holdsAny()))
		if u.secure == nil {
			return // it could not be
		}
	}
	if len(u.secure.lost) == 0 {
		e.answerSecure(now, u, nil)
	}
}

// answerSecure tells the unit's set.
func (e *Engine) answerSecure(now time.Time, u *unit, err error) {
	u.secure = nil
	if err != nil {
		e.step(now, u, group.Insecure(err.Error()))
	} else {
		e.step(now, u, group.Secured())
	}
	// Who was fenced for it is forgotten by now; who has spoken meanwhile need
	// not be fenced any more.
	e.fence(now, fence.Drop(u.groups[0].Name))
}

// holdsAny reports whether this node holds anything.
func (e *Engine) holdsAny() bool {
	for _, u := range e.units {
		if u.set.State() == group.Active {
			return true
		}
	}
	return false
}

// fence steps the fencer and carries out its answer.
func (e *Engine) fence(now time.Time, ev fence.Event) {
	f := &e.fencing
	if f.fencer == nil {
		return
	}
	acts := f.fencer.Step(now, ev, nil)
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case fence.ActionRecord:
			e.record(Record{Time: now, Record: group.Record{Kind: "fence", Code: a.Code, Reason: a.Text}})
		case fence.ActionDone:
			e.fenced(now, a)
		}
	}
	if e.opt.Agents != nil {
		e.opt.Agents.Do(acts)
	}
}

// fenced tells who waited for a node.
func (e *Engine) fenced(now time.Time, a *fence.Action) {
	if answer := e.fencing.wait[a.Who]; answer != nil {
		delete(e.fencing.wait, a.Who)
		answer(CommandResult{OK: a.OK, Text: fenceText(a)})
		e.Post(func(now time.Time) { e.fence(now, fence.Drop(a.Who)) })
		return
	}
	for _, u := range e.units {
		if u.secure == nil || u.groups[0].Name != a.Who {
			continue
		}
		if !a.OK {
			e.afterwards(u, func(now time.Time) {
				if u.secure != nil {
					e.answerSecure(now, u, errors.New(fenceText(a)))
				}
			})
			return
		}
		node := a.Node
		e.afterwards(u, func(time.Time) {
			if u.lease != nil {
				e.leaseEvent(u, lease.Settled(node))
			}
		})
		e.settled(u, node)
	}
}

// settled goes on once nobody is lost any more for whom a unit waits.
func (e *Engine) settled(u *unit, node string) {
	if u.secure == nil {
		return
	}
	u.secure.lost = slices.DeleteFunc(u.secure.lost, func(n string) bool { return n == node })
	e.afterwards(u, func(now time.Time) {
		if u.secure != nil && len(u.secure.lost) == 0 {
			e.secureNext(now, u)
		}
	})
}

func fenceText(a *fence.Action) string {
	if a.OK {
		return fmt.Sprintf("%s is fenced: %s", a.Node, a.Text)
	}
	return fmt.Sprintf("%s could not be fenced: %s", a.Node, a.Text)
}

// FenceRan takes in how an agent ended. It may be called from any goroutine.
func (e *Engine) FenceRan(ev fence.Event) {
	e.Post(func(now time.Time) { e.fence(now, ev) })
}

// heardAgain notes that a node is there: what was done to it is over.
func (e *Engine) heardAgain(now time.Time, node string) {
	if f := e.fencing.fencer; f != nil && f.Concerns(node) {
		e.fence(now, fence.Seen(node))
	}
}

// heardOfHolder does the same for a node that renews a lease.
func (e *Engine) heardOfHolder(t *tenancy) {
	holder, at := t.candidate.Heard()
	if holder != "" && at > t.seen {
		t.seen = at
		e.heardAgain(e.opt.Clock(), holder)
	}
}

// Fence fences a node because a person wants it.
func (e *Engine) Fence(ctx context.Context, node, who string) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		f := &e.fencing
		switch {
		case f.fencer == nil || e.opt.Agents == nil || !slices.ContainsFunc(f.file.Nodes, func(n config.FenceNode) bool { return n.Name == node }):
			answer(CommandResult{Text: fmt.Sprintf("no node %s in the file's fence: nodes", node)})
		case node == e.node:
			answer(CommandResult{Text: "this node does not fence itself"})
		default:
			f.asked++
			by := fmt.Sprintf("%s (%d)", who, f.asked)
			f.wait[by] = answer
			e.fence(now, fence.Demand(node, by, "asked for by "+who))
		}
	})
}

// FenceConfirm takes a person's word that a node is off.
func (e *Engine) FenceConfirm(ctx context.Context, node, who string) (CommandResult, error) {
	return Ask(ctx, e, func(now time.Time, answer func(CommandResult)) {
		if e.fencing.fencer == nil || node == e.node {
			answer(CommandResult{Text: fmt.Sprintf("cannot confirm that %s is off: nobody would ask", node)})
			return
		}
		e.fence(now, fence.Confirm(node, who))
		answer(CommandResult{OK: true, Text: fmt.Sprintf("%s counts as fenced until it is heard again", node)})
	})
}

// Fencing shows the nodes that can be fenced, and whether the watchdog runs.
type Fencing struct {
	Nodes    []fence.View
	Watchdog bool // a group asks for it
	Device   config.Watchdog
	Armed    bool
	Fed      time.Time // zero: it does not run
}

// Fencing asks for that.
func (e *Engine) Fencing(ctx context.Context) (Fencing, error) {
	return Ask(ctx, e, func(_ time.Time, answer func(Fencing)) {
		answer(e.fencing.view())
	})
}

func (f *fencing) view() Fencing {
	out := Fencing{Watchdog: f.dog != nil, Device: f.watchdog}
	if f.dog != nil {
		out.Armed, out.Fed = f.dog.Awake(), f.dog.Fed()
	}
	if f.fencer != nil {
		out.Nodes = f.fencer.Views()
	}
	return out
}
