package bpf

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// native is the program of XDP. It is loaded when an interface wants it.
type native struct {
	gate    map[string]*ebpf.Map // by their names in the gate's bpf/holds.h
	program *ebpf.Program
	takes   *ebpf.Map // hf_native
}

// gateLayout is the layout of the gate's maps that the program was made for.
const gateLayout = 1

var errNoGate = errors.New("it would see packets before the gate, and there is no gate in eBPF whose holds it could read")

// inherit opens the maps of the gate that the program asks: what the gate would
// not let pass it leaves to it.
func (n *native) inherit(files []*os.File) error {
	n.gate = map[string]*ebpf.Map{}
	for _, f := range files {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		m, err := ebpf.NewMapFromFD(fd) // which owns it from here on
		if err != nil {
			return err
		}
		info, err := m.Info()
		if err != nil {
			return errors.Join(err, m.Close())
		}
		rest, ours := strings.CutPrefix(info.Name, fmt.Sprintf("hf%d_", gateLayout))
		if name := "hf_" + rest; ours && n.asks(name) {
			n.gate[name] = m
		} else if err := m.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (*native) asks(name string) bool {
	return name == nativeMapHfHolds || name == nativeMapHfAddresses || name == nativeMapHfHints
}

// load loads the program on the maps that are pinned, and those of the gate.
func (n *native) load(c Config) error {
	if n.program != nil {
		return nil
	}
	if len(n.gate) < 3 {
		return errNoGate
	}
	spec, err := loadNative()
	if err != nil {
		return err
	}
	gate := map[string]*ebpf.MapSpec{}
	for name, m := range spec.Maps {
		if n.asks(name) {
			gate[name] = m
			delete(spec.Maps, name)
		}
	}
	if err := pinned(spec, pins(c.Dir)); err != nil {
		return err
	}
	for name, m := range gate {
		spec.Maps[name] = m
	}
	var objs struct {
		Program *ebpf.Program `ebpf:"holdfast_lbx1"`
		Takes   *ebpf.Map     `ebpf:"hf_native"`
	}
	options := &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: pins(c.Dir)}, MapReplacements: n.gate}
	err = spec.LoadAndAssign(&objs, options)
	if err != nil {
		return fmt.Errorf("cannot load the program, which needs Linux 5.18: %w", err)
	}
	n.program, n.takes = objs.Program, objs.Takes
	return nil
}

// takers are the interfaces that frames may be sent to.
func (n *native) takers(indices []int) error {
	if n.takes == nil {
		return nil
	}
	wanted := map[uint32]bool{}
	var errs []error
	for _, i := range indices {
		wanted[uint32(i)] = true
		errs = append(errs, n.takes.Put(uint32(i), uint32(1)))
	}
	var k, v uint32
	var gone []uint32
	it := n.takes.Iterate()
	for it.Next(&k, &v) {
		if !wanted[k] {
			gone = append(gone, k)
		}
	}
	errs = append(errs, it.Err())
	for _, k := range gone {
		errs = append(errs, n.takes.Delete(k))
	}
	return errors.Join(errs...)
}

func (n *native) close() error {
	var errs []error
	for _, m := range n.gate {
		errs = append(errs, m.Close())
	}
	if n.program != nil {
		errs = append(errs, n.program.Close(), n.takes.Close())
	}
	*n = native{}
	return errors.Join(errs...)
}
