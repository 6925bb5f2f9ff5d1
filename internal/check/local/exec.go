package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

const (
	// execGrace is between SIGTERM and SIGKILL; with execEnd, how long a
	// killed program may take to be gone, it stays within the second after
	// which the runner takes the look for hanging.
	execGrace = 300 * time.Millisecond
	execEnd   = 600 * time.Millisecond
	// maxOutput is what a program may write. More is a program gone wild.
	maxOutput = 1 << 20
)

// execProbe runs a program.
//
// It finds in its environment, beside the daemon's (package program) and, with
// a user of its own, USER, LOGNAME and HOME:
//
//	HOLDFAST_NODE    this node's name
//	HOLDFAST_CHECK   exec
//	HOLDFAST_RUN     what marks this run
type execProbe struct {
	kind    check.Exec
	env     Env
	account *program.Account // nil until it is known
	left    *program.Process // of the last look, killed and not gone yet
}

func newExec(k check.Exec, env Env) *execProbe {
	if env.Environ == nil {
		env.Environ = os.Environ()
	}
	return &execProbe{kind: k, env: env}
}

// Try runs the program once.
func (p *execProbe) Try(ctx context.Context) check.Seen {
	if p.left != nil {
		select {
		case <-p.left.Done:
			p.left = nil
		case <-ctx.Done():
			return check.Failed("the last run was killed and is still not gone: it may be stuck in the kernel")
		}
	}
	if err := p.identify(); err != nil {
		return failedf("cannot run %s: %v", p.kind.Target(), err)
	}
	begin := time.Now()
	run := program.Start(p.command())
	select {
	case <-run.Done:
	case <-ctx.Done():
		run.Kill()
		return p.kill(ctx, &run, time.Since(begin))
	}
	return judge(p.kind.Codes, run.Outcome(), time.Since(begin))
}

// identify finds who runs the program. It is asked again until it is known: a
// directory of users may come later than the daemon.
func (p *execProbe) identify() error {
	if p.account != nil || p.kind.User == "" && p.kind.Group == "" {
		return nil
	}
	a, err := program.Lookup(p.kind.User, p.kind.Group)
	if err == nil {
		p.account = &a
	}
	return err
}

func (p *execProbe) command() program.Command {
	about := []string{"HOLDFAST_NODE=" + p.env.Node, "HOLDFAST_CHECK=exec"}
	if p.account != nil {
		about = append(about, p.account.Environment()...)
	}
	return program.Command{
		Argv: p.kind.Run, Env: program.Environment(p.env.Environ, about...),
		Account: p.account, Start: p.env.Start, Grace: execGrace, Limit: maxOutput, Keep: 1, // First is of its standard output
	}
}

// kill waits until a program that was told to end is gone.
func (p *execProbe) kill(ctx context.Context, run *program.Process, after time.Duration) check.Seen {
	end := time.NewTimer(execGrace + execEnd)
	defer end.Stop()
	var how, said string
	select {
	case <-run.Done:
		how = "was killed"
		if out := run.Outcome().Output; out != "" {
			said = "; it said: " + out
		}
	case <-end.C:
		p.left = run
		how = "was killed, but is not gone yet"
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failedf("was given up after %s and %s%s", took(after), how, said)
	}
	return failedf("did not end in %s and %s%s", took(after), how, said)
}

// judge reads an exit status.
func judge(codes check.Codes, o program.Outcome, after time.Duration) check.Seen {
	switch {
	case !o.Started():
		return failedf("cannot be run: %v", o.Failure())
	case o.Flooded:
		return failedf("wrote more than %d bytes and was killed", maxOutput)
	}
	if codes == check.CodesNagios || codes == check.CodesNagiosStrict {
		return nagios(o, codes == check.CodesNagiosStrict)
	}
	seen := check.Seen{OK: o.Status == 0, Text: "exit status 0 in " + took(after)}
	if codes == check.CodesWeight && o.Status >= 2 {
		seen = check.Seen{
			OK: true, Weight: o.Status - 2, Weighted: true,
			Text: fmt.Sprintf("exit status %d in %s: weight %d", o.Status, took(after), o.Status-2),
		}
	}
	text := o.First
	if !seen.OK {
		text = o.Output
		seen.Text = fmt.Sprintf("%v in %s, wanted exit status 0", o.Failure(), took(after))
	}
	if text != "" {
		seen.Text += ": " + text
	}
	return seen
}
