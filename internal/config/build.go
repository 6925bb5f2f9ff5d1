package config

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/vrrp"
)

// build makes the clean values of raw ones that were found to be good.
func build(raw *rawConfig, f Facts) *Config {
	c := &Config{
		Node:     raw.node.v,
		State:    raw.state.v,
		Control:  Control{Socket: raw.socket.v, Group: raw.readers.v},
		HTTP:     HTTP{Listen: raw.listen.v},
		Realtime: Realtime{Mode: realtimeMode(raw.realtime.v), Priority: raw.rtPrio.v},
		Guardian: guardianModes[raw.guardian.v],
	}
	c.Watchdog, c.Fence, c.Flows = raw.watchdog.build(), raw.fence.build(), raw.flows.build()
	c.Balancer = raw.balancer.build()
	c.Cluster, c.Witness = raw.cluster.build(), raw.witness.build()
	if c.Node == "" {
		c.Node = f.Hostname
	}
	c.Services, c.Checks = raw.buildServices()
	for _, k := range raw.checks {
		if k.perBackend() {
			continue // run for each backend, under another name
		}
		c.Checks = append(c.Checks, Check{Spec: check.Spec{Name: k.name, Kind: k.kind, Settings: k.settings}, written: k.written})
	}
	slices.SortFunc(c.Checks, func(a, b Check) int { return cmp.Compare(a.Name, b.Name) })

	together := closure(raw.groups)
	for _, g := range raw.groups {
		c.Groups = append(c.Groups, g.build(together[g.name], raw.guardOf(g)))
	}
	slices.SortFunc(c.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	c.Hash = hash(c)
	return c
}

func (g *rawGroup) build(with []string, guard Guard) Group {
	out := Group{
		Name:      g.name,
		Interface: g.iface.v,
		Lease:     g.lease.build(),
		With:      with,
		Guard:     guard,
		Fence:     GroupFence{Watchdog: g.fence.watchdog.v, Agents: g.fence.agents.v},
		Run: Run{
			Active:  values(g.run.active),
			Backup:  values(g.run.backup),
			Fault:   values(g.run.fault),
			Timeout: g.run.timeout.v,
		},
		Announce: Announce{Repeat: g.repeat.v, Refresh: g.refresh.v},

		ResetClients: g.resetClients.v,
	}
	if g.vrrp != nil {
		out.VRRP = g.vrrp.build()
	}
	for _, a := range g.addresses {
		out.Addresses = append(out.Addresses, a.v)
	}
	for _, s := range g.steps {
		out.Steps = append(out.Steps, s.build())
	}
	if len(g.ready) > 0 {
		out.Ready, out.ReadyTimeout = values(g.ready), g.readyTimeout.v
	}
	for _, u := range g.uses {
		out.Checks = append(out.Checks, Use{Check: u.check.v, Weight: u.weight.v})
	}
	return out
}

func (v *rawVRRP) build() VRRP {
	out := VRRP{
		ID:           uint8(v.id.v),
		Priority:     uint8(v.priority.v),
		Interval:     v.interval.v,
		Version:      uint8(v.version.v),
		Preempt:      v.preempt.v,
		PreemptDelay: v.preemptDelay.v,
		StartupDelay: v.startupDelay.v,
		Hops:         uint8(v.hops.v),
		MAC:          macMode(v.mac.v),
		Accept:       v.accept.v,
		Checksum:     checksumMode(v.checksum.v),
		StrictList:   v.addressList.v == "strict",
		LearnMin:     v.learnMin.v,
		LearnMax:     v.learnMax.v,
		Auth:         v.auth.build(),
		BFD:          v.bfd.build(),
	}
	for _, p := range v.peers {
		out.Peers = append(out.Peers, netip.Addr(p.v))
	}
	return out
}

func (a rawAuth) build() Auth {
	var out Auth
	if a.pass != nil {
		out.Pass = a.pass.value
	}
	if h := a.hmac; h != nil {
		out.HMAC = &HMAC{Keys: map[uint8]Secret{}, Active: uint8(h.active.v), Mode: hmacMode(h.mode.v), Window: h.window.v}
		for _, k := range h.keys {
			out.HMAC.Keys[uint8(k.id.v)] = k.secret.value
			if h.active.from == absent { // there is one key
				out.HMAC.Active = uint8(k.id.v)
			}
		}
	}
	return out
}

func (b *rawBFD) build() *BFD {
	if b == nil {
		return nil
	}
	out := &BFD{Interval: b.interval.v, Multiplier: uint8(b.multiplier.v)}
	if b.auth != nil {
		out.Key = b.auth.value
	}
	return out
}

func values(in []val[string]) []string {
	var out []string
	for _, x := range in {
		out = append(out, x.v)
	}
	return out
}

// closure finds which groups move together: with is symmetric and goes on
// from group to group. Each list is sorted and leaves the group itself out.
func closure(groups []*rawGroup) map[string][]string {
	leader := map[string]string{}
	var find func(string) string
	find = func(name string) string {
		up, ok := leader[name]
		if !ok || up == name {
			return name
		}
		top := find(up)
		leader[name] = top
		return top
	}
	for _, g := range groups {
		for _, w := range g.with {
			leader[find(g.name)] = find(w.v)
		}
	}
	members := map[string][]string{}
	for _, g := range groups {
		top := find(g.name)
		members[top] = append(members[top], g.name)
	}
	out := map[string][]string{}
	for _, m := range members {
		slices.Sort(m)
		for i, name := range m {
			if len(m) > 1 {
				out[name] = slices.Concat(m[:i], m[i+1:])
			}
		}
	}
	return out
}

// The words of the file and the values they stand for.

var guardianModes = map[string]GuardianMode{"auto": GuardianAuto, "release": GuardianRelease, "off": GuardianOff}

func realtimeMode(s string) RealtimeMode {
	return map[string]RealtimeMode{"auto": RealtimeAuto, "off": RealtimeOff}[s]
}

func macMode(s string) MACMode {
	return map[string]MACMode{"auto": MACAuto, "virtual": MACVirtual, "physical": MACPhysical}[s]
}

func checksumMode(s string) vrrp.ChecksumMode {
	return map[string]vrrp.ChecksumMode{"auto": vrrp.ChecksumAuto, "rfc5798": vrrp.ChecksumRFC5798, "rfc9568": vrrp.ChecksumRFC9568}[s]
}

func hmacMode(s string) vrrp.HMACMode {
	return map[string]vrrp.HMACMode{"enforce": vrrp.Enforce, "permissive": vrrp.Permissive, "receive-only": vrrp.ReceiveOnly}[s]
}

// sortedIDs lists the ids of the keys.
func (h *HMAC) sortedIDs() []uint8 { return slices.Sorted(maps.Keys(h.Keys)) }
