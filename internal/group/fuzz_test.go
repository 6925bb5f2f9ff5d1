package group

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// watcher holds a set against what must be true whatever happens to it. It
// plays the kernel: what was ordered is on or off when it was answered.
type watcher struct {
	*bench
	kernel  []Op // by router, as carried out
	state   map[string]State
	asked   int // commands given
	told    int // and answered
	stopped int
	active  []bool // by router: what it said last was not priority 0
	level   []hold.Level
	how     byte // fuzzed
	taking  bool // the steps are asked for, and not answered
	taken   bool // something of them may be
	leaving bool // they are to be undone
	stuck   bool
}

func watch(b *bench) *watcher {
	w := &watcher{bench: b, kernel: make([]Op, len(b.members)), active: make([]bool, len(b.members)), state: map[string]State{}}
	w.level = make([]hold.Level, len(b.members))
	for i := range w.kernel {
		w.kernel[i] = Remove
	}
	return w
}

// step gives an event and looks at everything that comes of it.
func (w *watcher) step(ev Event) {
	w.look(label(ev), w.feed(ev))
}

func (w *watcher) look(what string, acts []Action) {
	w.t.Helper()
	fail := func(format string, a ...any) {
		w.t.Helper()
		w.t.Fatalf("after %s, %s: %s\n%q", w.now.Sub(w.began), what, fmt.Sprintf(format, a...), w.story(acts))
	}
	for _, a := range acts {
		switch a.Kind {
		case ActionAnnounce:
			if w.State() != Active || w.members[a.Router].ordered == Remove || w.level[a.Router] != hold.Holding {
				fail("announces without holding")
			}
		case ActionHold:
			w.level[a.Router] = a.Level
			if a.For <= 0 && a.Level != hold.Closed {
				fail("a hold without end: %s for %s", a.Level, a.For)
			}
		case ActionTake:
			if w.phase != claiming || w.taken {
				fail("takes its steps")
			}
			w.taking, w.taken = true, true
		case ActionLeave:
			if !w.taken || w.leaving || a.Text == "" {
				fail("leaves its steps")
			}
			w.taking, w.leaving = false, true
		case ActionRelease:
			if w.taken && w.now.Before(w.mandate) {
				fail("gives back a mandate under which something may be taken")
			}
		case ActionAsk:
			if w.State() != Backup || a.Priority == 0 {
				fail("asks with priority %d", a.Priority)
			}
		case ActionYield:
			if w.phase == claiming || w.phase == holding || w.taken {
				fail("says that it yields, and does not")
			}
		case ActionSend:
			if a.Priority == 0 && w.taken {
				fail("priority 0 while something may be taken")
			}
			// Priority 0 is the last that a router says.
			if r := w.Router(a.Router); a.Priority != 0 && r.State() != vrrp.Active && !r.Claiming() && !w.active[a.Router] {
				fail("an advert of a backup")
			}
			w.active[a.Router] = a.Priority != 0
		case ActionTell:
			if w.State() != Backup {
				fail("names a successor and stays")
			}
		case ActionResult:
			w.told++
			if w.told > w.asked || a.Text == "" {
				fail("%d results of %d commands", w.told, w.asked)
			}
		case ActionStopped:
			w.stopped++
			if w.stopped > 1 || !w.stopping || w.taken && !w.stuck {
				fail("stopped")
			}
		case ActionRecord:
			r := a.Record
			if strings.Contains(r.Reason, "invalid") {
				fail("a reason without a node: %s", r.Reason)
			}
			if r.Reason == "" || r.Group == "" {
				fail("a record without reason or group: %+v", r)
			}
			if r.Kind != "transition" {
				continue
			}
			if w.state[r.Group] != r.From || r.From == r.To {
				fail("moved from %s to %s, but was %s", r.From, r.To, w.state[r.Group])
			}
			w.state[r.Group] = r.To
		}
	}
	w.invariants(fail)
}

