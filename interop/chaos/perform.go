package chaos

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// Happened is one fault of a plan as it really was.
type Happened struct {
	Event
	measure.Span // on the recording's clock
	Nodes        []string
	Held         bool   // one of them was the holder
	Skipped      string // why nothing was done
	Note         string // what came of it
}

func (h Happened) String() string {
	s := fmt.Sprintf("%9.1f ms  %s on %v", ms(h.From), h.Fault, h.Nodes)
	if h.Skipped != "" {
		return s + ": left out: " + h.Skipped
	}
	if h.Percent > 0 {
		s += fmt.Sprintf(", %d%%", h.Percent)
	}
	s += fmt.Sprintf(", over at %.1f ms", ms(h.To))
	if h.Note != "" {
		s += ": " + h.Note
	}
	return s
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// skipped is why a fault was left out.
type skipped struct{ why string }

func (s skipped) Error() string { return s.why }

// perform makes the plan's faults happen, at their times, and returns when all
// are over.
func (r *run) perform(events []Event) error {
	type edge struct {
		at time.Duration
		do func() error
	}
	r.happened = make([]Happened, len(events))
	var edges []edge
	for i, e := range events {
		h := &r.happened[i]
		var end func() error
		edges = append(edges, edge{e.At, func() error {
			var err error
			end, err = r.begin(e, h)
			return err
		}}, edge{e.At + e.Length, func() error {
			var err error
			if end != nil {
				err = end()
			}
			h.To = r.tap.Now()
			return err
		}})
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return int(a.at - b.at) })
	begun := time.Now()
	for _, e := range edges {
		time.Sleep(time.Until(begun.Add(e.at)))
		if err := e.do(); err != nil {
			return err
		}
	}
	return nil
}

// begin makes one fault happen and returns what ends it.
func (r *run) begin(e Event, h *Happened) (end func() error, err error) {
	on, to := r.roles(e)
	h.Event, h.Held = e, on == r.role(Holder)
	h.Nodes = []string{on.name}
	if to != nil {
		h.Nodes = append(h.Nodes, to.name)
		h.Held = h.Held || to == r.role(Holder)
	}
	h.From = r.tap.Now()
	end, err = r.faultOn(e, on, to, h)
	if skip := (skipped{}); errors.As(err, &skip) {
		h.Skipped, h.To = skip.why, h.From
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot %s on %s: %w", e.Fault, on.name, err)
	}
	return end, nil
}

func (r *run) faultOn(e Event, on, to *node, h *Happened) (end func() error, err error) {
	c := r.cluster
	if on.host.NS() == nil {
		return nil, skipped{"the machine is off"}
	}
	switch e.Fault {
	case KillDaemon:
		return on.start, r.signal(on, unix.SIGKILL, theDaemon)
	case KillGuardian:
		return on.start, r.signal(on, unix.SIGKILL, theGuardian)
	case KillBoth:
		// At one instant: nobody sees another one die.
		on.signal(unix.SIGSTOP, all)
		return on.start, r.signal(on, unix.SIGKILL, all)
	case PauseDaemon:
		return func() error { on.signal(unix.SIGCONT, theDaemon); return nil }, r.signal(on, unix.SIGSTOP, theDaemon)
	case PauseGuardian:
		return func() error { on.signal(unix.SIGCONT, theGuardian); return nil }, r.signal(on, unix.SIGSTOP, theGuardian)
	case PauseBoth:
		return func() error { on.signal(unix.SIGCONT, all); return nil }, r.signal(on, unix.SIGSTOP, all)
	case Starve:
		h.Held = true // it hits everybody
		return starve()
	case LinkDown:
		return unplug(on,
			func() error { return on.host.Cut(lab.Carrier) },
			func() error { return errors.Join(on.host.Restore(), c.applyLosses()) })
	case DeleteAddress:
		return nil, on.deleteAddress(c.vip)
	case DeleteInterface:
		return unplug(on, on.host.RemoveInterface, on.host.AddInterface)
	case FillDisk:
		if on.kind != peer.Holdfast {
			return nil, skipped{"it keeps nothing on disk"}
		}
		return on.disk.clear, on.disk.fill()
	case PowerOff:
		return unplug(on,
			func() error { _, err := on.host.Kill(); return err },
			func() error { return errors.Join(on.host.Boot(), on.start()) })
	case CutOneWay:
		return c.lose(lab.Loss{From: on.name, To: to.name, Percent: 100})
	case CutBoth:
		return c.lose(lab.Loss{From: on.name, To: to.name, Percent: 100}, lab.Loss{From: to.name, To: on.name, Percent: 100})
	case Isolate:
		return c.lose(lab.Loss{From: on.name, Percent: 100}, lab.Loss{To: on.name, Percent: 100})
	case Mute:
		return c.lose(lab.Loss{From: on.name, Percent: 100})
	case Deafen:
		return c.lose(lab.Loss{To: on.name, Percent: 100})
	case Lose:
		return c.lose(lab.Loss{From: on.name, Percent: e.Percent}, lab.Loss{To: on.name, Percent: e.Percent})
	case RestartAll:
		h.Held, h.Nodes = true, names[:len(c.nodes)]
		return nil, r.restartAll()
	case KillWitness, PauseWitness, CutWitness:
		h.Held, h.Nodes = false, []string{witnessName}
		return r.witnessFault(e.Fault)
	case KillStore, PauseStore, CutStore, LoseStore, SlowStore, FillStore:
		return r.storeFault(e, on, h)
	case Split:
		h.Held = true // it concerns all
		return c.lose(e.losses()...)
	case Replace, Regrow:
		return r.loseMember(e, on, h)
	case Upgrade:
		h.Held, h.Nodes = false, names[:len(c.nodes)]
		if on.kind != peer.Holdfast {
			return nil, skipped{"it has none"}
		}
		return nil, r.upgrade()
	case Rolling:
		h.Held, h.Nodes = true, names[:len(c.nodes)]
		return nil, r.rolling()
	}
	return nil, errors.New("no such fault")
}

