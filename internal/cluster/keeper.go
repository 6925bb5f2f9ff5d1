package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Keeper keeps a member beside the daemon.
type Keeper struct {
	Spec    Spec
	Command func() *exec.Cmd      // of a member's process
	Start   func(*exec.Cmd) error // starts it in the ordinary class
	Log     *slog.Logger          // its lines are this one's
	Note    func(text string)     // that it ended, for the journal

	mu      sync.Mutex
	pid     int
	trouble string // its last error
	noted   string // what was said last of its end
}

// Between two starts.
const (
	leastWait = 200 * time.Millisecond
	mostWait  = 5 * time.Second
	wellAfter = 30 * time.Second // it ran for so long: the next start is at once
)

// State is the member's process, 0 where there is none, and why.
func (k *Keeper) State() (pid int, trouble string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pid, k.trouble
}

// Run starts the member, and again when it ends, until ctx ends. Then it ends
// in order.
func (k *Keeper) Run(ctx context.Context) {
	for wait := leastWait; ; wait = min(2*wait, mostWait) {
		begun := time.Now()
		err := k.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > wellAfter {
			wait, k.noted = leastWait, ""
		}
		k.ended(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (k *Keeper) ended(err error) {
	k.mu.Lock()
	k.pid = 0
	text := k.trouble
	if text == "" {
		text = fmt.Sprint(err)
		k.trouble = text
	}
	again := k.noted == text
	k.noted = text
	k.mu.Unlock()
	if again {
		return // it is in the log, every five seconds
	}
	k.Note("the member of the cluster's store ended, and is started again: " + text)
}

// once is one process from its start to its end.
func (k *Keeper) once(ctx context.Context) error {
	given := k.Spec
	if k.Log.Enabled(ctx, slog.LevelDebug) {
		given.Level = slog.LevelDebug
	}
	spec, err := json.Marshal(given)
	if err != nil {
		return err
	}
	// The kernel sends Pdeathsig when the thread that started the process
	// ends (prctl(2)): this goroutine has it until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := k.Command()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = k.Start(cmd)
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		return fmt.Errorf("cannot start it: %w", err)
	}
	k.mu.Lock()
	k.pid, k.trouble = cmd.Process.Pid, ""
	k.mu.Unlock()
	read := make(chan struct{})
	go func() {
		defer close(read)
		k.read(r)
	}()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = in.Write(append(spec, '\n')) // it is short: it does not block
		<-ctx.Done()
		_ = in.Close()
	}()
	dead := make(chan struct{})
	defer close(dead)
	go func() {
		select {
		case <-dead:
			return
		case <-ctx.Done():
		}
		select {
		case <-dead:
		case <-time.After(goneBound + time.Second):
			_ = cmd.Process.Kill()
		}
	}()
	err = cmd.Wait()
	_ = r.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // it may have left something that has the pipe
	<-read
	_ = r.Close()
	if ctx.Err() != nil {
		<-over
	}
	return err
}

// read hands on what the member logs.
func (k *Keeper) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		level, reason, attrs := parseLine(s.Bytes())
		if level >= slog.LevelError {
			k.mu.Lock()
			k.trouble = reason
			for _, a := range attrs {
				if a.Key == "error" || a.Key == "err" {
					k.trouble += ": " + a.Value.String()
				}
			}
			k.mu.Unlock()
		}
		k.Log.LogAttrs(context.Background(), level, "store", append([]slog.Attr{slog.String("reason", reason)}, attrs...)...)
	}
	_, _ = io.Copy(io.Discard, r)
}

// parseLine takes a line of the member's log apart. What is none (a crash) is
// an error as it is.
func parseLine(b []byte) (slog.Level, string, []slog.Attr) {
	var fields map[string]any
	if json.Unmarshal(b, &fields) != nil {
		return slog.LevelError, strings.TrimSpace(string(b)), nil
	}
	var level slog.Level
	text, _ := fields[slog.LevelKey].(string)
	if level.UnmarshalText([]byte(text)) != nil {
		level = slog.LevelInfo
	}
	reason, _ := fields["reason"].(string)
	if who, _ := fields[slog.MessageKey].(string); who != "store" {
		reason = who + ": " + reason
	}
	var attrs []slog.Attr
	for _, name := range []string{"err", "error", "took", "to", "remote-peer-id", "peer"} {
		if v, ok := fields[name]; ok && v != nil {
			attrs = append(attrs, slog.Any(name, v))
		}
	}
	return level, reason, attrs
}
