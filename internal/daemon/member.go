package daemon

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/cluster"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// keepMember runs this node's member of the cluster's store beside the daemon,
// where the file has one. What it returns ends it in order: after the groups
// have left, who need the store for that. It begins when the threads of this
// process are in the class that they stay in: one is not started from a thread
// that changes it.
func (d *Daemon) keepMember(cfg *config.Config) func() {
	if !embedded(cfg) {
		return func() {}
	}
	d.member = &cluster.Keeper{
		Spec: memberSpec(cfg, d.opt.Version.Version), Command: memberCommand, Start: realtime.Start, Log: d.opt.Log,
		Note: func(text string) { d.note(api.Event{Kind: "notice", Code: "HF2140", Reason: text}) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-d.raised:
			d.member.Run(ctx)
		case <-ctx.Done():
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// memberCommand is how a member is started: from the file that runs, as a
// guardian is.
func memberCommand() *exec.Cmd {
	cmd := guardCommand(nil)
	cmd.Args = []string{os.Args[0], cluster.Command}
	return cmd
}

// Member is the whole life of a member's process. It needs none of what a
// daemon may do.
func Member() error {
	if err := capability.Drop(); err != nil {
		return fmt.Errorf("cannot be a member: %w", err)
	}
	return cluster.Main(os.Stdin, os.Stdout)
}

// memberWarning says that the member does not run.
func (d *Daemon) memberWarning(now time.Time) []api.Warning {
	if d.member == nil {
		return nil
	}
	pid, trouble := d.member.State()
	if pid != 0 || trouble == "" {
		return nil
	}
	return []api.Warning{{Code: "HF2140", Since: now, Text: "the member of the cluster's store does not run here: " + trouble}}
}
