package balance

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// member is a backend and all that is known of it.
type member struct {
	Backend
	id      uint32
	removed bool

	checks  map[string]check.Change // the last news of each check; missing: none yet
	doubted map[string]check.Change // what they said, where the last holder's word counts instead
	wish    Wish
	wished  string    // by whom
	due     time.Time // of a drain; zero: none
	cut     bool
	weighed bool // an operator's weight is in force
	weight  uint16

	health  Health    // of its own checks, or as the holder sees it
	why     string    // of the health
	share   uint32    // of its weight that an agent wants used, in percent
	started time.Time // of a slow start; zero: it has its whole weight
	ramp    uint32    // of its weight that the slow start allows, in percent

	hearing  hearing
	flows    uint64
	idle     int  // counts in a row without a flow
	drained  bool // that was told
	told     State
	toldDown bool // by its checks, also where it is used all the same
	everTold bool
}

// Health is what checks make of a backend.
type Health uint8

const (
	Unchecked Health = iota // a check has no result yet
	Healthy
	Unhealthy
)

func (h Health) String() string { return [...]string{"unchecked", "healthy", "unhealthy"}[h] }

// judge makes one health of the results of all checks: the first one that is
// down decides, and is the reason.
func (m *member) judge() (h Health, why string, share uint32) {
	share = 100
	if m.Sorry || len(m.Checks) == 0 {
		return Healthy, "it has no checks", share
	}
	h = Healthy
	var texts []string
	for _, name := range m.Checks {
		last := m.checks[name]
		switch last.To {
		case check.Down:
			return Unhealthy, m.text(name, last), 100
		case check.Pending:
			h = Unchecked
			why = "its checks have no result yet"
		case check.Up:
			texts = append(texts, m.text(name, last))
			if last.Worth.Shared {
				share = min(share, uint32(max(0, last.Worth.Share)))
			}
		}
	}
	if h == Healthy {
		why = strings.Join(texts, "; ")
	}
	return h, why, share
}

// text is what a check said, with its name where there are several of them. A
// check that is run for each backend has the backend in its name, after an @,
// which is said already.
func (m *member) text(name string, c check.Change) string {
	name, _, _ = strings.Cut(name, "@")
	switch {
	case c.Text == "":
		return "check " + name + " is " + c.To.String()
	case len(m.Checks) > 1:
		return name + ": " + c.Text
	}
	return c.Text
}

// configured is the weight without shares and slow start.
func (m *member) configured() uint16 {
	if m.weighed {
		return m.weight
	}
	return m.Weight
}

// heft is the weight as it is now, in hundredths.
func (m *member) heft() uint32 {
	w := uint32(m.configured())
	if w == 0 || m.share == 0 {
		return 0
	}
	return max(1, w*m.share*m.ramp/100)
}

// willing says whether the operator and the configuration let it have new
// flows, whatever its checks say.
func (m *member) willing() bool {
	return !m.removed && m.wish == WishNone && m.configured() > 0
}

// broken says whether it is down, for its flows.
func (m *member) broken() bool { return m.wish == WishDown || m.health == Unhealthy }

// state is what a plane does with it, and why, for people. Used says whether
// the table names it, and how the service is served.
func (m *member) state(used bool, in *Service, mode Mode) (State, string) {
	switch {
	case m.removed && !m.broken():
		return Removed, "it is configured no more"
	case used && m.health == Unchecked:
		return Up, "nobody is known to be up, and " + m.why
	case used && m.ramp < 100:
		return Up, fmt.Sprintf("%s; its weight grows over %v", m.why, in.SlowStart)
	case used:
		return Up, m.why
	case m.wish == WishDown:
		return Down, m.by("is taken down")
	case m.health == Unhealthy:
		return Down, m.why
	case m.wish == WishDrain:
		return Drain, m.by("drains")
	case m.configured() == 0:
		return Drain, "its weight is 0"
	case m.share == 0:
		return Drain, m.why
	case m.health == Unchecked:
		return Drain, m.why
	case m.Sorry || m.Backup:
		return Drain, "it is not needed: the service is served by " + mode.String()
	}
	return Drain, "others are used"
}

func (m *member) by(what string) string {
	if m.wished == "" {
		return "it " + what
	}
	return "it " + what + ", asked by " + m.wished
}

// gone says whether nobody needs it in a plan any more: flows that would go
// to another backend by its policy do so also when its ID is gone.
func (m *member) gone(s *Service) bool {
	if !m.removed {
		return false
	}
	policy := s.OnRemoved
	if m.broken() {
		policy = s.OnDown
	}
	return policy == Rehash || m.idle >= idleCounts
}

// idleCounts is how many counts in a row have to be without a flow: the first
// may have been taken before the plane had the plan.
const idleCounts = 2

// compare is the order of targets: those that are configured by address, then
// those that are not.
func compare(a, b *member) int {
	if a.removed != b.removed {
		if a.removed {
			return 1
		}
		return -1
	}
	return a.Addr.Compare(b.Addr)
}

func find(members []*member, addr netip.AddrPort) *member {
	for _, m := range members {
		if m.Addr == addr {
			return m
		}
	}
	return nil
}
