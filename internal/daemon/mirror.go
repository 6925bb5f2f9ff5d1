package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
	"github.com/holdfast-net/holdfast/internal/balance/mirror/run"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/peer"
)

// newMirror makes what tells other nodes of this one's flows, and hears theirs.
// It does nothing before it runs.
func (d *Daemon) newMirror(node string) *run.Runner {
	return run.New(run.Options{
		Node: node,
		Record: func(group, code, reason string) {
			d.note(api.Event{Kind: "service", Group: group, Code: code, Reason: reason})
		},
		Synced: d.lacking.synced,
		Follow: func(service string, v balance.View) { d.pools.Follow(service, v) },
		Lead:   func(service string) { d.pools.Lead(service) },
	})
}

// runMirror runs it, and gives what ends it: before planes are closed.
func (d *Daemon) runMirror(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.mirror.Run(ctx) }()
	go d.meet(ctx)
	return func() { cancel(); <-done }
}

// mirrored tells the mirror which plane there is.
func (d *Daemon) mirrored(p balance.Plane) {
	m, _ := p.(balance.Mirror) // none where there is no plane
	d.mirror.Plane(m)
}

// applyMirror brings the mirror in line with a configuration.
func (d *Daemon) applyMirror(cfg *config.Config) {
	d.lacking.configure(cfg)
	d.mirror.Configure(mirrorConfig(cfg))
}

// mirrorConfig is what nodes tell each other by a file. Peers are those that the
// file names; the others are heard. Where nodes tell each other nothing, there are
// services still: nobody has flows of theirs that are not here.
func mirrorConfig(cfg *config.Config) run.Config {
	c := run.Config{Port: cfg.Flows.Port, Share: partOf(cfg), Keys: map[mirror.Print][][]byte{}}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		g := groupOf(cfg, s)
		if g == nil {
			continue
		}
		key := mirrorKey(cfg, g, c.Keys)
		hashed := s.Scheduler == balance.Maglev || s.Scheduler == balance.SourceHash
		direct := s.Forward == balance.DSR || s.Forward == balance.Tunnel
		c.Services = append(c.Services, mirror.Service{
			Name: s.Name, Group: g.Name, Key: key, Listen: s.Listen, Flows: s.Forward != balance.Proxy && c.Port != 0,
			// Without a key that they share, nodes have different tables.
			Exceptions: hashed && direct && sharedKey(cfg, s) != nil,
		})
		if c.Port == 0 {
			continue
		}
		for _, a := range slices.Concat(g.VRRP.Peers, cfg.Flows.Peers) {
			c.Peers = addPeer(c.Peers, a, key, c.Port)
		}
		if cfg.Cluster == nil {
			continue
		}
		for _, n := range cfg.Cluster.Nodes {
			if n.Name != cfg.Node {
				c.Peers = addPeer(c.Peers, n.Addr.Addr(), key, c.Port)
			}
		}
	}
	return c
}

// groupOf is the first group of a service; the others move with it.
func groupOf(cfg *config.Config, s *config.Service) *config.Group {
	i := slices.IndexFunc(cfg.Groups, func(g config.Group) bool { return slices.Contains(s.Groups, g.Name) })
	if i < 0 {
		return nil
	}
	return &cfg.Groups[i]
}

// mirrorKey is the key of a group, by its print, which it enters with all of its
// secrets.
func mirrorKey(cfg *config.Config, g *config.Group, keys map[mirror.Print][][]byte) mirror.Print {
	var secrets [][]byte
	if k := clientsKey(cfg, g); k.Signs() {
		secrets = append(secrets, k.Keys[k.ID])
		for id, secret := range k.Keys {
			if id != k.ID {
				secrets = append(secrets, secret)
			}
		}
	}
	key := mirror.Print{}
	if len(secrets) > 0 {
		key = mirror.PrintOf(secrets[0])
	}
	keys[key] = secrets
	return key
}

func addPeer(peers []mirror.Peer, a netip.Addr, key mirror.Print, port uint16) []mirror.Peer {
	p := mirror.Peer{Addr: netip.AddrPortFrom(a, port), Key: key}
	if slices.Contains(peers, p) {
		return peers
	}
	return append(peers, p)
}

// meet keeps the mirror told of the nodes that are heard.
func (d *Daemon) meet(ctx context.Context) {
	const often = time.Second
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		cfg := d.current.Load().cfg
		if len(cfg.Services) == 0 || cfg.Flows.Port == 0 {
			continue
		}
		d.lacking.repeat()
		if s, err := d.engine.Snapshot(ctx); err == nil {
			d.mirror.Peers(heardPeers(cfg, s))
		}
	}
}

