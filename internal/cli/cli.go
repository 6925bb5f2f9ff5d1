package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
)

// Defaults of where things are.
const (
	DefaultConfig = "/etc/holdfast/holdfast.yaml"
	DefaultSocket = "/run/holdfast/holdfast.sock"
	socketEnv     = "HOLDFAST_SOCKET"
)

// Commands is what this package cannot do itself, because it needs a kernel.
type Commands struct {
	Version string // of the release, or "devel"

	// Run is the daemon; it returns when ctx ends and every group has left.
	// An error with ExitCode() int decides the exit code.
	Run func(ctx context.Context, o RunOptions) error
	// Demo shows failovers on this machine.
	Demo func(ctx context.Context, o DemoOptions) error
	// Release removes what a daemon that was killed left in the kernel, and
	// says what it removed. The socket tells daemons apart.
	Release func(ctx context.Context, socket string) ([]string, error)
	// Guard is a guardian's whole life: the daemon starts it by itself.
	Guard func(o GuardOptions) error
	// Member is the whole life of a member of a cluster's store: the daemon
	// starts it by itself.
	Member func() error
	// Proxy is the whole life of the process that joins the connections of
	// services: the daemon starts it by itself.
	Proxy func() error
	// Unwrap is the backend's half of a tunnel.
	Unwrap Unwrapper
	// Cluster looks at the store of a cluster, and changes it.
	Cluster ClusterStore
	// Doctor looks at this machine, and with a file at what that wants of it.
	Doctor func(cfg *config.Config) api.Diagnosis
	// Facts is what is known of this machine, for checking files.
	Facts func() config.Facts
}

// RunOptions is what the daemon is started with.
type RunOptions struct {
	ConfigPath string
	Socket     string                // "": the file's
	Guardian   config.GuardianChoice // none: the file's
	Log        *slog.Logger
}

// GuardOptions is what a guardian is started with.
type GuardOptions struct {
	Gate int // how many files of the gate it inherits
	Log  *slog.Logger
}

// DemoOptions is how the demo is run.
type DemoOptions struct {
	Interval time.Duration // of the adverts; 0: the demo's default
	JSON     bool
	Keep     bool // leave the lab up until Enter or a signal
	In       io.Reader
	Out, Err io.Writer
}

// Terminal is where a command reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Color says whether Out is a terminal that shows colours.
	Color bool
	// Width of Out in columns; 0: not a terminal, lines are not cut.
	Width func() int
	// Getenv reads the environment; nil: it is empty.
	Getenv func(string) string
}

// stdTerminal is the process's own.
func stdTerminal() Terminal {
	t := Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Width: func() int { return 0 }}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		t.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		t.Width = func() int {
			w, _, err := term.GetSize(fd)
			if err != nil {
				return 0
			}
			return w
		}
	}
	return t
}

func (t Terminal) env(name string) string {
	if t.Getenv == nil {
		return ""
	}
	return t.Getenv(name)
}

func (t Terminal) width() int {
	if t.Width == nil {
		return 0
	}
	return t.Width()
}

// Main runs the command that the process was started as and returns its exit
// code. The first SIGINT or SIGTERM ends it in order, the second at once.
func Main(c Commands) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Execute(ctx, c, stdTerminal(), os.Args[1:])
}

// Execute runs one command and returns its exit code.
func Execute(ctx context.Context, c Commands, t Terminal, args []string) int {
	root := New(c, t)
	root.SetArgs(args)
	return t.report(root.ExecuteContext(ctx))
}

// New returns the command `holdfast` with all its commands.
func New(c Commands, t Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Keep a virtual IP answering",
		Long: `Holdfast keeps a virtual IP answering: it decides which node holds an address,
makes sure that at most one does, and tells the network.

Start with:  holdfast demo                  (three nodes on this machine)
             holdfast check -c FILE         (is my file good?)
             holdfast doctor                (what can this machine do?)
             holdfast run -c FILE           (the daemon)
             holdfast status                (who holds what, and what is wrong)

` + exitCodes,
		Version:                    c.Version,
		Args:                       unknownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return helpInstead(cmd) },
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
	}
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SetVersionTemplate("holdfast {{.Version}}\n")
	root.SetHelpCommand(&cobra.Command{Use: "no-help-command", Hidden: true})
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err) })
	root.AddCommand(
		newRun(c, t), newCheck(c, t), newPlan(t), newReload(t), newStatus(t), newExplain(t), newEvents(t), newTrace(t),
		newHandover(t), newMaintenance(t), newUpgrade(t), newFence(t), newBackends(t), newVersion(c, t), newCompletion(t), newDemo(c, t), newDoctor(c, t),
		newCluster(c, t), newRelease(c, t), newUnwrap(c, t), newGuard(c, t), newMember(c), newProxy(c),
	)
	return root
}
