package gate

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// kernel is the first line of defence: the programs of bpf/gate.c. What it knows
// is in the kernel's maps, so that another process can take over.
type kernel struct {
	id     LineID
	hook   hook
	objs   kernelObjects
	holds  []slotHold // the map itself, as everything below
	hints  *[hintBuckets]atomic.Uint32
	drops  []slotDrops
	mapped [][]byte
	taken  []guarded

	programs *programs
	ids      map[*ebpf.Program]ebpf.ProgramID // of our own
	holdsID  ebpf.MapID                       // by which programs that use our maps are known
	owner    map[kernelAddress]engine.Slot    // hf_addresses
	links    map[int]*user                    // interfaces with our programs, by index
}

var _ line = (*kernel)(nil)

// slotHold is struct hold of bpf/maps.h. A store of an instant is one store.
type slotHold struct {
	announced, served, advertised atomic.Uint64

	address kernelAddress
	ifindex uint32
	mac     [6]byte
	_       [10]byte
}

// slotDrops is struct drops of bpf/maps.h.
type slotDrops [8]atomic.Uint64

// openKernel loads the programs, on maps that are in use already if there are
// any, and puts them in the place of the programs that use these.
func openKernel(id LineID, o Options) (_ *kernel, err error) {
	if bits.UintSize < 64 {
		return nil, errors.New("a 32-bit kernel can read half an instant")
	}
	k := &kernel{id: id, hook: tcxHook{}, owner: map[kernelAddress]engine.Slot{}, links: map[int]*user{}}
	if id == Clsact {
		k.hook = clsactHook{}
	}
	if err := k.hook.available(); err != nil {
		return nil, err
	}
	_ = rlimit.RemoveMemlock() // needed before Linux 5.11; loading says what it thinks of a refusal
	if k.programs, err = openPrograms(o.Dir); err != nil {
		return nil, err
	}
	found, err := findAttached(k.programs)
	if err != nil {
		return nil, err
	}
	maps, err := inherited(o.Inherit)
	if maps == nil && err == nil {
		maps, err = found.maps()
	}
	if err != nil {
		return nil, err
	}
	defer closeMaps(maps)
	if err := loadPrograms(&k.objs, maps); err != nil {
		return nil, fmt.Errorf("cannot load the programs: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	if err := k.mapMemory(); err != nil {
		return nil, err
	}
	k.bindMaps()
	if k.ids, err = k.programs.note(k.loaded()...); err != nil {
		return nil, err
	}
	if k.holdsID, err = mapID(k.objs.HfHolds); err != nil {
		return nil, err
	}
	if maps == nil {
		return k, nil
	}
	if err := k.recall(); err != nil {
		return nil, err
	}
	// Same maps, our own programs: no packet meets neither.
	for _, a := range found.with(k.holdsID) {
		if err := k.attach(a.link); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// loadPrograms loads them on these maps, and makes those that are missing. What
// the kernel is told about a map's name has the layout in it.
func loadPrograms(objs *kernelObjects, maps map[string]*ebpf.Map) error {
	spec, err := loadKernel()
	if err != nil {
		return err
	}
	for name, m := range spec.Maps {
		if rest, ours := strings.CutPrefix(name, "hf_"); ours {
			m.Name = fmt.Sprintf("hf%d_%s", layout, rest)
		}
	}
	return spec.LoadAndAssign(objs, &ebpf.CollectionOptions{MapReplacements: maps})
}

// bindMaps makes every program refer to every map, so that any program that is
// left leads to all maps. Before Linux 5.10 a program has those that it uses
// itself, which is all of them only for both programs of an interface together.
func (k *kernel) bindMaps() {
	for _, p := range k.loaded() {
		for _, m := range k.maps() {
			_ = p.BindMap(m)
		}
	}
}

func (k *kernel) loaded() []*ebpf.Program {
	o := &k.objs
	return []*ebpf.Program{o.Holdfast1In, o.Holdfast1Out, o.Holdfast1L3in, o.Holdfast1L3out}
}

func (k *kernel) maps() []*ebpf.Map {
	o := &k.objs
	return []*ebpf.Map{o.HfHolds, o.HfAddresses, o.HfMacs, o.HfRouters, o.HfHints, o.HfDrops, o.HfSightings}
}

func mapID(m *ebpf.Map) (ebpf.MapID, error) {
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	id, ok := info.ID()
	if !ok {
		return 0, errors.New("the kernel does not number maps")
	}
	return id, nil
}

func (k *kernel) close() error {
	errs := []error{k.objs.Close()}
	for _, m := range k.mapped {
		errs = append(errs, unix.Munmap(m))
	}
	k.mapped, k.holds, k.hints, k.drops = nil, nil, nil, nil
	return errors.Join(errs...)
}

func (k *kernel) mapMemory() error {
	for _, m := range []struct {
		name string
		of   *ebpf.Map
		set  func([]byte)
	}{
		{"holds", k.objs.HfHolds, func(b []byte) { k.holds = holdsIn(b) }},
		{"hints", k.objs.HfHints, func(b []byte) { k.hints = (*[hintBuckets]atomic.Uint32)(unsafe.Pointer(&b[0])) }},
		{"drops", k.objs.HfDrops, func(b []byte) { k.drops = unsafe.Slice((*slotDrops)(unsafe.Pointer(&b[0])), Slots) }},
	} {
		b, err := shared(m.of)
		if err != nil {
			return fmt.Errorf("cannot map the %s: %w", m.name, err)
		}
		k.mapped = append(k.mapped, b)
		m.set(b)
	}
	return nil
}

// shared maps an array of the kernel into this process. It is mapped with all
// its pages: a store must never wait for one.
func shared(m *ebpf.Map) ([]byte, error) {
	return unix.Mmap(m.FD(), 0, int(m.MaxEntries()*m.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
}

func (k *kernel) about() Line {
	return Line{
		ID:        k.id,
		Text:      "the kernel drops what comes for and from an address, from the instant at which its hold is over",
		Guarantee: time.Millisecond,
	}
}

// set is what the engine calls for every advert: three stores.
func (k *kernel) set(s engine.Slot, h engine.Hold) {
	if s < 0 || int(s) >= len(k.holds) {
		return
	}
	slot := &k.holds[s]
	slot.announced.Store(uint64(max(h.Announced, 0)))
	slot.served.Store(uint64(max(h.Served, 0)))
	slot.advertised.Store(uint64(max(h.Advertised, 0)))
}

func (k *kernel) held(s engine.Slot) engine.Hold { return heldIn(k.holds, s) }

func heldIn(holds []slotHold, s engine.Slot) engine.Hold {
	if s < 0 || int(s) >= len(holds) {
		return engine.Hold{}
	}
	slot := &holds[s]
	return engine.Hold{
		Announced:  engine.Instant(slot.announced.Load()),
		Served:     engine.Instant(slot.served.Load()),
		Advertised: engine.Instant(slot.advertised.Load()),
	}
}

func (k *kernel) closeAll() error {
	closeAll(k.holds)
	return nil
}

// closeAll closes the first door of all slots before the others: who answers
// for an address matters most.
func closeAll(holds []slotHold) {
	for i := range holds {
		holds[i].announced.Store(0)
	}
	for i := range holds {
		holds[i].served.Store(0)
		holds[i].advertised.Store(0)
	}
}

func (k *kernel) counters(s engine.Slot) Counters {
	if s < 0 || int(s) >= len(k.drops) {
		return Counters{}
	}
	n := func(reason int) uint64 { return k.drops[s][reason].Load() }
	return Counters{
		ARPIn: n(0), NDIn: n(1), PacketIn: n(2), ARPOut: n(3), NDOut: n(4), PacketOut: n(5), AdvertOut: n(6), Untold: n(7),
	}
}

// addressKey is the key of an address on an interface: struct address.
func addressKey(a netip.Addr, index int) kernelAddress {
	var k kernelAddress
	b := a.As16()
	for i := range k.Ip {
		k.Ip[i] = *(*uint32)(unsafe.Pointer(&b[4*i])) // as it is in a packet
	}
	if a.Is6() && a.IsLinkLocalUnicast() {
		k.Scope = uint32(index)
	}
	return k
}

func (k kernelAddress) addr() netip.Addr {
	return netip.AddrFrom16(*(*[16]byte)(unsafe.Pointer(&k.Ip))).Unmap()
}