// heardPeers adds to the peers that a file names the nodes that are heard in the
// groups of its services. What the engine does not remember any more is
// forgotten: connections that work go on without.
func heardPeers(cfg *config.Config, s *engine.Snapshot) []mirror.Peer {
	c := mirrorConfig(cfg)
	type known struct {
		node string
		key  mirror.Print
	}
	met := map[known]bool{}
	for i := range s.Units {
		u := &s.Units[i]
		for j := range u.View.Routers {
			g := &u.Groups[u.View.Routers[j].Group]
			at := slices.IndexFunc(c.Services, func(s mirror.Service) bool { return s.Group == g.Name })
			if at < 0 || len(g.VRRP.Peers) > 0 {
				continue
			}
			for _, n := range u.Routers[j].Nodes {
				if k := (known{n.Name, c.Services[at].Key}); n.Name != cfg.Node && !met[k] && s.Time.Sub(n.Heard) < forgetPeer {
					met[k] = true
					c.Peers = addPeer(c.Peers, zoned(n, g.Interface), k.key, c.Port)
				}
			}
		}
	}
	return c.Peers
}

// forgetPeer is after how long a node that is not heard is none to connect to.
const forgetPeer = time.Minute

// zoned says on which interface a link-local address is.
func zoned(n peer.Node, iface string) netip.Addr {
	if n.Addr.Is6() && n.Addr.IsLinkLocalUnicast() {
		return n.Addr.WithZone(iface)
	}
	return n.Addr
}

// holders are all who want to know what answers here.
type holders struct {
	engine.Clients
	mirror *run.Runner
}

// Holds is engine.Clients'.
func (h holders) Holds(a netip.Addr, held bool) {
	h.Clients.Holds(a, held)
	h.mirror.Holds(a, held)
}

// describeMirror is what is known of the other nodes, as faces show it.
func describeMirror(r mirror.Report) *api.Mirror {
	m := &api.Mirror{Peers: []api.MirrorPeer{}, Groups: []api.MirrorGroup{}}
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for _, p := range r.Peers {
		m.Peers = append(m.Peers, api.MirrorPeer{
			Node: p.Node, Signed: p.Signed, Told: when(p.Told), Complete: when(p.Complete), Lag: api.Duration(p.Lag), Behind: api.Duration(p.Behind),
			Flows: p.Flows, Refused: p.Refused, Overruns: p.Overruns,
			Heard: when(p.Heard), Holder: p.Holder, HeardLag: api.Duration(p.HeardLag), Taken: p.Installed, Missed: p.Missed,
			Ports: portsText(p.Ports), Clash: p.Clash,
		})
	}
	for _, u := range r.Unreached {
		m.Unreached = append(m.Unreached, api.MirrorUnreached{Address: u.Addr.String(), Why: u.Why})
	}
	for _, g := range r.Groups {
		m.Groups = append(m.Groups, api.MirrorGroup{Group: g.Name, InSync: g.In, Since: g.Since})
	}
	return m
}

// untold warns of nodes that are heard on the LAN and cannot be told of
// connections: clients would find out with the next failover. One that is not
// heard is off, as far as anybody knows.
func untold(st *api.Status) (out []api.Warning) {
	if st.Flows == nil {
		return nil
	}
	for _, u := range st.Flows.Unreached {
		at, err := netip.ParseAddrPort(u.Address)
		if err != nil {
			continue
		}
		name := heardAt(st, at.Addr().WithZone(""))
		if name == "" {
			continue
		}
		out = append(out, api.Warning{Code: mirror.CodePeer, Since: st.Now, Text: fmt.Sprintf(
			"connections do not survive a move to %s: it cannot be told of them: %s; does a firewall between the nodes let TCP port %d pass?", name, u.Why, at.Port())})
	}
	return out
}

// heardAt names the node at an address, if a group hears it now.
func heardAt(st *api.Status, a netip.Addr) string {
	for _, g := range st.Groups {
		for _, p := range g.Peers {
			if p.Address == a.String() && p.State != "gone" {
				return cmp.Or(p.Node, p.Address)
			}
		}
	}
	return ""
}

func portsText(p [2]uint16) string {
	if p[1] == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d", p[0], p[1])
}
