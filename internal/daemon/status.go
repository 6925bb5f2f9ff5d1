package daemon

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// describe turns a snapshot into the document that all faces show. drops is
// what the gate has dropped of a slot.
func describe(s *engine.Snapshot, drops func(engine.Slot) gate.Counters) *api.Status {
	st := &api.Status{
		Schema: api.SchemaStatus, Node: s.Node, Now: s.Time,
		Maintenance: s.Maintenance, Stopping: s.Stopping,
		Lateness: api.Lateness{
			Count: s.Lateness.Count, P50: api.Duration(s.Lateness.P50), P99: api.Duration(s.Lateness.P99),
			P999: api.Duration(s.Lateness.P999), Max: api.Duration(s.Lateness.Max),
		},
		Voters: describeVoters(s.Time, s.Voters), Fencing: fencing(s.Fencing), Groups: []api.Group{}, Warnings: []api.Warning{}, Links: []api.Link{},
	}
	for i := range s.Units {
		for g := range s.Units[i].Groups {
			st.Groups = append(st.Groups, describeGroup(s, &s.Units[i], g, drops))
		}
	}
	slices.SortFunc(st.Groups, func(a, b api.Group) int { return cmp.Compare(a.Name, b.Name) })
	for _, l := range s.Links {
		st.Links = append(st.Links, api.Link{Name: l.Name, Up: l.Up, Why: l.Why})
	}
	slices.SortFunc(st.Links, func(a, b api.Link) int { return cmp.Compare(a.Name, b.Name) })
	return st
}

func describeGroup(s *engine.Snapshot, u *engine.UnitView, gi int, drops func(engine.Slot) gate.Counters) api.Group {
	cfg := u.Groups[gi]
	g := api.Group{
		Name: cfg.Name, State: u.State.String(), Leaving: u.Leaving || u.Demoting, Since: u.Since, Reason: u.Reason,
		Interface: cfg.Interface, With: cfg.With, BasePriority: cfg.VRRP.Priority,
		Preempt: cfg.VRRP.Preempt && !u.Suspended, Transitions: u.Transitions,
		Guard: describeGuard(u, cfg.Guard), Lease: describeLease(u, cfg.Lease), Conflict: describeDispute(u),
		Conflicts: api.Disputes{Count: u.Conflicts, Time: milliseconds(u.Conflicted)},
		Lapses:    api.Lapses{Count: u.Lapses.Count, Last: u.Lapses.Last, Late: milliseconds(u.Lapses.Late)},
		Routers:   []api.Router{}, Checks: []api.Check{}, Peers: []api.Peer{},
	}
	for _, a := range cfg.Addresses {
		g.Addresses = append(g.Addresses, a.String())
	}
	for i := range u.View.Routers {
		if r := &u.View.Routers[i]; r.Group == gi {
			g.Priority = r.Priority
			k := &u.Routers[i]
			out := describeRouter(r, k)
			out.Hold = describeHold(u.At, k)
			if k.Prepared {
				out.GateDrops = gateDrops(drops(k.Slot))
			}
			g.Routers = append(g.Routers, out)
			g.Peers = append(g.Peers, describePeers(s.Time, r, u.Routers[i].Nodes)...)
			if g.Holder == "" && r.ActiveHeard {
				g.Holder = nodeName(r.Active.Addr, u.Routers[i].Nodes)
			}
		}
	}
	for _, l := range u.Lacks {
		g.Lacks = append(g.Lacks, api.Lack{What: l.What, For: l.For.String(), Until: l.Until, Why: l.Why})
	}
	if v, ok := u.Steps[cfg.Name]; ok {
		g.Steps = &api.Steps{State: v.Phase, Step: v.Step, Why: v.Why, Done: v.Begun, Of: v.Steps, Epoch: v.Epoch}
	}
	if l := g.Lease; l != nil {
		g.Preempt = cfg.Lease.Preempt
		if !l.Over {
			g.Holder = l.Holder
		}
	}
	if u.State == group.Active {
		g.Holder, g.HolderIsMe = s.Node, true
	}
	for _, use := range cfg.Checks {
		why, down := u.Down[use.Check]
		g.Checks = append(g.Checks, api.Check{
			Name: use.Check, Up: !down && !u.Awaited[use.Check], State: check.Pending.String(), Weight: use.Weight, Detail: why,
		})
	}
	return g
}

