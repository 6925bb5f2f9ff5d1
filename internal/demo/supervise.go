package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dirVariable tells the copy that it is the copy, and where its files go.
const dirVariable = "HOLDFAST_DEMO_DIR"

// farewell is how long the copy may take to end after it was asked to.
const farewell = 5 * time.Second

// Run runs a demo from beginning to end, or until ctx is done or the process
// is told to stop (SIGINT, SIGTERM, SIGHUP), and leaves nothing behind. The
// error says what did not work, with a Hint() where there is one; a promise
// that was not kept is no error but part of the result.
func Run(ctx context.Context, opt Options) error {
	if err := opt.complete(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	if dir := os.Getenv(dirVariable); dir != "" {
		report(show(ctx, opt, dir))
		return nil
	}
	return supervise(ctx, opt)
}

// supervise runs the copy and tidies up after it, whatever became of it.
func supervise(ctx context.Context, opt Options) (err error) {
	dir, err := os.MkdirTemp("", "holdfast-demo-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the demo: %w", err)
	}
	defer func() {
		if cause := os.RemoveAll(dir); cause != nil {
			err = errors.Join(err, fmt.Errorf("cannot remove the demo's directory: %w", cause))
		}
	}()
	verdict, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer verdict.Close()
	defer theirs.Close()

	cmd := exec.Command(opt.Executable, opt.Args...)
	cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opt.In, opt.Out, opt.Err
	cmd.ExtraFiles = []*os.File{theirs} // verdictFD
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = time.Second
	if err := watch(ctx, cmd); err != nil && !ended(err) {
		return explain(err)
	} else if said := read(verdict, theirs); said != nil {
		return said
	} else if err != nil {
		return fmt.Errorf("cannot finish the demo: %w", err)
	}
	return nil
}

// attributes is what the copy gets from the kernel: where this process may
// not make network namespaces, a user namespace in which it may.
func attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if mayMakeNamespaces() {
		return attr
	}
	attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET
	attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	return attr
}

// mayMakeNamespaces reports whether this process has the two capabilities
// that the lab needs.
func mayMakeNamespaces() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN
	return data[0].Effective&needed == needed
}

// watch starts the copy and waits for its end. The kernel tells it when this
// thread ends, so the thread has to stay.
func watch(ctx context.Context, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		_ = cmd.Process.Signal(unix.SIGTERM)
		select {
		case <-done:
		case <-time.After(farewell):
			_ = cmd.Process.Kill()
		}
	}()
	return cmd.Wait()
}

// ended tells the end of a program from not having started it.
func ended(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay)
}

// verdictFD is where the copy says how it went.
const verdictFD = 3

// failure is an error on its way from the copy to its parent.
type failure struct {
	Text    string `json:"text"`
	Suggest string `json:"hint,omitempty"`
}

func (f *failure) Error() string { return f.Text }

// Hint says what to try.
func (f *failure) Hint() string { return f.Suggest }

// report hands the copy's error to its parent.
func report(err error) {
	pipe := os.NewFile(verdictFD, "verdict")
	defer pipe.Close()
	if err == nil {
		return
	}
	f := failure{Text: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		f.Suggest = h.Hint()
	}
	_ = json.NewEncoder(pipe).Encode(f) // without its parent nobody wants to know
}

// read is what the copy reported, nil when all went well.
func read(verdict, theirs *os.File) error {
	theirs.Close()
	var f failure
	if err := json.NewDecoder(verdict).Decode(&f); err != nil {
		return nil
	}
	return &f
}
