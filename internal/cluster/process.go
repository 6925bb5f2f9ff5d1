package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Command is the command that a member is started with.
const Command = "member"

// goneBound is how long a member may take to end in order. It is above what
// handing the lead to another member takes.
const goneBound = 5 * time.Second

// Main is the process of a member: its Spec comes from in, and the end of in is
// the end of the daemon, and of the member.
func Main(in io.Reader, out io.Writer) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	d := json.NewDecoder(in)
	var s Spec
	if err := d.Decode(&s); err != nil {
		return fmt.Errorf("cannot be a member: a daemon starts its member by itself (%w)", err)
	}
	// What is read and written is small; a heap that is collected often is
	// small too.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	lines := newLines(out)
	log := slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: s.Level}))
	ctx, end := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		end()
	}()
	go func() {
		<-ctx.Done()
		time.Sleep(goneBound)
		os.Exit(1) // a disk that hangs
	}()
	err := Run(ctx, &s, log)
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Error("store", "reason", err.Error())
	}
	lines.flush()
	return err
}

// lines is an output that nobody waits for: a daemon that does not read its
// member's log must not stop it.
type lines struct {
	queue   chan []byte
	flushed chan chan struct{}
}

func newLines(out io.Writer) *lines {
	l := &lines{queue: make(chan []byte, 256), flushed: make(chan chan struct{})}
	go func() {
		for {
			select {
			case b := <-l.queue:
				_, _ = out.Write(b)
			case done := <-l.flushed:
				for len(l.queue) > 0 {
					_, _ = out.Write(<-l.queue)
				}
				close(done)
			}
		}
	}()
	return l
}

func (l *lines) Write(b []byte) (int, error) {
	select {
	case l.queue <- append([]byte(nil), b...):
	default:
	}
	if bytes.Contains(b, []byte(`"level":"ERROR"`)) {
		l.flush() // etcd ends the process with the next instruction
	}
	return len(b), nil
}

// flush waits for what was written, for a moment.
func (l *lines) flush() {
	done := make(chan struct{})
	select {
	case l.flushed <- done:
	case <-time.After(flushBound):
		return
	}
	select {
	case <-done:
	case <-time.After(flushBound):
	}
}

const flushBound = 200 * time.Millisecond
