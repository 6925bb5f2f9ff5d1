package gate

import (
	"errors"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	bpflink "github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tcxHook is the hook of Linux 6.6. Programs are attached without a link's
// file descriptor, so they stay when this process ends.
type tcxHook struct{}

func (tcxHook) id() LineID { return TCX }

var tcxTypes = [...]ebpf.AttachType{in: ebpf.AttachTCXIngress, out: ebpf.AttachTCXEgress}

// loopback is the index that lo has in every network namespace.
const loopback = 1

func (tcxHook) available() error {
	_, err := bpflink.QueryPrograms(bpflink.QueryOptions{Target: loopback, Attach: ebpf.AttachTCXIngress})
	switch {
	case err == nil, errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV):
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, ebpf.ErrNotSupported):
		return errors.New("needs Linux 6.6")
	}
	return err
}

func (h tcxHook) list(links []netlink.Link, ps *programs) ([]attachment, error) {
	var found []attachment
	for _, l := range links {
		for d, t := range tcxTypes {
			got, err := bpflink.QueryPrograms(bpflink.QueryOptions{Target: l.Attrs().Index, Attach: t})
			if nobodyThere(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, p := range got.Programs {
				what, ours, err := ps.look(p.ID)
				if err != nil {
					return nil, err
				}
				if ours {
					found = append(found, attachment{hook: h, link: linkOf(l), dir: direction(d), id: p.ID, program: what})
				}
			}
		}
	}
	return found, nil
}

// nobodyThere: no program there, or the interface has just gone.
func nobodyThere(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) }

func (tcxHook) attach(index int, d direction, p *ebpf.Program, _ string) error {
	return bpflink.RawAttachProgram(bpflink.RawAttachProgramOptions{
		Target: index, Program: p, Attach: tcxTypes[d], Anchor: bpflink.Head(),
	})
}

// detach names the program by its place: a program's file descriptor is not to
// be had without CAP_SYS_ADMIN. The revision makes sure that it still is there.
func (tcxHook) detach(a attachment) error {
	for {
		got, err := bpflink.QueryPrograms(bpflink.QueryOptions{Target: a.link.index, Attach: tcxTypes[a.dir]})
		if nobodyThere(err) {
			return nil
		}
		if err != nil {
			return err
		}
		at := slices.IndexFunc(got.Programs, func(p bpflink.AttachedProgram) bool { return p.ID == a.id })
		if at < 0 {
			return nil
		}
		// struct bpf_prog_detach of union bpf_attr. "Before nothing" is the
		// first.
		attr := struct {
			ifindex, fd, attachType, flags, replace, relative uint32
			revision                                          uint64
		}{ifindex: uint32(a.link.index), attachType: uint32(tcxTypes[a.dir]), flags: unix.BPF_F_BEFORE, revision: got.Revision}
		if at > 0 {
			attr.flags = unix.BPF_F_AFTER | unix.BPF_F_ID
			attr.relative = uint32(got.Programs[at-1].ID)
		}
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_DETACH, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		switch {
		case errno == 0, nobodyThere(errno):
			return nil
		case errno == unix.ESTALE:
			continue // somebody else was there meanwhile
		}
		return errno
	}
}

func (tcxHook) tidy(int) error { return nil }
