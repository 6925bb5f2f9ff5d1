package steps

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// Code is the exit status of a resource agent (OCF Resource Agent API 1.1,
// "Exit status codes").
type Code int

const (
	Success        Code = 0
	NotRunning     Code = 7
	Promoted       Code = 8 // running, and promoted
	FailedPromoted Code = 9 // promoted, and does not work
)

func (c Code) String() string {
	switch c {
	case Success:
		return "success"
	case 1:
		return "error"
	case 2:
		return "wrong arguments"
	case 3:
		return "action not implemented"
	case 4:
		return "permission denied"
	case 5:
		return "what it needs is not installed"
	case 6:
		return "not configured as it should be"
	case NotRunning:
		return "not running"
	case Promoted:
		return "running, promoted"
	case FailedPromoted:
		return "promoted, and failed"
	}
	return fmt.Sprintf("exit status %d", int(c))
}

// agent is one resource, for the time of one step.
type agent struct {
	r    *Runner
	ocf  *config.OCF
	user string
	env  []string
	run  order.Run
	said string // what the last action said
}

// agentPath is where an agent is.
func agentPath(root string, o *config.OCF) string {
	return filepath.Join(root, "resource.d", o.Provider, o.Type)
}

// ocf takes or leaves a resource. An action's own word is not enough: its monitor
// has to say the same.
func (r *Runner) ocf(ctx context.Context, s Spec, run order.Run) (output string, err error) {
	a := &agent{r: r, ocf: s.OCF, user: s.User, run: run, env: r.environment(s, run)}
	switch {
	case run.Direction == order.Taking && s.OCF.Promote:
		err = a.promote(ctx)
	case run.Direction == order.Taking:
		err = a.start(ctx)
	case s.OCF.Promote:
		err = a.demote(ctx)
	default:
		err = a.stop(ctx)
	}
	return a.said, err
}

func (a *agent) start(ctx context.Context) error {
	return a.must(ctx, "start", Success)
}

func (a *agent) stop(ctx context.Context) error {
	return a.must(ctx, "stop", NotRunning)
}

// promote starts the resource where nobody else has.
func (a *agent) promote(ctx context.Context) error {
	is, err := a.action(ctx, "monitor")
	switch {
	case err != nil:
		return err
	case is == Promoted:
		return nil
	case is == NotRunning:
		if err := a.start(ctx); err != nil {
			return err
		}
	case is != Success:
		return fmt.Errorf("it cannot be promoted: its monitor says %s", is)
	}
	return a.must(ctx, "promote", Promoted)
}

// demote leaves the resource running. Where it cannot be demoted it is stopped,
// as Pacemaker does: stopped it is not promoted either.
func (a *agent) demote(ctx context.Context) error {
	is, err := a.action(ctx, "monitor")
	if err != nil {
		return err
	}
	if is == Success || is == NotRunning {
		return nil
	}
	failure := a.must(ctx, "demote", Success, NotRunning)
	if failure == nil || ctx.Err() != nil {
		return failure
	}
	if err := a.stop(ctx); err != nil {
		return fmt.Errorf("%w, and %w", failure, err)
	}
	return nil
}

// must does an action and asks the monitor for what it led to.
func (a *agent) must(ctx context.Context, action string, wanted ...Code) error {
	code, err := a.action(ctx, action)
	if err != nil {
		return err
	}
	if code != Success {
		return fmt.Errorf("%s: %s", action, code)
	}
	is, err := a.action(ctx, "monitor")
	if err != nil {
		return err
	}
	for _, w := range wanted {
		if is == w {
			return nil
		}
	}
	return fmt.Errorf("%s succeeded, but the monitor says %s", action, is)
}

// action runs the agent once.
func (a *agent) action(ctx context.Context, name string) (Code, error) {
	out, err := a.r.program(ctx, &a.run, a.user, []string{agentPath(a.r.opt.Agents, a.ocf), name}, append(a.env, a.variables(name)...))
	a.said = reason(out.Output)
	switch {
	case err != nil:
		return 0, err
	case ctx.Err() != nil:
		return 0, fmt.Errorf("%s did not end in time", name)
	case out.Status < 0:
		return 0, fmt.Errorf("%s: %w", name, out.Failure())
	}
	return Code(out.Status), nil
}

// variables are what an agent finds in its environment (OCF Resource Agent API
// 1.1, "Parameters"), and what Debian's resource-agents read beyond it.
func (a *agent) variables(action string) []string {
	instance := a.ocf.Instance
	if instance == "" {
		instance = a.run.Group
	}
	env := append(agentEnvironment(a.r.opt.Agents, a.ocf, instance),
		"OCF_RESKEY_CRM_meta_timeout="+milliseconds(left(a.run)),
		"OCF_RESKEY_CRM_meta_name="+action,
	)
	if a.ocf.Promote {
		env = append(env, "OCF_RESKEY_CRM_meta_promotable=true", "OCF_RESKEY_CRM_meta_promoted_max=1", "OCF_RESKEY_CRM_meta_master_max=1")
	}
	for name, value := range a.ocf.Parameters {
		env = append(env, "OCF_RESKEY_"+name+"="+printable(value))
	}
	return env
}

func agentEnvironment(root string, o *config.OCF, instance string) []string {
	return []string{
		"OCF_ROOT=" + root,
		"OCF_RA_VERSION_MAJOR=1",
		"OCF_RA_VERSION_MINOR=1",
		"OCF_RESOURCE_PROVIDER=" + o.Provider,
		"OCF_RESOURCE_TYPE=" + o.Type,
		"OCF_RESOURCE_INSTANCE=" + instance,
	}
}

// reason is why an agent failed, in the words that it marks as such
// (ocf_exit_reason of resource-agents), or all that it said.
func reason(output string) string {
	_, text, ok := strings.Cut(output, "ocf-exit-reason:")
	if !ok {
		return output
	}
	text, _, _ = strings.Cut(text, " | ")
	return strings.TrimSpace(text)
}
