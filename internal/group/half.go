package group

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// half is a set that hears its holder for a part of its routers only: one
// family is filtered on the way, say, or another vendor's groups do not move
// together. It waits, as it cannot have all of its addresses; a person should
// know.
type half struct {
	since time.Time // when the first router asked while another did not
	told  bool
}

// watchHalf tells about a set that stays half for as long as any of its
// routers would wait for an advert.
func (s *Set) watchHalf() {
	if !s.some((*vrrp.Router).Asking) || s.every((*vrrp.Router).Asking) {
		s.half = half{}
		return
	}
	if s.half.since.IsZero() {
		s.half.since = s.now
	}
	if s.half.told || s.now.Before(s.halfDue()) {
		return
	}
	s.half.told = true
	var silent, active string
	var holder netip.Addr
	for i := range s.members {
		r := s.members[i].router
		name := fmt.Sprintf("%s of group %s", r.Config().Family, s.groups[s.members[i].group].Name)
		if p, ok := r.Active(); !r.Asking() && ok {
			active, holder = name, p.Addr
		} else if r.Asking() {
			silent = name
		}
	}
	if active == "" {
		return
	}
	s.record(0, Record{Kind: "notice", Code: "HF2021", Peer: holder, Reason: fmt.Sprintf(
		"no active node is heard for %s, but %s is active for %s: this node waits, as it takes all addresses or none", silent, holder, active)})
}

// halfDue is when to tell.
func (s *Set) halfDue() time.Time {
	return s.half.since.Add(s.longest((*vrrp.Router).DownInterval))
}
