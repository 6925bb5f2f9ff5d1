package fence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fencer fences nodes. Its methods are for one goroutine.
type Fencer struct {
	cfg   Config
	nodes []*target // by name
	runs  uint64
	now   time.Time
	out   []Action
}

// target is one node that can be fenced.
type target struct {
	name    string
	state   State
	waiters []string
	why     string // the first wish's reason
	fenced  string // how, where it is
	failure string // the last one
	since   time.Time
	due     time.Time // when waiting ends, or the agent's time
	asked   time.Time // when the first wish came
	last    Attempt
	killed  bool

	level, step int
	tries       []try
	rounds      int
	run         uint64 // of the agent that runs; 0: none
}

// State is how far the fencing of a node is.
type State uint8

const (
	Resting State = iota // nobody has asked for it
	Waiting              // for its delay, for another try, or for a device
	Running              // an agent runs
	Fenced               // it is, and was not heard since
)

func (s State) String() string {
	return [...]string{"not fenced", "waiting", "running", "fenced"}[min(s, Fenced)]
}

// New makes a fencer.
func New(cfg Config) *Fencer {
	f := &Fencer{cfg: cfg}
	for name := range cfg.Nodes {
		f.nodes = append(f.nodes, &target{name: name})
	}
	slices.SortFunc(f.nodes, func(a, b *target) int { return cmp.Compare(a.name, b.name) })
	return f
}

func (f *Fencer) target(name string) *target {
	i := slices.IndexFunc(f.nodes, func(t *target) bool { return t.name == name })
	if i < 0 {
		// It has no devices: somebody can still say that it is off.
		f.nodes = append(f.nodes, &target{name: name})
		return f.nodes[len(f.nodes)-1]
	}
	return f.nodes[i]
}

// Step tells the fencer what happened at now and appends what must be done.
func (f *Fencer) Step(now time.Time, ev Event, out []Action) []Action {
	f.now, f.out = now, out
	switch ev.Kind {
	case EventWant:
		f.want(ev)
	case EventDrop:
		for _, t := range f.nodes {
			f.drop(t, ev.Who)
		}
	case EventRan:
		f.ran(ev)
	case EventConfirm:
		f.confirm(ev)
	case EventSeen:
		t := f.target(ev.Node)
		if t.failure = ""; t.state == Fenced {
			t.enter(now, Resting)
			t.fenced = ""
		}
	}
	for _, t := range f.nodes {
		f.tick(t)
	}
	out, f.out = f.out, nil
	return out
}

// Deadline is when Step wants a Tick; zero means never.
func (f *Fencer) Deadline() time.Time {
	var d time.Time
	for _, t := range f.nodes {
		if busy := t.state == Waiting && f.occupied(t); t.due.IsZero() || busy {
			continue
		}
		if d.IsZero() || t.due.Before(d) {
			d = t.due
		}
	}
	return d
}

func (t *target) enter(now time.Time, s State) { t.state, t.since, t.due = s, now, time.Time{} }

// want notes a wish, and begins where nobody had one.
func (f *Fencer) want(ev Event) {
	t := f.target(ev.Node)
	if t.state == Fenced && !ev.Now {
		f.emit(Action{Kind: ActionDone, Node: t.name, Who: ev.Who, OK: true, Text: t.fenced})
		return
	}
	if !slices.Contains(t.waiters, ev.Who) {
		t.waiters = append(t.waiters, ev.Who)
	}
	switch {
	case t.state == Running:
		return
	case t.state == Waiting:
		if ev.Now {
			t.due = f.now
		}
		return
	}
	t.why, t.rounds, t.failure, t.asked = ev.Text, 0, "", f.now
	f.begin(t, f.delay(t, ev))
	f.record(t, CodeBegun, "%s is to be fenced: %s%s", t.name, ev.Text, after(t.due.Sub(f.now)))
	if len(f.cfg.Nodes[t.name]) == 0 {
		f.inVain(t, "it has no fence devices in the file")
	}
}

func after(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(" (in %s)", d.Round(time.Millisecond))
}

// delay keeps two nodes from fencing each other: see the package's words.
func (f *Fencer) delay(t *target, ev Event) time.Duration {
	if ev.Now || len(f.cfg.Nodes[t.name]) == 0 {
		return 0
	}
	var d time.Duration
	for _, device := range f.cfg.Nodes[t.name][0] {
		d = max(d, f.cfg.Devices[device].Delay)
	}
	if f.cfg.Random > 0 {
		d += time.Duration(f.cfg.Rand.Int64N(int64(f.cfg.Random)))
	}
	if !ev.Holds {
		d += f.cfg.Priority
	}
	return d
}

// begin begins a round through all levels.
func (f *Fencer) begin(t *target, delay time.Duration) {
	t.enter(f.now, Waiting)
	t.due = f.now.Add(delay)
	t.level, t.step, t.tries = 0, 0, nil
}

// drop forgets a wish. An agent that runs goes on to its end: half of what it
// does may be worse than all.
func (f *Fencer) drop(t *target, who string) {
	n := len(t.waiters)
	t.waiters = slices.DeleteFunc(t.waiters, func(w string) bool { return w == who })
	if n > 0 && len(t.waiters) == 0 && t.state == Waiting && t.step == 0 {
		t.enter(f.now, Resting)
	}
}