func (w *watcher) invariants(fail func(string, ...any)) {
	for _, g := range w.groups {
		if w.state[g.Name] != w.State() {
			fail("%s is told to be %s, but is %s", g.Name, w.state[g.Name], w.State())
		}
	}
	for i := range w.members {
		m := &w.members[i]
		switch active := m.router.State() == vrrp.Active; {
		case active && w.State() != Active:
			fail("router %d is active, the set is %s", i, w.State())
		case active && m.ordered == Remove:
			fail("router %d is active without addresses", i)
		case w.phase == resting || w.phase == unfit || w.phase == waiting:
			if m.ordered != Remove {
				fail("router %d keeps its addresses", i)
			}
		}
		if w.level[i] != m.level {
			fail("router %d is told to be %s, but is %s", i, w.level[i], m.level)
		}
		if !w.allowed(i) {
			fail("router %d is %s", i, m.level)
		}
		if m.pending != len(w.open(i)) {
			fail("router %d waits for %d answers, %d are open", i, m.pending, len(w.open(i)))
		}
	}
	switch {
	case w.phase == holding && w.ordered() && (!w.taken || w.taking || w.leaving):
		fail("holds without its steps")
	case w.taken && !w.leaving && w.phase != claiming && w.phase != holding:
		fail("keeps its steps")
	}
	if d := w.Deadline(); !d.IsZero() && d.Before(w.now.Add(-time.Hour)) {
		fail("the deadline is in another age: %s", d)
	}
}

// allowed reports whether the hold of a router is one that its set's phase
// lets it have.
func (w *watcher) allowed(i int) bool {
	m := &w.members[i]
	switch w.phase {
	case claiming:
		return m.level == w.claimLevel() || !w.said && m.level != hold.Holding
	case holding:
		// One that lost a tie is silent until it is settled.
		return m.level == hold.Holding || m.level == hold.Serving && m.router.State() != vrrp.Active && !w.contest.IsZero()
	case demoting:
		return m.level == hold.Claiming
	case leaving:
		return m.level == hold.Serving
	default:
		return m.level == hold.Closed
	}
}

func (w *watcher) open(i int) []Action {
	var out []Action
	for _, o := range w.orders {
		if o.Router == i {
			out = append(out, o)
		}
	}
	return out
}

// kernelDoes carries out, or refuses, the oldest order.
func (w *watcher) kernelDoes(err error) {
	if len(w.orders) == 0 {
		return
	}
	o := w.orders[0]
	w.orders = w.orders[1:]
	if err == nil {
		w.kernel[o.Router] = o.Op
	}
	w.step(Done(o.Router, o.Op, err))
}

// stepsDo answers what was asked of the steps: well, or not.
func (w *watcher) stepsDo(well bool) {
	switch {
	case w.leaving && well:
		w.taken, w.leaving, w.stuck = false, false, false
		w.step(Stepped(StepsLeft, "undone"))
	case w.leaving && !w.stuck:
		w.stuck = true
		w.step(Stepped(StepsStuck, "it hangs"))
	case w.taking && well:
		w.taking = false
		w.step(Stepped(StepsTook, "done"))
	case w.taking:
		w.taking, w.taken = false, false
		w.step(Stepped(StepsFailed, "no such unit"))
	}
}

// pass lets time go by, with a tick at each deadline.
func (w *watcher) pass(d time.Duration) {
	end := w.now.Add(d)
	for ticks := 0; ; ticks++ {
		at := w.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.step(Tick())
		if d := w.Deadline(); !d.IsZero() && !d.After(w.now) {
			w.t.Fatalf("after %s: the deadline stays in the past: %s", w.now.Sub(w.began), w.phase)
		}
	}
	w.now = end
}

