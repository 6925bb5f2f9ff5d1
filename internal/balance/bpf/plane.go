package bpf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Config is what a plane needs to know of the machine.
type Config struct {
	// Dir is a folder of a BPF file system, where programs and maps stay when
	// this process ends.
	Dir string
	// Interfaces are those that clients are behind. Where an address is on a
	// macvlan, it is the interface below. Those that lead to backends need not
	// be named. See also [Plane.Use].
	Interfaces []string
	// Flows is how many established ones there is memory for, HalfOpen how many
	// others: 0 is 262144 and 32768. What an earlier run has chosen stays.
	Flows, HalfOpen int
	// Ports are those that full NAT takes on this node, the last one included.
	// No other node of the group may have one of them.
	Ports [2]uint16
	// AllPorts are those of all nodes together: what comes to one of them at an
	// address that full NAT sends from, and is of no flow, is dropped. Without
	// them they are from 1024 on.
	AllPorts [2]uint16
	// Allow sees to it that the kernel may forward for plans: it is called with
	// new ones, and whenever somebody may have taken that back. Nil: it may.
	Allow func(plans []*balance.Plan) error
	// Clsact is the hook of Linux before 6.6, also where there is a better one.
	Clsact bool
	// Hook is where on an interface packets are balanced; Hooks names interfaces
	// where it is another one.
	Hook  Hook
	Hooks map[string]Hook
	// Gate are the files of the gate (gate.Gate.Files), which XDP needs: it sees
	// packets before the gate does. The caller closes them.
	Gate []*os.File
}

// Plane is the plane in the kernel.
type Plane struct {
	config Config
	objs   kernelObjects
	hook   hook
	native native

	mu       sync.Mutex
	on       []string // the interfaces that the program is on
	hooked   []Hooked
	plans    []*balance.Plan
	memory   []byte
	tallies  []tally
	services map[string]*service // by name
	numbers  map[uint32]*service
	places   map[vip]place              // hf_vips
	allowed  map[uint32]map[source]bool // hf_allowed, by number
	slots    slots
	known    known            // hf_known
	drift    map[uint32]int64 // of tallies, seen by the last sweep
	census   census           // of the last sweep
	tracer   atomic.Pointer[tracer]
	swept    uint64 // when that was

	// For flows that move between nodes, which wait for no plan or sweep.
	alive      sync.RWMutex // held while maps are used without mu
	names      atomic.Pointer[names]
	watcher    atomic.Pointer[watcher]
	watchPage  []byte
	watch      *watch     // nil after Close
	lanes      chan uint8 // of the inbox, those that are free
	inboxPages []byte
	inbox      []told

	own          atomic.Pointer[[2]uint16] // config.Ports
	settling     sync.Mutex
	settledPages []byte
	settled      []settled    // hf_settled, by place
	told         map[vip]bool // those that Settle was told of
}

var _ balance.Plane = (*Plane)(nil)

// Open loads the program. What an earlier run has left goes on meanwhile; the
// first Apply brings it to the plans, and puts the program on the interfaces.
func Open(c Config) (_ *Plane, err error) {
	if c.Flows == 0 {
		c.Flows = 1 << 18
	}
	if c.HalfOpen == 0 {
		c.HalfOpen = 1 << 15
	}
	if c.Ports[0] == 0 || c.Ports[1] < c.Ports[0] {
		c.Ports = [2]uint16{1024, 65535}
	}
	if c.AllPorts[0] == 0 || c.AllPorts[1] < c.AllPorts[0] {
		c.AllPorts = [2]uint16{1024, 65535}
	}
	p := &Plane{config: c, services: map[string]*service{}, numbers: map[uint32]*service{}, places: map[vip]place{}, told: map[vip]bool{}}
	p.own.Store(&c.Ports)
	if p.hook, err = chooseHook(c); err != nil {
		return nil, fmt.Errorf("cannot use the hook of tc: %w", err)
	}
	if err := load(&p.objs, c); err != nil {
		return nil, fmt.Errorf("cannot load the balancer into the kernel: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close(true))
		}
	}()
	if p.memory, p.tallies, err = mapped[tally](p.objs.HfTallies); err != nil {
		return nil, err
	}
	var watches []watch
	if p.watchPage, watches, err = mapped[watch](p.objs.HfWatch); err != nil {
		return nil, err
	}
	p.watch = &watches[0]
	p.watch.on.Store(0) // who read it is gone
	if p.inboxPages, p.inbox, err = mapped[told](p.objs.HfInbox); err != nil {
		return nil, err
	}
	p.lanes = make(chan uint8, lanes)
	for lane := range uint8(lanes) {
		p.lanes <- lane
	}
	if p.settledPages, p.settled, err = mapped[settled](p.objs.HfSettled); err != nil {
		return nil, err
	}
	if err := p.native.inherit(c.Gate); err != nil {
		return nil, fmt.Errorf("cannot read the holds of the gate: %w", err)
	}
	if err := p.recall(); err != nil {
		return nil, fmt.Errorf("cannot read what an earlier run has left: %w", err)
	}
	p.name()
	return p, nil
}

