package server

import (
	"context"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dialAs connects with other credentials. They belong to the thread, so it is
// given up afterwards.
func dialAs(path string, uid, gid int, groups ...uint32) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	out := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		conn, err := func() (net.Conn, error) {
			groups = append(groups, uint32(gid))
			if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0); e != 0 {
				return nil, e
			}
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); e != 0 {
				return nil, e
			}
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
				return nil, e
			}
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			f := os.NewFile(uintptr(fd), path)
			defer f.Close()
			if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
				return nil, err
			}
			return net.FileConn(f)
		}()
		out <- result{conn, err}
	}()
	r := <-out
	return r.conn, r.err
}

// TestServer_AsksTheKernelWho connects as real other users.
func TestServer_AsksTheKernelWho(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming other users needs root")
	}
	const group, gid = "daemon", 1 // on every Linux system
	r := run(t, Options{Daemon: fakeDaemon()}, Access{Group: group})
	// Others have to get as far as the socket.
	for dir := r.path; dir != os.TempDir(); dir = dir[:strings.LastIndex(dir, "/")] {
		if dir != r.path {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if st, err := os.Stat(r.path); err != nil || st.Mode().Perm() != 0o660 {
		t.Fatalf("mode of the socket: %v (%v)", st.Mode(), err)
	}
	if conn, err := dialAs(r.path, 12345, 12345); err == nil {
		conn.Close()
		t.Error("a stranger could connect")
	}
	// An administrator opens the socket to all: the server still asks.
	many := make([]uint32, 300)
	for i := range many {
		many[i] = uint32(20000 + i)
	}
	tests := []struct {
		name          string
		uid, gid      int
		groups        []uint32
		reads, writes int
		open          bool
	}{
		{"root", 0, 0, nil, 200, 200, false},
		{"primary group", 12345, gid, nil, 200, 403, false},
		{"supplementary group", 12345, 12345, []uint32{gid}, 200, 403, false},
		{"the last of many groups", 12345, 12345, append(many, gid), 200, 403, false},
		{"a stranger", 12345, 12345, nil, 403, 403, true},
		{"a stranger in many groups", 12345, 12345, many, 403, 403, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mode := os.FileMode(0o660)
			if tt.open {
				mode = 0o666
			}
			if err := os.Chmod(r.path, mode); err != nil {
				t.Fatal(err)
			}
			c := &http.Client{Transport: &http.Transport{
				DisableKeepAlives: true,
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					return dialAs(r.path, tt.uid, tt.gid, tt.groups...)
				},
			}}
			if got, answer := ask(t, c, "GET", "/v1/status", ""); got != tt.reads {
				t.Errorf("reading: %d %s, want %d", got, answer, tt.reads)
			}
			got, answer := ask(t, c, "POST", "/v1/reload", "")
			if got != tt.writes || got == 403 && !strings.Contains(string(answer), "user 12345 may not") {
				t.Errorf("writing: %d %s, want %d", got, answer, tt.writes)
			}
		})
	}
}
