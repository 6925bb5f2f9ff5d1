package gate

import (
	"errors"
	"fmt"
	"io/fs"

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

func (h tcxHook) list(links []netlink.Link) ([]attachment, error) {
	var found []attachment
	for _, l := range links {
		for d, t := range tcxTypes {
			got, err := bpflink.QueryPrograms(bpflink.QueryOptions{Target: l.Attrs().Index, Attach: t})
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
				continue // none there, or the interface has just gone
			}
			if err != nil {
				return nil, err
			}
			for _, p := range got.Programs {
				a := attachment{hook: h, link: linkOf(l), dir: direction(d), prog: p.ID}
				ours, err := a.inspect()
				if err != nil {
					return nil, err
				}
				if ours {
					found = append(found, a)
				}
			}
		}
	}
	return found, nil
}

// inspect looks at a program by its number, and says whether it is ours.
func (a *attachment) inspect() (ours bool, err error) {
	p, err := ebpf.NewProgramFromID(a.prog)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // it has just gone
	}
	if err != nil {
		return false, fmt.Errorf("program %d: %w", a.prog, err)
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return false, fmt.Errorf("program %d: %w", a.prog, err)
	}
	a.name = info.Name
	a.layout, _, ours = parseName(info.Name)
	a.maps, _ = info.MapIDs()
	return ours, nil
}

func (tcxHook) attach(index int, d direction, p *ebpf.Program, _ string, old *attachment) error {
	o := bpflink.RawAttachProgramOptions{Target: index, Program: p, Attach: tcxTypes[d], Anchor: bpflink.Head()}
	if old != nil {
		was, err := ebpf.NewProgramFromID(old.prog)
		if err != nil {
			return err
		}
		defer was.Close()
		o.Anchor = bpflink.ReplaceProgram(was)
	}
	return bpflink.RawAttachProgram(o)
}

func (tcxHook) detach(a attachment) error {
	p, err := ebpf.NewProgramFromID(a.prog)
	if err != nil {
		return err
	}
	defer p.Close()
	err = bpflink.RawDetachProgram(bpflink.RawDetachProgramOptions{Target: a.link.index, Program: p, Attach: tcxTypes[a.dir]})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func (tcxHook) tidy(int) error { return nil }