// happen turns three bytes into an event.
func (w *watcher) happen(kind, x, y byte) {
	i := int(x) % len(w.members)
	name := string('b' + rune(y%3))
	prios := [...]uint8{0, 1, 50, 99, 100, 101, 150, 254, 255}
	switch kind % 29 {
	case 0:
		w.pass(time.Duration(x) * time.Millisecond)
	case 1:
		w.pass(time.Duration(x) * 50 * time.Millisecond)
	case 2, 3, 4:
		w.kernelDoes(nil)
	case 5:
		w.kernelDoes(errBusy)
	case 6:
		w.step(Received(i, w.packet(i, [...]byte{lower, higher}[y&1], prios[int(y>>1)%len(prios)], nil)))
	case 7:
		for i := range w.members {
			w.step(Received(i, w.packet(i, [...]byte{lower, higher}[y&1], prios[int(y>>1)%len(prios)], nil)))
		}
	case 8:
		w.step(Failed([]string{"service", "disk"}[y&1], "refused"))
	case 9:
		w.step([]Event{
			Passed("service"), Passed("disk"), Passed("service"), Passed("disk").Being(Worth{Points: int(y)}),
			Awaited("service"), Awaited("disk"), Passed("service"), Passed("disk").Being(Worth{Short: int(y)}),
		}[y&7])
	case 10:
		w.step(LinkDown(i, "no carrier"))
	case 11:
		f := w.Router(i).Config().Family
		w.step(LinkUp(i, addr(f, self+y%2)))
	case 12:
		w.step(Lost(i, "an address"))
	case 13:
		w.asked++
		w.step(Handover([]string{"", name}[x&1]))
	case 14:
		w.asked++
		w.step([]Event{MaintenanceOn(), MaintenanceForced(), MaintenanceOff(), MaintenanceOff()}[y%4])
	case 15:
		w.step(Take(name))
	case 16:
		w.step(Suspend(name))
	case 17:
		w.step(Asked(name, prios[int(y)%len(prios)]))
	case 18:
		w.step(Yielded(i, addr(w.Router(i).Config().Family, [...]byte{lower, higher}[y&1])))
	case 19:
		w.step(Deaf(i))
	case 20:
		w.step(Lapsed(i, time.Duration(1+int(y))*time.Millisecond))
	case 23:
		w.step(Sighted(i, addr(w.Router(i).Config().Family, 151), "02:00:00:00:00:09", "00:00:5e:00:01:33"))
	case 24:
		w.step(Mandate(w.now.Add(time.Duration(y) * 20 * time.Millisecond)))
	case 25, 26:
		w.stepsDo(true)
	case 27:
		w.stepsDo(y&1 != 0)
	case 21, 22:
		for i := range w.members {
			w.step(Received(i, w.packet(i, [...]byte{lower, higher}[y&1], prios[int(y>>1)%len(prios)], nil)).FromKin())
		}
	default:
		y = y&^steady | w.how&steady
		groups := []Config{fuzzed("web", 51, prios[1+int(x)%8], y), fuzzed("dns", 53, prios[1+int(x)%8], y)}
		out, err := w.Reconfigure(w.now, groups[:len(w.groups)], nil)
		if err != nil {
			w.t.Fatal(err)
		}
		w.collect(out)
		w.look("reconfigured", out)
	}
}

// steady are settings with which a set is made anew, and not changed in place.
const steady = 0b1100_0000

func fuzzed(name string, vrid uint8, prio uint8, how byte) Config {
	c := Config{
		Name: name, Priority: prio, Routers: []vrrp.Config{router(vrid, vrrp.IPv4), router(vrid, vrrp.IPv6)},
		Uses:  []Use{{"service", 0}, {"disk", 40}},
		Steps: how>>6&1 != 0, Guarded: how>>7&1 != 0,
	}
	for i := range c.Routers {
		r := &c.Routers[i]
		r.NoPreempt = how&1 != 0
		r.PreemptDelay = time.Duration(how>>1&1) * 700 * time.Millisecond
		r.StartupHold = time.Duration(how>>2&1) * 2 * time.Second
		if how>>3&1 != 0 {
			r.Interval = 200 * time.Millisecond
		}
		if how>>4&1 != 0 {
			r.Addresses = append(r.Addresses, addr(r.Family, 200))
		}
	}
	if how>>5&1 != 0 {
		c.Announce = Announce{Repeat: 3, Refresh: time.Second}
	}
	return c
}

// FuzzSet gives a set any events in any order, and holds it against what must
// be true. In the end it stops, and everything has to be off and answered.
func FuzzSet(f *testing.F) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := make([]byte, 2+3*(10+r.IntN(150)))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 2 || len(script) > 2000 {
			return
		}
		groups := []Config{fuzzed("web", 51, 100, script[1])}
		if script[0]&1 != 0 {
			groups = append(groups, fuzzed("dns", 53, 100, script[1]))
		}
		w := watch(place(t, groups...))
		w.how = script[1]
		if script[0]&2 != 0 {
			for i := range w.members {
				w.step(LinkUp(i, addr(w.Router(i).Config().Family, self)))
			}
		}
		w.step(Start())
		for script = script[2:]; len(script) >= 3; script = script[3:] {
			w.happen(script[0], script[1], script[2])
		}
		w.end()
	})
}

// end stops the set. The kernel goes on doing what it is told.
func (w *watcher) end() {
	w.step(Stop("told to stop"))
	for range 200 {
		for len(w.orders) > 0 {
			w.kernelDoes(nil)
		}
		w.stepsDo(true)
		w.pass(100 * time.Millisecond)
	}
	if w.stopped != 1 || w.phase != resting {
		w.t.Fatalf("it did not stop: %s", w.phase)
	}
	for i, op := range w.kernel {
		if op != Remove {
			w.t.Fatalf("router %d leaves its addresses behind", i)
		}
	}
	if w.told != w.asked {
		w.t.Fatalf("%d of %d commands were answered", w.told, w.asked)
	}
}
