package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/program"
	"github.com/holdfast-net/holdfast/internal/steps"
)

// Upgrade starts the program anew, from its file as it is on the disk now, and
// lets the new process go on with all that is held here. Nothing moves and no
// advert is late. Where the new process cannot, this one goes on undisturbed.
func (d *Daemon) Upgrade(ctx context.Context) (api.Result, error) {
	d.reload.Lock()
	defer d.reload.Unlock()
	begun := time.Now()
	s, err := d.handOn(ctx)
	if err == nil {
		text := fmt.Sprintf("process %d (%s) goes on in the place of process %d (%s): nothing moved, and nothing was held up for longer than %s",
			s.pid(), s.taken.Program, os.Getpid(), d.opt.Version.Version, s.taken.Pause.Round(10*time.Microsecond))
		d.note(api.Event{Kind: "daemon", Code: "HF2130", Reason: fmt.Sprintf("%s; it was prepared for %s", text, time.Since(begun).Round(time.Millisecond))})
		close(d.handedOn)
		return api.Result{OK: true, Text: text}, nil
	}
	if errors.Is(err, errGone) {
		d.die(err)
	}
	text := fmt.Sprintf("the upgrade was called off, and this process goes on: %v", err)
	hint := "nothing has changed; mend it and run holdfast upgrade again"
	if errors.Is(err, engine.ErrUnstill) {
		if what, how := heldUp(d.steps.runner.Running(), program.Look); what != "" {
			text, hint = text+"; "+what, how
		}
	}
	d.note(api.Event{Kind: "notice", Code: "HF2131", Reason: text})
	return api.Result{Text: text, Hint: hint}, nil
}

// heldUp says which programs of steps hold an upgrade up, and what to do.
func heldUp(running []steps.Running, look func(pid int) program.Seen) (what, how string) {
	for _, r := range running {
		seen := look(r.PID)
		if !seen.There {
			continue
		}
		text := fmt.Sprintf("process %d (%s) of step %q of group %s", r.PID, seen.Name, r.Step, r.Group)
		if !seen.Stuck {
			return text + " runs", "it is killed at the end of its time: run holdfast upgrade again then"
		}
		where := ""
		if seen.Where != "" {
			where = ", in " + seen.Where
		}
		return text + " waits for the kernel and cannot be killed (state D" + where + ")",
			fmt.Sprintf("see what it waits for (/proc/%d/stack): a disk or a server that is gone, most likely. When that is back the process ends, and holdfast upgrade works again. "+
				"Where it never will be, hand the other groups over (holdfast maintenance on) and restart the machine", r.PID)
	}
	return "", ""
}

// handOn returns when another process stands in the place of this one.
func (d *Daemon) handOn(ctx context.Context) (*successor, error) {
	if err := d.mayEnd(); err != nil {
		return nil, err
	}
	switch _, plan, err := d.plan(); {
	case err != nil:
		return nil, err
	case plan.Failed():
		return nil, fmt.Errorf("the file has errors: %s", firstError(plan.Diagnostics))
	case len(plan.Changes) > 0:
		return nil, errors.New("the file differs from what is in force: run holdfast reload first, or undo the change")
	}
	draft, err := d.engine.Draft(ctx)
	if err != nil {
		return nil, err
	}
	files, err := d.gate.Files()
	if err != nil {
		return nil, err
	}
	s, err := startSuccessor(offer{
		Version: willVersion, Program: d.opt.Version.Version, PID: os.Getpid(), Line: d.doors.line.ID, Draft: draft,
	}, files, d.notify.environment())
	for _, f := range files {
		_ = f.Close()
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.conn.Close() }()
	if _, err := s.expect("ready", readyBound, func(w word) bool { return w.Ready }); err != nil {
		return nil, errors.Join(err, s.kill())
	}
	if err := d.engine.HandOn(ctx, func(es *engine.Estate) error { return d.give(s, es) }); err != nil {
		return nil, errors.Join(err, s.kill())
	}
	// There is no way back from here.
	if _, err := s.expect("standing", standsBound, func(w word) bool { return w.Stands }); err != nil {
		return nil, errors.Join(errGone, err, s.kill())
	}
	d.notify.send(fmt.Sprintf("MAINPID=%d", s.pid()))
	return s, nil
}

// give tells the guardian first: from then on it is the other process that may
// hold what its voices speak of.
func (d *Daemon) give(s *successor, es *engine.Estate) error {
	k := d.guarded.keeper
	if k != nil {
		k.HandOn()
	}
	err := s.give(es)
	switch {
	case errors.Is(err, errGone):
		d.die(err)
	case err != nil && k != nil:
		k.KeepOn()
	}
	return err
}

// mayEnd says whether this process may end while what it holds goes on.
func (d *Daemon) mayEnd() error {
	switch {
	case os.Getpid() == 1:
		return errors.New("this process is the first of its container, which ends with it")
	case d.managed && d.notify.conn == nil:
		return errors.New("the service manager would take the end of this process for that of the service: it needs Type=notify")
	}
	return nil
}

// die ends this process without a farewell: the guardian closes what is open,
// and sees to the rest.
func (d *Daemon) die(err error) {
	if k := d.guarded.keeper; k != nil {
		k.KeepOn()
	} else {
		_ = d.gate.CloseAll()
	}
	d.opt.Log.Error("the new process took over and failed: ending, so that everything begins anew", "err", err)
	os.Exit(1)
}