func (r *run) signal(n *node, sig unix.Signal, w which) error {
	if n.signal(sig, w) > 0 {
		return nil
	}
	if w == theGuardian {
		return skipped{"there is no guardian"}
	}
	return skipped{"nothing runs there"}
}

// unplug does something to a node's cable, interface or power that must not be
// done to it twice at a time.
func unplug(n *node, out, in func() error) (end func() error, err error) {
	if n.unplugged {
		return nil, skipped{"it is unplugged already"}
	}
	n.unplugged = true
	return func() error { n.unplugged = false; return in() }, out()
}

// roles finds the nodes that an event means.
func (r *run) roles(e Event) (on, to *node) {
	on = r.role(e.On)
	if e.Other == "" {
		return on, nil
	}
	if to = r.role(e.Other); to == on {
		to = r.cluster.others(on)[0]
	}
	return on, to
}

// role finds the node that is something now. The holder is who answered last.
func (r *run) role(want Role) *node {
	holder := r.cluster.nodes[0]
	for _, n := range r.cluster.nodes {
		if n.name == r.tap.Latest() {
			holder = n
		}
	}
	backups := r.cluster.others(holder)
	switch {
	case want == Holder:
		return holder
	case want == Second || len(backups) < 2:
		return backups[0]
	}
	return backups[1]
}

// starve keeps every CPU busy.
func starve() (end func() error, err error) {
	var loops []*exec.Cmd
	end = func() error {
		for _, l := range loops {
			_ = l.Process.Kill()
			_ = l.Wait() // it says that it was killed
		}
		return nil
	}
	for range 3 * runtime.NumCPU() {
		loop := exec.Command("sh", "-c", "while :; do :; done")
		loop.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := loop.Start(); err != nil {
			return nil, errors.Join(err, end())
		}
		loops = append(loops, loop)
	}
	return end, nil
}

func (r *run) restartAll() error {
	errs := make([]error, len(r.cluster.nodes))
	var work sync.WaitGroup
	for i, n := range r.cluster.nodes {
		work.Go(func() { errs[i] = n.stop() })
	}
	work.Wait()
	for i, n := range r.cluster.nodes {
		errs[i] = errors.Join(errs[i], n.start())
	}
	return errors.Join(errs...)
}

// rolling restarts one node after the other, the backups first, as an upgrade
// does: the next one when this one is back.
func (r *run) rolling() error {
	holder := r.role(Holder)
	for _, n := range append(r.cluster.others(holder), holder) {
		if err := errors.Join(n.stop(), n.start()); err != nil {
			return err
		}
		if err := r.wait(10*time.Second+3*failover(r.plan.Mode), func() error {
			state, err := n.daemon().State(groupName)
			if err == nil && state != peer.Active && state != peer.Backup {
				err = fmt.Errorf("%s is %s", n.name, state)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// upgrade has one node after the other go on in a new process. One that does not,
// because something else happens to it at the same time, goes on as it is.
func (r *run) upgrade() error {
	for _, n := range r.cluster.nodes {
		cmd := exec.Command(n.opt.Binary, "upgrade", "--socket", filepath.Join(n.opt.Dir, "holdfast.sock"))
		cmd.WaitDelay = time.Second
		if err := cmd.Start(); err != nil {
			return err
		}
		impatient := time.AfterFunc(8*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		impatient.Stop()
	}
	return nil
}

// witnessFault does something to the witness, where there is one.
func (r *run) witnessFault(f Fault) (end func() error, err error) {
	c := r.cluster
	if c.witness == nil {
		return nil, skipped{"there is no witness"}
	}
	switch f {
	case KillWitness:
		return c.runWitness, c.witness.Kill()
	case PauseWitness:
		return c.witness.Resume, c.witness.Pause()
	}
	return c.lose(lab.Loss{From: witnessName, Percent: 100}, lab.Loss{To: witnessName, Percent: 100})
}
