package hook

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/program"
)

// Codes of the journal entries about programs.
const (
	CodeRan     = "HF2801" // it exited with 0
	CodeFailed  = "HF2802" // it could not be started, or exited with something else
	CodeTimeout = "HF2803" // it was killed because it took too long
	CodeSkipped = "HF2804" // a newer state came before it could start
)

const (
	defaultTimeout  = 30 * time.Second
	defaultParallel = 64
	defaultDrain    = 5 * time.Second
	// closing is the bound after Close has told programs to end.
	closing = program.KillAfter + time.Second
)

// Options are what a Runner works with.
type Options struct {
	// Record takes what became of a program. It must not block, nor call the
	// Runner.
	Record func(api.Event)
	// Start starts a program; nil: (*exec.Cmd).Start. A daemon in the
	// realtime class gives one that does not pass the class on. The thread
	// that it starts the program from must live on: the kernel ends the
	// program when that thread ends.
	Start func(*exec.Cmd) error
	// Environ is what HOLDFAST_* is added to; nil: the daemon's own.
	Environ []string
	// Parallel is how many programs may run at the same time; default 64.
	Parallel int
	// Drain is how long Close lets programs finish; default 5s.
	Drain time.Duration

	process func(program.Command) program.Process // tests: instead of the kernel's
}

// Event is a change of a group's state. Submit every one, also those that
// nothing is run for: they make what still waits outdated.
type Event struct {
	Group     string
	State     string // the new one: active, backup, fault
	From      string // the old one
	Reason    string // a sentence
	Addresses []netip.Prefix
	Interface string
	Node      string
	Run       []string      // argv; nil: nothing is run for this state
	Timeout   time.Duration // default 30s
}

// Runner runs programs.
type Runner struct {
	opt   Options
	slots chan struct{}
	stop  chan struct{} // closed when programs are to be killed
	idle  sync.WaitGroup

	mu     sync.Mutex
	groups map[string]*queue // those with something to do
	closed bool
}

// queue is one group's: what runs, and the newest of what waits.
type queue struct {
	next *Event
}

// New returns a Runner; it starts nothing.
func New(o Options) *Runner {
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Drain <= 0 {
		o.Drain = defaultDrain
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Start == nil {
		o.Start = (*exec.Cmd).Start
	}
	if o.process == nil {
		o.process = program.Start
	}
	return &Runner{opt: o, slots: make(chan struct{}, o.Parallel), stop: make(chan struct{}), groups: map[string]*queue{}}
}

// Submit says that a group's state has changed. It never blocks. After Close
// it does nothing.
func (r *Runner) Submit(ev Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	q, busy := r.groups[ev.Group]
	if !busy {
		if len(ev.Run) == 0 {
			return
		}
		q = &queue{next: &ev}
		r.groups[ev.Group] = q
		r.idle.Add(1)
		go r.work(ev.Group, q)
		return
	}
	if q.next != nil && len(q.next.Run) > 0 {
		r.opt.Record(skipped(*q.next, "the group became "+ev.State+" before it could start"))
	}
	q.next = &ev
}

// work runs a group's programs until nothing waits.
func (r *Runner) work(group string, q *queue) {
	defer r.idle.Done()
	for {
		select {
		case r.slots <- struct{}{}:
		case <-r.stop:
			r.abandon(group, q)
			return
		}
		// Only now: while this group waited for a place, its state may
		// have changed again.
		ev := r.take(group, q)
		if ev != nil {
			r.opt.Record(r.run(*ev))
		}
		<-r.slots
		if ev == nil {
			return
		}
	}
}

// take removes and returns what waits. Where nothing does, the group is
// forgotten.
func (r *Runner) take(group string, q *queue) *Event {
	select {
	case <-r.stop:
		r.abandon(group, q)
		return nil
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	ev := q.next
	q.next = nil
	if ev == nil || len(ev.Run) == 0 {
		delete(r.groups, group)
		return nil
	}
	return ev
}

// abandon forgets a group because the daemon ends.
func (r *Runner) abandon(group string, q *queue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.groups, group)
	if ev := q.next; ev != nil && len(ev.Run) > 0 {
		r.opt.Record(skipped(*ev, "the daemon ended before it could start"))
	}
}

// Close lets what runs and waits finish for a while, then kills it.
func (r *Runner) Close() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.closed = true
	r.mu.Unlock()

	done := make(chan struct{})
	go func() {
		r.idle.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-time.After(r.opt.Drain):
	}
	close(r.stop)
	select {
	case <-done:
	case <-time.After(closing): // a process in uninterruptible sleep
	}
}

// skipped says that a program was not run, and why.
func skipped(ev Event, why string) api.Event {
	return api.Event{
		Kind: "hook", Code: CodeSkipped, Group: ev.Group, To: ev.State,
		Reason: fmt.Sprintf("%s was not run for %s: %s", strings.Join(ev.Run, " "), ev.State, why),
	}
}

// run runs one program to its end and says what became of it.
func (r *Runner) run(ev Event) api.Event {
	if ev.Timeout <= 0 {
		ev.Timeout = defaultTimeout
	}
	begin := time.Now()
	p := r.opt.process(program.Command{Argv: ev.Run, Env: environment(r.opt.Environ, ev), Start: r.opt.Start})
	out := api.Event{Kind: "hook", Group: ev.Group, To: ev.State}
	name := strings.Join(ev.Run, " ")

	late := time.NewTimer(ev.Timeout)
	defer late.Stop()
	var cut string
	for done, stop := p.Done, r.stop; done != nil; {
		select {
		case <-done:
			done = nil
		case <-late.C:
			cut = "did not end within " + ev.Timeout.String()
			p.Kill()
		case <-stop:
			cut, stop = "did not end before the daemon", nil
			p.Kill()
		}
	}
	took := time.Since(begin).Round(time.Millisecond)
	end := p.Outcome()
	err := end.Failure()
	switch {
	case cut != "":
		out.Code, out.Reason = CodeTimeout, fmt.Sprintf("%s %s and was killed", name, cut)
	case err != nil:
		out.Code, out.Reason = CodeFailed, fmt.Sprintf("%s failed after %s: %v", name, took, err)
	default:
		out.Code, out.Reason = CodeRan, fmt.Sprintf("%s ran for %s", name, took)
	}
	if end.Output != "" && out.Code != CodeRan {
		out.Reason += "; it said: " + end.Output
	}
	return out
}
