package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
)

// Exit codes.
const (
	exitFine        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitBadConfig   = 3
	exitUnreachable = 4
	exitChanges     = 10 // plan --exit-code
	exitDegraded    = 20 // status
	exitNoHolder    = 21
	exitConflict    = 22
)

const exitCodes = `Exit codes: 0 fine, 1 failed, 2 usage, 3 bad configuration, 4 daemon
unreachable; status adds 20 degraded, 21 no holder, 22 more than one holder;
plan --exit-code adds 10 changes.`

// status is an outcome that is told by the exit code alone: everything was
// said already.
type status int

func (s status) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// healthCode is the exit code of a health.
func healthCode(h api.Health) error {
	switch h {
	case api.Conflict:
		return status(exitConflict)
	case api.NoHolder:
		return status(exitNoHolder)
	case api.Degraded:
		return status(exitDegraded)
	}
	return nil
}

// failure is an error for the user: what, the exit code, and what to try.
type failure struct {
	err  error
	code int
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage says that the command line is not understood.
func usage(cmd *cobra.Command, err error) error {
	return &failure{fmt.Errorf("cannot understand the command: %w", err), exitUsage, cmd.CommandPath() + " --help"}
}

// unknownCommand is what is wrong with arguments of `holdfast` itself.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := cmd.CommandPath() + " --help"
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return &failure{fmt.Errorf("cannot understand the command: there is no command %q", args[0]), exitUsage, hint}
}

// helpInstead is the answer to `holdfast` alone.
func helpInstead(cmd *cobra.Command) error {
	if err := cmd.Help(); err != nil {
		return err
	}
	return status(exitUsage)
}

// refused makes a command's Result that says no an error.
func refused(what string, r api.Result) error {
	return &failure{fmt.Errorf("cannot %s: %s", what, r.Text), exitFailed, r.Hint}
}

// doing says what could not be done, unless the reason is that nothing could
// be asked for: then that is the news.
func doing(what string, err error) error {
	if _, ok := errors.AsType[*client.Unreachable](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("cannot %s: %w", what, err)
}

// report tells an error the way all commands do and returns the exit code.
func (t Terminal) report(err error) int {
	if s, ok := errors.AsType[status](err); ok || err == nil {
		return int(s)
	}
	code, hint := codeOf(err), hintOf(err)
	fmt.Fprintln(t.Err, "holdfast: "+harmless(strings.TrimSuffix(err.Error(), "\n")))
	if hint != "" {
		fmt.Fprintln(t.Err, "hint: "+harmless(hint))
	}
	return code
}

func codeOf(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	if _, ok := errors.AsType[*client.Unreachable](err); ok {
		return exitUnreachable
	}
	if c, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return c.ExitCode()
	}
	if errors.Is(err, context.Canceled) {
		return 130 // as a shell says of SIGINT
	}
	return exitFailed
}

func hintOf(err error) string {
	if f, ok := errors.AsType[*failure](err); ok && f.hint != "" {
		return f.hint
	}
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}
