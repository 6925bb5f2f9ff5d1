package lab

import (
	"fmt"
	"slices"
)

// Cut is a way in which a host can lose its LAN.
type Cut uint8

const (
	// Carrier: the switch's port goes down. The host's kernel sees it at
	// once.
	Carrier Cut = iota
	// Silent: nothing passes in either direction, and the carrier stays, as
	// with a VLAN taken off a trunk.
	Silent
	// Mute: nothing that the host sends arrives anywhere. It still hears
	// everybody.
	Mute
	// Deaf: the host hears nobody. What it sends still arrives.
	Deaf
)

// Cut cuts the host off in one more way.
func (h *Host) Cut(how Cut) error {
	name := h.cfg.Name
	switch how {
	case Carrier:
		return h.lan.setPort(name, down)
	case Silent:
		return h.lan.Lose(Loss{From: name, Percent: 100}, Loss{To: name, Percent: 100})
	case Mute:
		return h.lan.Lose(Loss{From: name, Percent: 100})
	case Deaf:
		return h.lan.Lose(Loss{To: name, Percent: 100})
	}
	return fmt.Errorf("cannot cut host %s: no such cut: %d", name, how)
}

// Restore undoes every Cut of the host, and every Loss that names it. It
// returns when the port forwards.
func (h *Host) Restore() error {
	name := h.cfg.Name
	if err := h.lan.heal(func(l Loss) bool { return l.From == name || l.To == name }); err != nil {
		return err
	}
	if err := h.lan.setPort(name, up); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return fmt.Errorf("cannot restore host %s: %w", name, errOff)
	}
	return h.settle()
}

// Loss drops frames on their way through the switch, without a trace on any
// link.
type Loss struct {
	From, To string // names of hosts; empty: any
	Percent  int    // of the frames, chosen at random, 1 to 100
}

// Lose drops frames in further ways, on top of what is dropped already.
// From a to b alone is a one-way cut: b does not hear a, a hears b.
func (l *LAN) Lose(losses ...Loss) error {
	if err := valid(losses); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.setLosses(append(slices.Clone(l.losses), losses...))
}

// LoseOnly drops frames in these ways and in no others, from one frame to the
// next.
func (l *LAN) LoseOnly(losses ...Loss) error {
	if err := valid(losses); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.setLosses(slices.Clone(losses))
}

func valid(losses []Loss) error {
	for _, loss := range losses {
		if loss.Percent < 1 || loss.Percent > 100 {
			return fmt.Errorf("cannot lose %d percent of the frames: 1 to 100 are possible", loss.Percent)
		}
	}
	return nil
}

// Heal ends every Loss.
func (l *LAN) Heal() error { return l.heal(func(Loss) bool { return true }) }

func (l *LAN) heal(which func(Loss) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(l.losses), which)
	if len(left) == len(l.losses) {
		return nil
	}
	return l.setLosses(left)
}

func (l *LAN) setLosses(losses []Loss) error {
	if err := filter(l.ns, losses); err != nil {
		return fmt.Errorf("cannot set the switch's filter: %w", err)
	}
	l.losses = losses
	return nil
}
