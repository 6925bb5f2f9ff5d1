package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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
	dir := os.Getenv(dirVariable)
	if dir == "" {
		return supervise(ctx, opt)
	}
	// Neither is for the daemons.
	unix.CloseOnExec(verdictFD)
	_ = os.Unsetenv(dirVariable)
	report(showIn(ctx, opt, dir))
	return nil
}

// showIn runs the show in a directory of its own. The copy makes it, once it
// listens to signals: a parent that is killed before leaves none.
func showIn(ctx context.Context, opt Options, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make a directory for the demo: %w", err)
	}
	defer os.RemoveAll(dir) // the parent does it too, unless it was killed
	release, err := claim(dir)
	if err != nil {
		return fmt.Errorf("cannot lock the demo's directory: %w", err)
	}
	defer release()
	return show(ctx, opt, dir)
}

// supervise runs the copy and tidies up after it, whatever became of it.
func supervise(ctx context.Context, opt Options) (err error) {
	sweep(os.TempDir(), time.Now())
	dir := filepath.Join(os.TempDir(), prefix+rand.Text()[:10])
	defer func() {
		if cause := os.RemoveAll(dir); cause != nil {
			err = errors.Join(err, fmt.Errorf("cannot remove the demo's directory: %w", cause))
		}
	}()
	ours, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer ours.Close()

	cmd := exec.Command(opt.Executable, opt.Args...)
	cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opt.In, opt.Out, opt.Err
	cmd.ExtraFiles = []*os.File{theirs} // verdictFD
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = time.Second
	started, err := watch(ctx, cmd)
	theirs.Close()
	if !started {
		return explain(err)
	}
	return judge(ours, err)
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
func watch(ctx context.Context, cmd *exec.Cmd) (started bool, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return false, err
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
	return true, cmd.Wait()
}

// verdictFD is where the copy says how it went.
const verdictFD = 3

// verdict is what the copy says at its end. One that says nothing died.
type verdict struct {
	Failed  bool   `json:"failed"`
	Text    string `json:"text"`
	Suggest string `json:"hint"`
}

// failure is an error that came from the copy.
type failure struct{ text, hint string }

func (f *failure) Error() string { return f.text }

// Hint says what to try, "" when nothing is known.
func (f *failure) Hint() string { return f.hint }

// report hands the copy's outcome to its parent.
func report(err error) {
	v := verdict{Failed: err != nil}
	if err != nil {
		v.Text = err.Error()
		if h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			v.Suggest = h.Hint()
		}
	}
	pipe := os.NewFile(verdictFD, "verdict")
	_ = json.NewEncoder(pipe).Encode(v) // without its parent nobody wants to know
	_ = pipe.Close()
}

// judge is how the copy ended: as it said itself, or as the kernel saw it.
func judge(pipe *os.File, ended error) error {
	var v verdict
	err := json.NewDecoder(pipe).Decode(&v)
	switch {
	case err != nil && ended != nil:
		return fmt.Errorf("cannot finish the demo: %w", ended)
	case err != nil:
		return errors.New("cannot finish the demo: it ended without a word")
	case v.Failed:
		return &failure{text: v.Text, hint: v.Suggest}
	}
	return nil
}
