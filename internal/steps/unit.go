package steps

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Bus is the part of systemd's D-Bus interface that steps need: dbus.Conn.
type Bus interface {
	StartUnitContext(ctx context.Context, name, mode string, ch chan<- string) (int, error)
	StopUnitContext(ctx context.Context, name, mode string, ch chan<- string) (int, error)
	GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error)
	GetUnitTypePropertiesContext(ctx context.Context, unit, unitType string) (map[string]any, error)
	Close()
}

// systemBus connects to the service manager: over the system's bus, where a
// policy may allow more than root, or directly, which root may.
func systemBus(ctx context.Context) (Bus, error) {
	return dbus.NewWithContext(ctx)
}

// answers is how long systemd has to say what became of a unit.
const answers = 2 * time.Second

// unit starts or stops a unit and waits until its job has ended. When ctx is
// over it leaves the job to systemd: a job to stop goes on, as it should, and one
// to start is replaced by that which undoes it.
func (r *Runner) unit(ctx context.Context, name string, stop bool) (output string, err error) {
	bus, err := r.opt.Bus(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot reach systemd: %w", err)
	}
	defer bus.Close()
	verb, order := "start", bus.StartUnitContext
	if stop {
		verb, order = "stop", bus.StopUnitContext
		if state, _ := unitState(bus, name); state.load == "not-found" {
			return "", nil // a unit that does not exist does not run
		}
	}
	begun := time.Now()
	ended := make(chan string, 1)
	// "replace": a job that contradicts it is cancelled.
	if _, err := order(ctx, name, "replace", ended); err != nil {
		return "", fmt.Errorf("systemd refused to %s it: %w", verb, err)
	}
	result := "timeout"
	select {
	case result = <-ended:
	case <-ctx.Done():
	}
	state, err := unitState(bus, name)
	if err != nil {
		return "", err
	}
	want := "active"
	if stop {
		want = "inactive"
	}
	switch {
	case ctx.Err() != nil:
		return r.journal(name, begun), fmt.Errorf("its job has not ended; it is %s", state)
	case result == "done" && state.active == want, stop && state.active == "failed":
		return "", nil
	case result == "done" && !stop && state.active == "reloading":
		return "", nil
	case result == "done":
		// A simple service counts as started once it is forked, whatever
		// becomes of it.
		return r.journal(name, begun), fmt.Errorf("it is %s after its job to %s", state, verb)
	}
	return r.journal(name, begun), fmt.Errorf("its job to %s ended with %q; it is %s", verb, result, state)
}

// state is what a unit is.
type state struct {
	load, active, sub string
	result            string // of a service: success, exit-code, signal, timeout, …
	status            int32  // what its main process exited with
}

func (s state) String() string {
	text := s.active
	if s.sub != "" && s.sub != s.active {
		text += " (" + s.sub + ")"
	}
	switch {
	case s.load != "" && s.load != "loaded":
		text += ", " + s.load
	case s.result == "exit-code":
		text += fmt.Sprintf(", its main process ended with status %d", s.status)
	case s.result != "" && s.result != "success":
		text += ", " + s.result
	}
	return text
}

// unitState asks for it, also when the step's own time is over.
func unitState(bus Bus, name string) (state, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answers)
	defer cancel()
	p, err := bus.GetUnitPropertiesContext(ctx, name)
	if err != nil {
		return state{}, fmt.Errorf("cannot ask systemd what became of it: %w", err)
	}
	var s state
	s.load, _ = p["LoadState"].(string)
	s.active, _ = p["ActiveState"].(string)
	s.sub, _ = p["SubState"].(string)
	if strings.HasSuffix(name, ".service") {
		// Without these the answer is shorter.
		q, _ := bus.GetUnitTypePropertiesContext(ctx, name, "Service")
		s.result, _ = q["Result"].(string)
		s.status, _ = q["ExecMainStatus"].(int32)
	}
	return s, nil
}

// journal is the end of what the unit said lately, where journald keeps it.
func (r *Runner) journal(name string, since time.Time) string {
	ctx, cancel := context.WithTimeout(context.Background(), answers)
	defer cancel()
	out, err := r.program(ctx, nil, "", []string{
		"/usr/bin/journalctl", "--unit=" + name, "--since=@" + fmt.Sprint(since.Unix()), "--lines=5", "--output=cat", "--no-pager", "--quiet",
	}, r.opt.Environ)
	if err != nil || out.Failure() != nil {
		return ""
	}
	return out.Output
}
