package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// layout is LAYOUT of bpf/balance.c.
const layout = 1

// programName is what the kernel calls the program.
const programName = "holdfast_lb1"

// tally is struct tally: shared with the kernel.
type tally struct {
	flows         atomic.Int64
	turn          atomic.Uint64
	second, began atomic.Uint64
}

// pins is the folder for what stays in the kernel, in one for each layout.
func pins(dir string) string { return filepath.Join(dir, fmt.Sprintf("balance%d", layout)) }

// checkDir says whether a folder is of a BPF file system, which is the only one
// that can hold maps.
func checkDir(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	if int64(st.Type) != unix.BPF_FS_MAGIC {
		return errors.New("it is not of a BPF file system (mount one: mount -t bpf bpf /sys/fs/bpf)")
	}
	return nil
}

// load opens the maps that an earlier run has pinned, makes those that are
// missing, and loads the program on them.
func load(objs *kernelObjects, c Config) error {
	if err := checkDir(c.Dir); err != nil {
		return fmt.Errorf("cannot keep maps in %s: %w", c.Dir, err)
	}
	dir := pins(c.Dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	_ = rlimit.RemoveMemlock() // needed before Linux 5.11; loading says what it thinks of a refusal
	spec, err := loadKernel()
	if err != nil {
		return err
	}
	spec.Maps[kernelMapHfFlows].MaxEntries = uint32(2 * c.Flows) // one for each direction
	spec.Maps[kernelMapHfHalf].MaxEntries = uint32(2 * c.HalfOpen)
	if err := pinned(spec, dir); err != nil {
		return err
	}
	return spec.LoadAndAssign(objs, &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: dir}})
}

// pinned has the maps of a program be those that are pinned in a folder.
func pinned(spec *ebpf.CollectionSpec, dir string) error {
	for name, m := range spec.Maps {
		rest, ours := strings.CutPrefix(name, "hf_")
		if !ours {
			continue
		}
		m.Name = fmt.Sprintf("lb%d_%s", layout, rest)
		m.Pinning = ebpf.PinByName
		if err := adoptSize(m, dir); err != nil {
			return err
		}
	}
	return nil
}

// adoptSize keeps the size of a map that is there: flows are worth more than a
// number in a file.
func adoptSize(spec *ebpf.MapSpec, dir string) error {
	m, err := ebpf.LoadPinnedMap(filepath.Join(dir, spec.Name), nil)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot open map %s of an earlier run: %w", spec.Name, err)
	}
	spec.MaxEntries = m.MaxEntries()
	return m.Close()
}

// mapped maps an array into this process: its pages, and what is in them.
func mapped[T any](m *ebpf.Map) (pages []byte, values []T, err error) {
	pages, err = unix.Mmap(m.FD(), 0, int(m.MaxEntries()*m.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot map %v into memory: %w", m, err)
	}
	return pages, unsafe.Slice((*T)(unsafe.Pointer(&pages[0])), m.MaxEntries()), nil
}

// monotonic is the clock of the flows.
func monotonic() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_COARSE, &ts); err != nil {
		return 0
	}
	return uint64(ts.Nano())
}