// tick does what is due for a node.
func (f *Fencer) tick(t *target) {
	switch {
	case t.due.IsZero() || t.due.After(f.now):
	case t.state == Waiting:
		if len(f.cfg.Nodes[t.name]) > 0 && !f.occupied(t) {
			f.start(t)
		}
	case t.state == Running && !t.killed:
		t.killed = true
		t.due = f.now.Add(grace)
		f.emit(Action{Kind: ActionKill, Node: t.name, Run: t.run})
	case t.state == Running:
		f.ran(Event{Run: t.run, Text: "its agent cannot be ended"})
	}
}

// current is the try that a node is at.
func (f *Fencer) current(t *target) try {
	if t.tries == nil {
		t.tries = f.cfg.tries(f.cfg.Nodes[t.name][t.level])
	}
	return t.tries[t.step]
}

// occupied reports whether the device that a node waits for is at work for
// another one: devices do one thing at a time, and many refuse a second.
func (f *Fencer) occupied(t *target) bool {
	if len(f.cfg.Nodes[t.name]) == 0 {
		return true
	}
	device := f.current(t).device
	return slices.ContainsFunc(f.nodes, func(o *target) bool {
		return o != t && o.state == Running && f.current(o).device == device
	})
}

func (f *Fencer) start(t *target) {
	x := f.current(t)
	f.runs++
	t.enter(f.now, Running)
	t.run, t.killed = f.runs, false
	timeout := f.cfg.Devices[x.device].Timeout
	t.due = f.now.Add(timeout)
	f.emit(Action{Kind: ActionRun, Node: t.name, Device: x.device, Op: x.op, Run: t.run, Timeout: timeout})
}

// ran goes on after a run: to the next device of the level, to the next level,
// or to the end.
func (f *Fencer) ran(ev Event) {
	i := slices.IndexFunc(f.nodes, func(t *target) bool { return t.state == Running && t.run == ev.Run })
	if i < 0 {
		return // it was given up
	}
	t := f.nodes[i]
	x := f.current(t)
	ok, text := ev.OK, ev.Text
	if t.killed {
		ok, text = false, fmt.Sprintf("it did not end within %s", f.cfg.Devices[x.device].Timeout)
	}
	t.run = 0
	if !ok {
		t.failure = fmt.Sprintf("%s of device %s failed: %s", x.op, x.device, text)
		f.record(t, CodeAgent, "fencing %s: %s", t.name, t.failure)
	}
	t.enter(f.now, Waiting)
	t.due = f.now
	switch {
	case !ok && !x.spare:
		t.level, t.step, t.tries = t.level+1, 0, nil
		if t.level == len(f.cfg.Nodes[t.name]) {
			f.inVain(t, t.failure)
		}
	case t.step+1 < len(t.tries):
		t.step++
		if next := t.tries[t.step]; next.spare && !x.spare {
			f.succeeded(t, x) // all is off; who waits need not wait for the power
		}
	default:
		if !x.spare {
			f.succeeded(t, x)
		}
		t.enter(f.now, Fenced)
	}
}

// succeeded tells all who wait.
func (f *Fencer) succeeded(t *target, x try) {
	devices := strings.Join(f.cfg.Nodes[t.name][t.level], " and ")
	t.fenced, t.failure = fmt.Sprintf("%s by %s", x.op, devices), ""
	t.note(f.now, true, t.level+1, t.fenced)
	f.record(t, CodeFenced, "%s is fenced: %s (%s)", t.name, t.fenced, t.why)
	f.tell(t, true, t.fenced)
}

func (f *Fencer) tell(t *target, ok bool, text string) {
	for _, who := range t.waiters {
		f.emit(Action{Kind: ActionDone, Node: t.name, Who: who, OK: ok, Text: text})
	}
	if ok {
		t.waiters = nil
	}
}

// inVain ends a round in which no level succeeded, and begins the next after a
// while if somebody still waits.
func (f *Fencer) inVain(t *target, why string) {
	t.failure = why
	t.note(f.now, false, t.level, why)
	f.record(t, CodeFailed, "%s could not be fenced: %s; see to it by hand, and say so with holdfast fence confirm %s", t.name, why, t.name)
	f.tell(t, false, why)
	if len(t.waiters) == 0 {
		t.enter(f.now, Resting)
		return
	}
	wait := pause(t.rounds)
	t.rounds++
	f.begin(t, wait)
	if len(f.cfg.Nodes[t.name]) == 0 {
		t.due = time.Time{}
	}
}

// confirm takes a person's word for it.
func (f *Fencer) confirm(ev Event) {
	t := f.target(ev.Node)
	if t.run != 0 {
		f.emit(Action{Kind: ActionKill, Node: t.name, Run: t.run})
		t.run = 0
	}
	if len(t.waiters) == 0 && t.failure == "" {
		t.asked, t.why = f.now, "nobody had asked" // before it happened
	}
	t.fenced, t.failure = "confirmed by "+ev.Who, ""
	t.note(f.now, true, 0, t.fenced)
	t.level, t.step, t.tries = 0, 0, nil
	t.enter(f.now, Fenced)
	f.record(t, CodeConfirmed, "%s is fenced: %s", t.name, t.fenced)
	f.tell(t, true, t.fenced)
}

func (f *Fencer) emit(a Action) { f.out = append(f.out, a) }

func (f *Fencer) record(t *target, code, format string, args ...any) {
	f.emit(Action{Kind: ActionRecord, Node: t.name, Code: code, Text: fmt.Sprintf(format, args...)})
}
