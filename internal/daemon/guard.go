package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/guardian"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
	"github.com/holdfast-net/holdfast/internal/linux/pidfd"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
	"github.com/holdfast-net/holdfast/internal/linux/wire"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// GuardCommand is the command that a guardian is started with.
const GuardCommand = "guard"

// Where a guardian finds the socket to its daemon, and behind it the files of
// the gate, as many as it was told.
const (
	lineFD = 3
	gateFD = 4
)

// guarded is the daemon's side of its guardian.
type guarded struct {
	mode   config.GuardianMode
	keeper *guardian.Keeper // nil: none is wanted
	tap    *guardian.Tap
	begin  chan struct{} // closed when it is time for one
	ready  chan struct{} // closed when there is a guardian, or will be none
}

// guard puts a Tap before the wire and starts a guardian, unless none is
// wanted. The files are those of the gate; none: there is none that a guardian
// could close. What it returns sends the guardian away.
func (d *Daemon) guard(cfg *config.Config, socket string, w engine.Wire, files []*os.File) (engine.Wire, func()) {
	g := &d.guarded
	g.mode, g.begin, g.ready = d.opt.Guardian.Or(cfg.Guardian), make(chan struct{}), make(chan struct{})
	if d.heir == nil {
		close(g.begin)
	} // else the one of the process before is there still
	if g.mode == config.GuardianOff {
		close(g.ready)
		return w, func() {}
	}
	g.tap = guardian.NewTap(w, d.keys, d.quiet)
	hello := guardian.Hello{
		Dir: memory(socket), Name: filepath.Base(socket), Deaths: d.begun.Deaths,
		Restart: g.mode == config.GuardianAuto && !d.managed, Node: cfg.Node, Argv: os.Args, Program: self(),
	}
	if cfg.Realtime.Mode == config.RealtimeAuto {
		hello.Priority = uint8(cfg.Realtime.Priority)
	}
	g.keeper = &guardian.Keeper{
		Tap: g.tap, Hello: hello, Command: func() *exec.Cmd { return guardCommand(files) },
		Note: func(text string) {
			d.note(api.Event{Kind: "notice", Code: "HF2111", Reason: text + ": nobody sees to what is held here if this process dies"})
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-g.begin:
		case <-ctx.Done():
			return
		}
		g.keeper.Run(ctx, func() { close(g.ready) })
	}()
	return g.tap, func() {
		cancel()
		<-done
	}
}

// guardCommand is how a guardian is started: from the file that runs, by its
// name (which is what ps(1) shows), unless another file has that by now.
func guardCommand(files []*os.File) *exec.Cmd {
	cmd := &exec.Cmd{Path: self(), Args: []string{os.Args[0], GuardCommand}, Stdout: os.Stdout, Stderr: os.Stderr}
	if now, err := os.Stat(running); err == nil {
		if named, err := os.Stat(cmd.Path); err != nil || !os.SameFile(now, named) {
			cmd.Path = running
		}
	}
	if len(files) > 0 {
		cmd.Args = append(cmd.Args, "--gate", strconv.Itoa(len(files)))
		cmd.ExtraFiles = slices.Clone(files)
	}
	return cmd
}

const running = "/proc/self/exe"

// self is the file that this program was started from.
func self() string {
	if p, err := os.Executable(); err == nil {
		return p
	}
	p, _ := exec.LookPath(os.Args[0])
	return p
}

// keys is for the Tap.
func (d *Daemon) keys(ifname string, family vrrp.Family, vrid uint8) *vrrp.HMAC {
	for _, g := range d.current.Load().cfg.Groups {
		if g.Interface == ifname && g.VRRP.ID == vrid {
			return g.Router(family).HMAC
		}
	}
	return nil
}

// quiet is for the Tap, too: steps that were taken stay taken when this process is
// killed, until the next one undoes them.
func (d *Daemon) quiet(ifname string, vrid uint8) bool {
	for _, g := range d.current.Load().cfg.Groups {
		if g.Interface == ifname && g.VRRP.ID == vrid && g.Lease == nil {
			return len(g.Steps) > 0
		}
	}
	return false
}

// leave is what the other holdfast nodes are told besides priority 0: nothing
// answers here any more, and the heir may take over at once.
func leave(b []byte, now time.Time, from string, v *guardian.Voice) []byte {
	var key peer.Key
	if v.Key != nil {
		key = peer.Key{ID: v.KeyID, Keys: map[uint8][]byte{v.KeyID: v.Key}}
	}
	c := peer.Call{Kind: peer.KindNext, Family: v.Sent.Family, VRID: v.Sent.Message[1], From: from, To: v.Heir, Sent: now}
	if v.Heir == "" {
		c.Kind = peer.KindYield
	}
	return c.Append(b, key)
}

