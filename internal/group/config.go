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
	// Steps says that there is more to take than the addresses: see ActionTake.
	Steps bool
	// Fenced has the set asked for before it holds whether it may: see
	// ActionSecure.
	Fenced bool
	// Guarded lets the group hold only with a mandate: see Mandate.
	Guarded bool
	// Leased says that the mandate is all there is of an election: the routers
	// hear nobody and are heard by nobody. See Holder.
	Leased bool
	// Unwatched is after how long a node learns at the latest that a lease is
	// free, where the store's word of it does not get through: then it reads.
	Unwatched time.Duration
}

// Use is how a group uses a check.
type Use struct {
	Check  string
	Weight int // 0: a veto; else what its failure takes off the priority
}

// Announce says how often ARP and ND announcements are sent.
type Announce struct {
	// Repeat is how many times a new holder announces each address, over
	// about three seconds. 0 means DefaultRepeat.
	Repeat int
	// Refresh repeats the announcement for as long as the group is active:
	// a switch forgets a silent address long before its hosts do. 0 is off.
	Refresh time.Duration
}

// burst is dense at first, so that hosts and switches follow within
// milliseconds, and then spread out, so that one congested moment cannot
// swallow all of it. Repetitions beyond it follow once a second.
var burst = [...]time.Duration{
	0,
	5 * time.Millisecond,
	25 * time.Millisecond,
	100 * time.Millisecond,
	500 * time.Millisecond,
	1500 * time.Millisecond,
	3 * time.Second,
}

// DefaultRepeat is the whole burst.
const DefaultRepeat = len(burst)

// instant is when the i-th announcement is due, counted from the first.
func instant(i int) time.Duration {
	if i < len(burst) {
		return burst[i]
	}
	return burst[len(burst)-1] + time.Duration(i-len(burst)+1)*time.Second
}

func validate(groups []Config) error {
	if len(groups) == 0 {
		return errors.New("cannot make set: it has no groups")
	}
	for g := range groups {
		c := &groups[g]
		if err := c.validate(); err != nil {
			return err
		}
		// Nodes compare priorities router by router. If they did not come
		// to the same result for all of a set, each node would win a part
		// of it and give way for another, in turns and without end.
		if first := &groups[0]; c.priority() != first.priority() {
			return fmt.Errorf("cannot make group %s: it moves together with %s, so it needs the same priority (%d, not %d)",
				c.Name, first.Name, first.priority(), c.priority())
		}
	}
	return nil
}

func (c *Config) priority() uint8 {
	if c.Priority == 0 {
		return vrrp.DefaultPriority
	}
	return c.Priority
}

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

// effective is the configured priority less the weight of every check that is
// down, within 1..254 (RFC 9568 §5.2.4 keeps 255 and 0 for other meanings).
// An owner's priority never changes.
func effective(base uint8, down int) uint8 {
	if base == vrrp.OwnerPriority {
		return base
	}
	return uint8(min(max(int(base)-down, 1), 254))
}
