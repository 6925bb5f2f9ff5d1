package gate

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Doors are the holds of a gate in another process: the guardian maps them
// while the daemon lives, and closes all of them in a few microseconds when it
// is dead, whatever state the rest of the machine is in.
type Doors struct {
	holds  []slotHold
	mapped []byte
}

// File is a file that another process can inherit and give to [Adopt]. The
// caller closes it. Lines of defence without shared memory have none.
func (g *Gate) File() (*os.File, error) {
	k, ok := kernelOf(g.line)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	fd, err := unix.FcntlInt(uintptr(k.objs.HfHolds.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot share the gate: %w", err)
	}
	return os.NewFile(uintptr(fd), "holds"), nil
}

// Adopt maps the holds of the gate that the file is of.
func Adopt(f *os.File) (*Doors, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, Slots*int(unsafe.Sizeof(slotHold{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("cannot map the holds: %w", err)
	}
	return &Doors{holds: unsafe.Slice((*slotHold)(unsafe.Pointer(&b[0])), Slots), mapped: b}, nil
}

// CloseAll closes every slot: memory only, no system call.
func (d *Doors) CloseAll() { closeAll(d.holds) }

// Held is the hold of a slot.
func (d *Doors) Held(s engine.Slot) engine.Hold { return heldIn(d.holds, s) }

// Close unmaps the holds and leaves them as they are.
func (d *Doors) Close() error { return unix.Munmap(d.mapped) }