// left tells the guardian that a group is not active here any more.
func (d *Daemon) left(r *engine.Record) {
	if d.guarded.tap == nil || r.Kind != "transition" || r.From != group.Active || r.To == group.Active {
		return
	}
	for _, g := range d.current.Load().cfg.Groups {
		if g.Name == r.Group {
			d.guarded.tap.Left(g.Interface, g.VRRP.ID)
		}
	}
}

// describe is the guardian as the status shows it.
func (g *guarded) describe() api.Guardian {
	if g.keeper == nil {
		return api.Guardian{Detail: "switched off"}
	}
	pid, detail := g.keeper.State()
	switch {
	case pid == 0 && detail == "":
		detail = "is being started"
	case pid != 0 && detail != "":
		detail = "it could not have: " + detail
	}
	return api.Guardian{On: pid != 0, PID: pid, Detail: detail}
}

// lastDeath tells how the run before this one died, if it did.
func (d *Daemon) lastDeath(socket string) {
	death, died, err := guardian.LastDeath(memory(socket), filepath.Base(socket))
	switch {
	case err != nil:
		d.note(api.Event{Kind: "notice", Code: "HF2112", Reason: err.Error()})
	case died:
		d.note(api.Event{Kind: "notice", Code: "HF2112", Reason: death.String()})
	}
}

// managed says whether a service manager started this process, and starts it
// again: systemd says so to the process itself (systemd.exec(5)).
func managed() bool {
	if os.Getenv("NOTIFY_SOCKET") != "" || os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()) {
		return true
	}
	// Before systemd 248. An INVOCATION_ID alone is inherited by everything
	// that a service starts, a terminal for instance.
	return os.Getenv("INVOCATION_ID") != "" && os.Getppid() == 1
}

// Guard is the whole life of a guardian. It has inherited so many files of a
// gate.
func Guard(log *slog.Logger, files int) error {
	// It waits; what it does at the end is short and done by one thread.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(20)
	// It ends with the daemon, not with what ends the daemon.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	var st syscall.Stat_t
	if err := syscall.Fstat(lineFD, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFSOCK {
		return errors.New("cannot guard: a daemon starts its guardian by itself")
	}
	syscall.CloseOnExec(lineFD)
	daemon := os.Getppid()
	say := func(format string, args ...any) { log.Warn("guardian", "reason", fmt.Sprintf(format, args...)) }
	g := &guardian.Guard{
		Line: os.NewFile(lineFD, "daemon"), Sender: wire.NewSender(), Log: say,
		Settle: settle, Leave: leave, Turn: turnOfGuardian,
		Taken: func() bool { pid, works := hands.Daemon(); return works && pid != daemon },
		Again: guardian.Starter{Start: realtime.Start, Taken: working, Log: say}.Again,
	}
	if files > 0 {
		doors, err := adopt(files)
		if err != nil {
			return fmt.Errorf("cannot guard: %w", err)
		}
		g.Gate = doors
	}
	if parent, err := pidfd.Parent(); err == nil {
		g.Daemon = parent
	} // else the end of the line alone tells
	g.Run()
	return nil
}

// adopt takes part in the gate.
func adopt(files int) (*gate.Doors, error) {
	var inherited []*os.File
	for i := range files {
		f := os.NewFile(uintptr(gateFD+i), "gate")
		defer f.Close()
		inherited = append(inherited, f)
	}
	return gate.Adopt(inherited)
}

func settle(priority int) error {
	if priority == 0 {
		return nil
	}
	return realtime.Raise(priority).Err()
}

// working says that a daemon works in this network namespace.
func working() bool {
	_, works := hands.Daemon()
	return works
}

// cleaning is a guardian's turn.
type cleaning struct{ *hands.Turn }

func (c cleaning) Quiet() ([]string, error) { return c.SweepAddresses() }

func (c cleaning) Sweep(memory string) ([]string, error) { return sweepAll(c.Turn, memory) }

func turnOfGuardian() (guardian.Turn, error) {
	t, err := hands.TakeTurn()
	if errors.Is(err, hands.ErrLocked) {
		return nil, errors.Join(guardian.ErrBusy, err)
	}
	if err != nil {
		return nil, err
	}
	return cleaning{t}, nil
}