// Use says which interfaces clients are behind, from the next Apply on.
func (p *Plane) Use(interfaces []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config.Interfaces = slices.Clone(interfaces)
}

// recall learns from the maps what an earlier run has left in them.
func (p *Plane) recall() error {
	var k vip
	var at place
	it := p.objs.HfVips.Iterate()
	for it.Next(&k, &at) {
		p.places[k] = at
	}
	if err := it.Err(); err != nil {
		return err
	}
	if err := errors.Join(p.recallAllowed(), p.slots.recall(p.objs.HfTargets)); err != nil {
		return err
	}
	return p.recallKnown()
}

// Apply is balance.Plane's.
func (p *Plane) Apply(plans []*balance.Plan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := []error{p.permit(plans), p.know(p.plans, plans), p.attach(plans)}
	p.plans = plans
	wanted := map[string]bool{}
	for _, plan := range plans {
		if err := p.check(plan); err != nil {
			errs = append(errs, &balance.NotServed{Service: plan.Service.Name, Why: err})
			// Without it, the host would reset the connections that it has.
			if s := p.services[plan.Service.Name]; s != nil && s.plan != nil {
				wanted[plan.Service.Name] = true
			}
			continue
		}
		wanted[plan.Service.Name] = true
		if err := p.apply(plan); err != nil {
			errs = append(errs, &balance.NotServed{Service: plan.Service.Name, Why: err})
		}
	}
	errs = append(errs, p.removeOthers(wanted), p.translate())
	p.name()
	return errors.Join(errs...)
}

// check says why a service cannot be served by this plane.
func (p *Plane) check(plan *balance.Plan) error {
	s := plan.Service
	switch {
	case s.Forward > balance.Tunnel:
		return errors.New("this plane has no such way to forward")
	case s.Forward == balance.FullNAT && (len(s.Translate) == 0 || len(s.Translate) > maxTranslates):
		return fmt.Errorf("full NAT needs 1 to %d addresses to send from", maxTranslates)
	case len(s.Listen) == 0:
		return errors.New("it listens nowhere")
	}
	family := s.Listen[0].Addr().Is4()
	same := func(a netip.Addr) bool { return a.Unmap().Is4() == family }
	for _, e := range s.Listen {
		if !same(e.Addr()) {
			return errors.New("it listens on addresses of both families: make it two services")
		}
	}
	for _, t := range plan.Targets {
		if s.Forward != balance.Tunnel && !same(t.Addr.Addr()) {
			return fmt.Errorf("backend %s is of another family than the service", t.Addr)
		}
	}
	for _, a := range s.Translate {
		if s.Forward == balance.FullNAT && !same(a) {
			return fmt.Errorf("the address to send from, %s, is of another family than the service", a)
		}
	}
	return checkForwarding(p.on, family)
}

// Close is balance.Plane's.
func (p *Plane) Close(keep bool) error {
	if t := p.tracer.Load(); t != nil {
		t.stop()
	}
	if w := p.watcher.Load(); w != nil {
		w.stop()
	}
	p.alive.Lock()
	defer p.alive.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	if !keep {
		errs = append(errs, Remove(p.config.Dir))
	}
	for _, m := range [][]byte{p.memory, p.watchPage, p.inboxPages, p.settledPages} {
		if m != nil {
			errs = append(errs, unix.Munmap(m))
		}
	}
	p.memory, p.tallies, p.watchPage, p.watch, p.inboxPages, p.inbox = nil, nil, nil, nil, nil, nil
	p.settledPages, p.settled = nil, nil
	return errors.Join(append(errs, p.native.close(), p.objs.Close())...)
}

// quarantine is for how long a slot of a target that is gone is not used again:
// longer than any packet is on its way through the program.
const quarantine = time.Second
