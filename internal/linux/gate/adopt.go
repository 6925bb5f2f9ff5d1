package gate

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Files are what another process needs to have a part in the gate: it inherits
// them, or is sent them over a Unix socket. With them a guardian can close the
// holds ([Adopt]), and the next daemon take the gate over ([Options.Inherit])
// without a privilege. The caller closes them. A line of defence without
// shared memory has none.
func (g *Gate) Files() ([]*os.File, error) {
	k, ok := kernelOf(g.line)
	if !ok {
		return nil, nil
	}
	var files []*os.File
	for _, m := range k.maps() {
		fd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			return nil, fmt.Errorf("cannot share the gate: %w", err)
		}
		files = append(files, os.NewFile(uintptr(fd), m.String()))
	}
	return files, nil
}

// inherited opens maps by their files, as copies. Nil: there are none.
func inherited(files []*os.File) (map[string]*ebpf.Map, error) {
	if len(files) == 0 {
		return nil, nil
	}
	maps := map[string]*ebpf.Map{}
	for _, f := range files {
		m, name, err := mapOf(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot take over the gate by %s: %w", f.Name(), err), closeMaps(maps))
		}
		maps[name] = m
	}
	if maps[kernelMapHfHolds] == nil {
		return nil, errors.Join(errors.New("cannot take over the gate: its holds are missing"), closeMaps(maps))
	}
	return maps, nil
}

func mapOf(f *os.File) (*ebpf.Map, string, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	m, err := ebpf.NewMapFromFD(fd) // which owns it from here on
	if err != nil {
		return nil, "", err
	}
	info, err := m.Info()
	if err != nil {
		return nil, "", errors.Join(err, m.Close())
	}
	switch l, name, ours := parseMapName(info.Name); {
	case !ours:
		err = fmt.Errorf("%s is no map of a gate", info.Name)
	case l != layout:
		err = fmt.Errorf("another version made it: its layout is %d, and %d is ours", l, layout)
	default:
		return m, name, nil
	}
	return nil, "", errors.Join(err, m.Close())
}

// Doors are the holds of a gate in another process: the guardian maps them
// while the daemon lives, and closes all of them in a few microseconds when it
// is dead, whatever state the rest of the machine is in.
type Doors struct {
	holds  []slotHold
	mapped []byte
}

// Adopt maps the holds of the gate that the files are of. It does not need
// them afterwards, nor any privilege.
func Adopt(files []*os.File) (*Doors, error) {
	maps, err := inherited(files)
	if err != nil {
		return nil, err
	}
	defer closeMaps(maps)
	if maps == nil {
		return nil, errors.New("cannot take over the gate: there are no files")
	}
	b, err := shared(maps[kernelMapHfHolds])
	if err != nil {
		return nil, fmt.Errorf("cannot map the holds: %w", err)
	}
	return &Doors{holds: holdsIn(b), mapped: b}, nil
}

// holdsIn is the memory of hf_holds.
func holdsIn(b []byte) []slotHold {
	return unsafe.Slice((*slotHold)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(slotHold{})))
}

// CloseAll closes every slot: memory only, no system call.
func (d *Doors) CloseAll() { closeAll(d.holds) }

// Held is the hold of a slot.
func (d *Doors) Held(s engine.Slot) engine.Hold { return heldIn(d.holds, s) }

// Close unmaps the holds and leaves them as they are.
func (d *Doors) Close() error { return unix.Munmap(d.mapped) }
