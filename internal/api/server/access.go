package server

import (
	"context"
	"fmt"
	"net"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
)

// guard decides who may do what.
type guard interface {
	allows(ctx context.Context, writes bool) (refusal api.Result, ok bool)
}

// Access says who may use the control socket besides root and the daemon's
// own user.
type Access struct {
	// Group is the unix group whose members may read. Empty: "holdfast"
	// where that group exists.
	Group string

	gid int // of the socket; -1: no group
	uid int // of the daemon
}

// peer is what the kernel says about the other end of a unix socket. The
// client had these credentials when it connected.
type peer struct {
	uid    int
	groups []int // the primary one first
	err    error
}

type peerKey struct{}

// withPeer gives the handlers what is known about the other end.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok && c.peer != nil {
		return context.WithValue(ctx, peerKey{}, *c.peer)
	}
	return ctx
}

// credentials asks the kernel who connected: unix(7), SO_PEERCRED and
// SO_PEERGROUPS.
func credentials(c *net.UnixConn) peer {
	raw, err := c.SyscallConn()
	if err != nil {
		return peer{err: err}
	}
	var p peer
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, p.err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); p.err != nil {
			return
		}
		p.uid = int(cred.Uid)
		p.groups = append([]int{int(cred.Gid)}, supplementary(fd)...)
	})
	if err != nil {
		p.err = err
	}
	return p
}

// supplementary lists the other groups of the peer. What cannot be found out
// grants nothing.
func supplementary(fd uintptr) []int {
	for size := uint32(64); size <= 65536; size *= 4 {
		gids := make([]uint32, size)
		length := size * 4
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&gids[0])), uintptr(unsafe.Pointer(&length)), 0)
		if errno == unix.ERANGE {
			continue
		}
		if errno != 0 {
			return nil
		}
		var out []int
		for _, g := range gids[:length/4] {
			out = append(out, int(g))
		}
		return out
	}
	return nil
}

// allows implements guard for the control socket.
func (a Access) allows(ctx context.Context, writes bool) (api.Result, bool) {
	p, ok := ctx.Value(peerKey{}).(peer)
	switch {
	case !ok || p.err != nil:
		return api.Result{Text: "cannot tell who is asking"}, false
	case p.uid == 0 || p.uid == a.uid:
		return api.Result{}, true
	case writes:
		return api.Result{
			Text: fmt.Sprintf("user %d may not change anything here", p.uid),
			Hint: "only root and the daemon's own user may: try with sudo",
		}, false
	case a.gid >= 0 && slices.Contains(p.groups, a.gid):
		return api.Result{}, true
	}
	return api.Result{
		Text: fmt.Sprintf("user %d may not read here", p.uid),
		Hint: fmt.Sprintf("members of group %d may, and root: try with sudo", a.gid),
	}, false
}

// readOnly is the guard of the TCP listener.
type readOnly struct{}

func (readOnly) allows(_ context.Context, writes bool) (api.Result, bool) {
	if writes {
		return api.Result{
			Text: "nothing can be changed over TCP",
			Hint: "use the control socket on the node, for example: holdfast handover GROUP",
		}, false
	}
	return api.Result{}, true
}
