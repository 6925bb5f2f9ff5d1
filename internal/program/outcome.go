package program

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// Outcome is how a program ended.
type Outcome struct {
	Status  int            // its exit status; -1 where a signal ended it or it could not be started
	Signal  syscall.Signal // what ended it; 0: nothing did
	Output  string         // the last lines of what it said, on one
	First   string         // the first line of its standard output, with Command.Keep; else of what it said
	Stdout  []byte         // the beginning of its standard output, as far as Command.Keep
	Flooded bool           // it wrote more than its limit and was ended for that

	start error // why it could not be started
}

// Failure says what a person needs to know: "exit status 3", "signal: killed",
// or why it could not be started. It is nil for status 0.
func (o Outcome) Failure() error {
	switch {
	case o.start != nil:
		return o.start
	case o.Signal != 0:
		return fmt.Errorf("signal: %s", o.Signal)
	case o.Status != 0:
		return fmt.Errorf("exit status %d", o.Status)
	}
	return nil
}

// Started tells whether it could be started.
func (o Outcome) Started() bool { return o.start == nil }

// ended reads what Wait returned.
func ended(err error) Outcome {
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return Outcome{}
	case !errors.As(err, &exit):
		return Outcome{Status: -1, start: err}
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return Outcome{Status: -1, Signal: ws.Signal()}
	}
	return Outcome{Status: exit.ExitCode()}
}

// unstartable says why a program could not be started, in more words than the
// kernel has: what is wrong with its path, where something is.
func unstartable(c Command, err error) error {
	who := Own()
	if c.Account != nil {
		who = *c.Account
	}
	if why := Runnable(Disk(), c.Argv[0], who); why != nil {
		return why
	}
	return err
}
