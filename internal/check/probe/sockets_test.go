package probe

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

func hex4(port uint16) string { return fmt.Sprintf("%04x", port) }

// silentPort is a listener with room for one connection that nobody accepts.
func silentPort(t *testing.T) check.Endpoint {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return check.Endpoint{Host: "127.0.0.1", Port: uint16(name.(*unix.SockaddrInet4).Port)}
}