func nodeName(a netip.Addr, nodes []peer.Node) string {
	for _, n := range nodes {
		if n.Addr == a {
			return n.Name
		}
	}
	return a.String()
}

func describeRouter(r *group.RouterView, k *engine.RouterView) api.Router {
	out := api.Router{
		Family: familyName(r.Config.Family), VRID: r.Config.VRID, Version: r.Config.Version,
		State: r.State.String(), MAC: net.HardwareAddr(k.MAC[:]).String(), VirtualMAC: k.Virtual, MACReason: k.Why,
		Interval: api.Duration(r.Config.Interval), ActiveInterval: api.Duration(r.Interval),
		DownInterval: api.Duration(r.DownInterval), Counters: counters(r.Counters), GateDrops: map[string]uint64{},
	}
	for _, a := range k.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	if k.Source.IsValid() {
		out.Source = k.Source.String()
	}
	if r.ActiveHeard {
		out.Active = r.Active.Addr.String()
	}
	return out
}

func familyName(f vrrp.Family) string { return strings.ToLower(f.String()) }

func counters(c vrrp.Counters) map[string]uint64 {
	m := map[string]uint64{
		"sent": c.Sent, "received": c.Received,
		"priority_zero_sent": c.PriorityZeroSent, "priority_zero_received": c.PriorityZeroReceived,
		"became_active":    c.BecameActive,
		"checksum_rfc5798": c.ChecksumRFC5798, "checksum_rfc9568": c.ChecksumRFC9568,
	}
	for d, n := range c.Dropped {
		if n > 0 {
			m["dropped_"+key(vrrp.Drop(d).String())] = n
		}
	}
	return m
}

// key makes a word for programs of a clause for people: "bad checksum" is
// bad_checksum.
func key(clause string) string {
	return strings.Join(strings.FieldsFunc(clause, func(r rune) bool {
		return r < 'a' || r > 'z'
	}), "_")
}

// unheard is how many hellos in a row a peer may not name this node in: it may
// just have started, and one of ours may have been lost.
const unheard = 3

// describePeers joins who was heard in adverts with who said hello.
func describePeers(now time.Time, r *group.RouterView, nodes []peer.Node) []api.Peer {
	var out []api.Peer
	hello := map[netip.Addr]bool{}
	for _, n := range nodes {
		hello[n.Addr] = true
		p := api.Peer{
			Node: n.Name, Address: n.Addr.String(), Family: familyName(r.Config.Family),
			State: group.State(n.State).String(), Priority: n.Priority, LastSeen: n.Heard, Holdfast: true,
			Deaf: n.Unheard >= unheard,
		}
		switch {
		case now.Sub(n.Heard) > peer.Expiry:
			p.State = "gone"
		case p.State == "active" && stopped(now, n, r.Peers):
			p.State = "silent"
		}
		out = append(out, p)
	}
	for _, v := range r.Peers {
		if hello[v.Addr] {
			continue
		}
		out = append(out, api.Peer{
			Address: v.Addr.String(), Family: familyName(r.Config.Family), State: advertState(now, v),
			Priority: v.Priority, LastSeen: v.LastHeard,
		})
	}
	return out
}

// stopped reports whether a node that said it was active has stopped to send
// adverts since. Hellos are rarer than adverts: right after a takeover the word
// of the node that was lost is still there, and would read as two holders.
func stopped(now time.Time, n peer.Node, adverts []vrrp.Peer) bool {
	i := slices.IndexFunc(adverts, func(v vrrp.Peer) bool { return v.Addr == n.Addr })
	return i >= 0 && advertState(now, adverts[i]) == "silent" && n.Heard.Sub(adverts[i].LastHeard) <= 3*adverts[i].Interval
}

// advertState is what adverts alone tell: only an active node sends them.
func advertState(now time.Time, p vrrp.Peer) string {
	switch {
	case p.Priority == 0:
		return "left"
	case now.Sub(p.LastHeard) <= 3*p.Interval:
		return "active"
	}
	return "silent"
}

// describeConfig says which file is in force.
func describeConfig(c *config.Config, loaded time.Time, last string) api.Config {
	return api.Config{Path: c.Path, Hash: c.Hash, LoadedAt: loaded, LastReload: last}
}
