package bpf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Hook is where on an interface packets are balanced.
type Hook int

// The hooks. Auto is XDP where it is known to be good, else TC.
const (
	Auto Hook = iota
	TC
	XDP
)

func (h Hook) String() string { return [...]string{"auto", "tc", "xdp"}[h] }

// ParseHook is the other way round.
func ParseHook(s string) (Hook, error) {
	for h := Auto; h <= XDP; h++ {
		if h.String() == s {
			return h, nil
		}
	}
	return 0, fmt.Errorf("there is no hook %q: auto, tc and xdp are", s)
}

// Hooked says which hook is in use on an interface, and why it is that one.
type Hooked struct {
	Interface string
	Hook      Hook // TC or XDP
	Why       string
}

// Hooks says it of all interfaces, as it is since the last Apply.
func (p *Plane) Hooks() []Hooked {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hooked)
}

// drivers are those whose native XDP sends as well as it receives, and has for
// years.
var drivers = []string{"bnxt_en", "i40e", "ice", "igb", "igc", "ixgbe", "mlx5_core", "sfc"}

// unfit says why XDP is not used on an interface, or nothing.
func unfit(d device, wish Hook, others []device) error {
	if d.err != nil {
		return d.err
	}
	if wish == XDP {
		// Who asks for it knows what drivers can do. But that frames vanish
		// without a trace nobody sees.
		if d.driver == "veth" && d.told && !d.takes {
			return errors.New("what it sends would vanish: the other end of the veth has neither GRO nor an XDP program")
		}
		return nil
	}
	switch {
	case !slices.Contains(drivers, d.driver):
		return fmt.Errorf("its driver, %s, is not one whose XDP is known to be good", d.driver)
	case d.told && !d.receives:
		return fmt.Errorf("its driver, %s, says that it has none", d.driver)
	case d.vlans:
		return errors.New("it has VLANs, and XDP does not see tags that hardware takes off")
	case d.queues < d.cpus:
		return fmt.Errorf("it has %d transmit queues for %d processors", d.queues, d.cpus)
	}
	for _, o := range others {
		if o.err != nil || !slices.Contains(drivers, o.driver) {
			return fmt.Errorf("%s, where packets leave, is not known to take them from it", o.name)
		}
	}
	return nil
}

// attach makes sure that the programs are on all interfaces that clients or
// backends are behind, and on no other. That of tc is there in any case: it does
// what XDP hands on.
func (p *Plane) attach(plans []*balance.Plan) error {
	p.on = ways(p.config.Interfaces, plans)
	var errs []error
	devices := make([]device, len(p.on))
	links := make([]netlink.Link, len(devices))
	for i, name := range p.on {
		l, err := netlink.LinkByName(name)
		if err == nil {
			links[i] = l
			err = p.hook.attach(l, p.objs.HoldfastLb1)
		}
		if err != nil {
			errs = append(errs, &balance.NotOn{Interface: name, Why: err})
		}
		devices[i] = deviceOf(name, l)
	}
	errs = append(errs, p.learnMACs())
	hooked := make([]Hooked, 0, len(devices))
	var takers []int
	for i, d := range devices {
		if links[i] == nil {
			continue
		}
		h, err := p.attachXDP(links[i], d, slices.Delete(slices.Clone(devices), i, i+1))
		errs = append(errs, err)
		hooked = append(hooked, h)
		if h.Hook == XDP || d.told && d.takes {
			takers = append(takers, links[i].Attrs().Index)
		}
	}
	p.hooked = hooked
	errs = append(errs, p.native.takers(takers))
	return errors.Join(append(errs, detachOthers(p.config.Dir, p.on))...)
}

// attachXDP puts the program there or takes it off, and says which it did.
func (p *Plane) attachXDP(l netlink.Link, d device, others []device) (Hooked, error) {
	h := Hooked{Interface: d.name, Hook: TC}
	wish, named := p.config.Hooks[d.name]
	if !named {
		wish = p.config.Hook
	}
	x := xdp{dir: pins(p.config.Dir)}
	if wish == TC {
		h.Why = "the configuration says so"
		return h, x.detach(l)
	}
	why := unfit(d, wish, others)
	if why == nil {
		why = p.native.load(p.config)
	}
	if why == nil {
		why = x.attach(l, p.native.program)
	}
	if why != nil {
		h.Why = "no XDP: " + why.Error()
		return h, x.detach(l)
	}
	h.Hook, h.Why = XDP, "the configuration says so"
	if wish == Auto {
		h.Why = fmt.Sprintf("its driver, %s, is known to be good", d.driver)
	}
	return h, nil
}
