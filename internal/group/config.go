package group

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Config describes one group of a set.
type Config struct {
	Name     string
	Priority uint8         // configured; the routers' effective one is computed from it
	Routers  []vrrp.Config // one per address family; Ask and Priority are set here
	Uses     []Use
	Announce Announce
}

// Use is how a group uses a check.
type Use struct {
	Check  string
	Weight int // 0: a veto; else what its failure takes off the priority
}

// Announce says how often ARP and ND announcements are sent.
type Announce struct {
	// Burst holds the instants, counted from becoming active, at which all
	// addresses are announced. Nil means DefaultBurst.
	Burst []time.Duration
	// Refresh repeats the announcement for as long as the group is active:
	// a switch forgets a silent address long before its hosts do. 0 is off.
	Refresh time.Duration
}

// DefaultBurst is dense at first, so that hosts and switches follow within
// milliseconds, and then spread over three seconds, so that one congested
// moment cannot swallow all of it.
var defaultBurst = []time.Duration{
	0,
	5 * time.Millisecond,
	25 * time.Millisecond,
	100 * time.Millisecond,
	500 * time.Millisecond,
	1500 * time.Millisecond,
	3 * time.Second,
}

// DefaultRefresh is how often an active group announces itself again.
const DefaultRefresh = 60 * time.Second

func (c *Config) validate() error {
	if c.Name == "" {
		return errors.New("cannot make group: it has no name")
	}
	if len(c.Routers) == 0 {
		return fmt.Errorf("cannot make group %s: it has no addresses", c.Name)
	}
	seen := map[vrrp.Family]bool{}
	for _, r := range c.Routers {
		if seen[r.Family] {
			return fmt.Errorf("cannot make group %s: two routers of family %s", c.Name, r.Family)
		}
		seen[r.Family] = true
	}
	return nil
}

// priority is the configured priority less the weight of every check that is
// down, within 1..254 (RFC 9568 §5.2.4 keeps 255 and 0 for other meanings).
// An owner's priority never changes.
func effective(base uint8, down int) uint8 {
	if base == vrrp.OwnerPriority {
		return base
	}
	return uint8(min(max(int(base)-down, 1), 254))
}
