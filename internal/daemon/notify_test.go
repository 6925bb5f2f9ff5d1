package daemon

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A manager that is told how long the end may take does not kill a daemon that is
// undoing its steps.
func TestNotifier_StoppingTakesItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	newNotifier().stopping(2 * time.Minute)
	b := make([]byte, 200)
	n, err := l.Read(b)
	if want := "STOPPING=1\nSTATUS=handing over\nEXTEND_TIMEOUT_USEC=120000000"; err != nil || string(b[:n]) != want {
		t.Errorf("it says %q (%v)", b[:n], err)
	}
}
