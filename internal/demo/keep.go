package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// keep leaves the lab up with all daemons running, says how to look around in
// it, and returns when Enter is pressed or ctx is done.
func (s *stage) keep(ctx context.Context) error {
	for _, n := range s.nodes {
		if n.running() != nil {
			continue
		}
		if err := n.start(s.opt.Executable); err != nil {
			return err
		}
	}
	if _, err := s.settle(ctx, time.Now().Add(patience)); errors.Is(err, errStopped) {
		return nil
	} else if err != nil {
		return err
	}
	out := s.opt.Out
	if s.opt.JSON {
		out = s.opt.Err // the document stays alone
	}
	for _, line := range s.tour(os.Getpid(), insideUserNamespace()) {
		fmt.Fprintln(out, line)
	}
	select {
	case <-ctx.Done():
	case <-enter(s.opt.In):
	}
	return nil
}

// enter is closed when a line was read. The end of the input is not one: a
// demo without a terminal is ended by a signal.
func enter(in io.Reader) <-chan struct{} {
	pressed := make(chan struct{})
	go func() {
		b := make([]byte, 1)
		for {
			n, err := in.Read(b)
			if err != nil {
				return
			}
			if n > 0 && b[0] == '\n' {
				close(pressed)
				return
			}
		}
	}()
	return pressed
}

// insideUserNamespace reports whether root is not root outside.
func insideUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside, size uint32
	if err != nil {
		return false
	}
	if _, err := fmt.Sscan(string(b), &inside, &outside, &size); err != nil {
		return false
	}
	return size != 1<<32-1
}

// tour lists commands to look around with.
func (s *stage) tour(pid int, user bool) []string {
	enter := "nsenter"
	if user {
		enter = fmt.Sprintf("nsenter -t %d --user --preserve-credentials", pid)
	}
	first := s.nodes[0]
	lines := []string{"", "The lab stays up until Enter or Ctrl-C. To look around in it:", ""}
	say := func(what, command string) { lines = append(lines, "   # "+what, "   "+command) }
	say("ask a daemon; the same socket takes handover, maintenance and reload",
		fmt.Sprintf("%s status --socket %s", s.opt.Executable, first.socket()))
	say("follow what happens", fmt.Sprintf("%s events -f --socket %s", s.opt.Executable, first.socket()))
	say("kill, stop or freeze a daemon", fmt.Sprintf("kill -9 %d    # %s; its log: %s", first.running().PID(), first.Name, first.log()))
	for _, h := range s.lan.Hosts() {
		say("a shell on "+h.Name(), fmt.Sprintf("%s --net=%s", enter, h.NS().Path()))
	}
	watch := "nsenter"
	if user {
		watch = "sudo nsenter" // tcpdump gives its rights up, which a user namespace does not let it
	}
	say("every frame, at the switch", fmt.Sprintf("%s --net=%s tcpdump -eni any vrrp", watch, s.lan.Switch().Path()))
	return append(lines, "")
}
