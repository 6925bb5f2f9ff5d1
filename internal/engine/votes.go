package engine

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// votes is this node's part in its cluster: it votes, and stands for the units
// that a majority guards. Nil without a cluster.
type votes struct {
	agent   *vote.Agent
	cluster *config.Cluster
	own     netip.AddrPort
	port    Port
	out     vote.Out
	units   map[vote.Subject]*unit
}

// Polls is where votes go in and out.
type Polls interface {
	// OpenVotes opens a UDP port of one address, or of all.
	OpenVotes(host netip.Addr, number uint16) (Port, error)
	Close(Port) error
}

// joinCluster opens the polls for a configuration that has a cluster. A
// cluster that changed is joined anew: promises of the old one count no more.
func (e *Engine) joinCluster(cfg *config.Config) error {
	if e.votes != nil && cfg.Cluster != nil && reflect.DeepEqual(e.votes.cluster, cfg.Cluster) && e.node == cfg.Node {
		return nil
	}
	e.leaveCluster()
	if cfg.Cluster == nil {
		return nil
	}
	v := &votes{cluster: cfg.Cluster, units: map[vote.Subject]*unit{}}
	own := netip.AddrPort{}
	for _, n := range cfg.Cluster.Nodes {
		if n.Name == cfg.Node {
			own = n.Addr
		}
	}
	var err error
	if v.agent, err = e.opt.NewAgent(cfg); err != nil {
		return err
	}
	if e.legacy != nil {
		if err := v.agent.Inherit(e.legacy); err != nil {
			return err
		}
		e.legacy = nil
	}
	v.own = own
	if v.port, err = e.opt.Polls.OpenVotes(own.Addr(), own.Port()); err != nil {
		return fmt.Errorf("cannot join the cluster: %w", err)
	}
	e.votes = v
	for _, u := range e.sortedUnits() {
		if e.stand(u); u.set.Wanting() {
			e.wantMandate(u, u.set.Router(u.set.Lead()).Priority())
		}
	}
	return nil
}

func (e *Engine) leaveCluster() {
	if e.votes == nil {
		return
	}
	if err := e.opt.Polls.Close(e.votes.port); err != nil {
		e.opt.Log.Debug("closing the polls failed", "err", err)
	}
	e.votes = nil
}

// stand puts a unit under its guard, if it has one: it becomes a subject of the
// votes, or its gateway is asked.
func (e *Engine) stand(u *unit) {
	if u.groups[0].Guard.Kind == config.GuardGateway {
		e.standAt(u)
	}
	if u.groups[0].Lease != nil {
		e.contend(u)
		return
	}
	if e.votes == nil || u.groups[0].Guard.Kind != config.GuardMajority {
		return
	}
	u.subject = e.votes.agent.Open(u.key(), u.term())
	e.votes.units[u.subject] = u
	if !u.voted {
		u.voted = true
		u.mandate = 1 // nothing is promised yet
		e.limit(u)
	}
}

// key is what all voters know a unit by.
func (u *unit) key() vote.Key {
	members := make([]vote.Member, len(u.routers))
	for i, r := range u.routers {
		for _, p := range r.addrs {
			members[i].Addresses = append(members[i].Addresses, p.Addr())
		}
		members[i].VRID = r.cfg.VRID
	}
	return vote.KeyOf(members...)
}

// term is how long a promise for a unit lasts.
func (u *unit) term() time.Duration {
	var term time.Duration
	for _, r := range u.routers {
		term = max(term, vote.TermOf(r.cfg.Interval))
	}
	return term
}

// wantMandate asks for what a guarded set needs to hold.
func (e *Engine) wantMandate(u *unit, priority uint8) {
	if u.lease != nil {
		e.leaseEvent(u, lease.Want(int(priority)))
		return
	}
	if u.voted && e.votes != nil {
		e.vote(vote.Event{Kind: vote.Want, Subject: u.subject, Rank: priority})
	}
}

// releaseMandate gives it back.
func (e *Engine) releaseMandate(now time.Time, u *unit, a *group.Action) {
	if u.lease != nil {
		e.releaseLease(u, a.Name)
		return
	}
	to := a.Name
	if a.OK {
		if n, ok := u.routers[u.set.Lead()].table.Successor(uint8(group.Backup), now); ok {
			to = n.Name
		}
	}
	if u.voted && e.votes != nil {
		e.vote(vote.Event{Kind: vote.Release, Subject: u.subject, To: to})
	}
}

// forsakeMandate lets it end by itself.
func (e *Engine) forsakeMandate(u *unit) {
	if u.lease != nil {
		e.leaseEvent(u, lease.Forsake())
		return
	}
	if u.voted && e.votes != nil {
		e.vote(vote.Event{Kind: vote.Forsake, Subject: u.subject})
	}
}

// vote gives the agent an event, at the gate's time of now: a vote counts from
// when it was read, which was not before it arrived.
func (e *Engine) vote(ev vote.Event) {
	v := e.votes
	v.out.Reset()
	v.agent.Step(vote.Instant(e.opt.Gate.Now()), ev, &v.out)
	for _, p := range v.out.Packets {
		e.push(Outgoing{
			Port: v.port, Kind: Vote, Dst: p.To.Addr(), DstPort: p.To.Port(),
			Data: e.encode(func(b []byte) []byte { return append(b, p.Data...) }),
		}, job{})
	}
	e.mandates = append(e.mandates, v.out.Changed...)
}

// heardVote takes in a datagram of another voter.
func (e *Engine) heardVote(d *Datagram) {
	if e.votes != nil && d.Port == e.votes.port {
		e.vote(vote.Event{Kind: vote.Heard, Src: netip.AddrPortFrom(d.Src, d.SrcPort), Data: d.Data})
	}
}

// poll does what is due in the votes, and tells the sets what came of them.
func (e *Engine) poll(now time.Time) {
	if e.votes == nil {
		return
	}
	if e.votes.agent.Deadline() <= vote.Instant(e.opt.Gate.Now()) {
		e.vote(vote.Event{Kind: vote.Tick})
	}
	for len(e.mandates) > 0 {
		changed := e.mandates
		e.mandates = nil
		for _, s := range changed {
			if u := e.votes.units[s]; u != nil && e.units[u.id] == u {
				until := Instant(e.votes.agent.Until(s))
				u.mandate = max(until, 1)
				e.limit(u)
				e.step(now, u, group.Mandate(now.Add(until.Sub(e.opt.Gate.Now()))))
			}
		}
	}
}

// limit lets no hold of a unit last beyond what a majority has promised, nor
// beyond what its neighbours wait.
func (e *Engine) limit(u *unit) {
	until := u.mandate
	if u.bound != 0 && (until == 0 || u.bound < until) {
		until = u.bound
	}
	for _, r := range u.routers {
		e.store(r, r.keeper.Limit(until))
	}
}

// polled is when poll is due.
func (e *Engine) polled(now time.Time) time.Time {
	if e.votes == nil {
		return time.Time{}
	}
	return now.Add(Instant(e.votes.agent.Deadline()).Sub(e.opt.Gate.Now()))
}
