package daemon

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// notifier speaks sd_notify(3) to the service manager, if there is one.
type notifier struct {
	conn     *net.UnixConn
	path     string
	watchdog time.Duration // how often the manager wants to hear from us; 0: not
	lastBeat time.Time
}

// newNotifier reads NOTIFY_SOCKET and WATCHDOG_USEC and hides them from the
// programs that this process starts.
func newNotifier() *notifier {
	n := &notifier{}
	path := os.Getenv("NOTIFY_SOCKET")
	usec, _ := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	for _, v := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		_ = os.Unsetenv(v)
	}
	if path == "" {
		return n
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return n // the manager will say that it never heard READY=1
	}
	n.conn, n.path, n.watchdog = conn, path, time.Duration(usec)*time.Microsecond
	return n
}

func (n *notifier) send(state string) {
	if n.conn != nil {
		_, _ = n.conn.Write([]byte(state)) // nobody to tell if the manager is gone
	}
}

// environment lets a process that goes on in the place of this one speak to the
// manager, too.
func (n *notifier) environment() []string {
	if n.conn == nil {
		return nil
	}
	return []string{"NOTIFY_SOCKET=" + n.path, fmt.Sprintf("WATCHDOG_USEC=%d", n.watchdog.Microseconds())}
}

func (n *notifier) ready(status string) { n.send("READY=1\nSTATUS=" + status) }

// stopping says that this may take as long as bound, lest the manager kill it in
// the middle of a step (EXTEND_TIMEOUT_USEC, sd_notify(3)).
func (n *notifier) stopping(bound time.Duration) {
	n.send(fmt.Sprintf("STOPPING=1\nSTATUS=handing over\nEXTEND_TIMEOUT_USEC=%d", bound.Microseconds()))
}

// beatEvery is how often the watchdog has to be fed.
func (n *notifier) beatEvery() time.Duration { return n.watchdog / 4 }

// feeder is what feeds the watchdog, nil where there is none. Only the
// engine's loop calls it: a loop that is stuck is a daemon that has to be
// killed.
func (n *notifier) feeder() func() {
	if n.watchdog == 0 || n.conn == nil {
		return nil
	}
	return func() {
		if now := time.Now(); now.Sub(n.lastBeat) >= n.beatEvery()/2 {
			n.lastBeat = now
			n.send("WATCHDOG=1")
		}
	}
}
