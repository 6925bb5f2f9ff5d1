package config

import (
	"net/netip"
	"path"
	"strings"
)

// votePort is the port of votes where an address has none.
const votePort = 9113

// guard is a word, or a mapping with the address of a gateway.
func (rd *reader) guard(o object) rawGuard {
	_, n, at := o.key("guard")
	if n == nil || n.kind == scalarNode {
		return rawGuard{word: o.choice("guard"), at: at}
	}
	m := o.child("guard")
	g := rawGuard{at: at, gateway: m.address("gateway")}
	if g.gateway.from == absent && !m.wrong {
		rd.add(ruleMissing, at, "write guard: available, guard: guarded or guard: {gateway: 192.0.2.1}", "guard has no gateway")
		g.gateway.from = wrong
	}
	if m.wrong {
		g.gateway.from = wrong
	}
	return g
}

// address reads one address without a length.
func (o object) address(name string) val[netip.Addr] {
	x := o.text(name)
	out := val[netip.Addr]{at: x.at, from: x.from}
	if !x.set() {
		return out
	}
	p, problem, hint := parsePrefix(x.v)
	if problem == "" && strings.Contains(x.v, "/") {
		problem, hint = "a length does not belong here", "write "+p.Addr().String()
	}
	if problem != "" {
		o.rd.add(ruleAddress, x.at, hint, "%q is not an address: %s", cut(x.v), problem)
		out.from = wrong
		return out
	}
	out.v = p.Addr()
	return out
}

// cluster reads who votes.
func (rd *reader) cluster(top object) *rawCluster {
	if !top.has("cluster") {
		return nil
	}
	o := top.child("cluster")
	c := &rawCluster{at: o.at, wrong: o.wrong}
	c.nodes = rd.voters(o, "nodes")
	c.witnesses = rd.voters(o, "witnesses")
	c.store = rd.embedded(o)
	c.storeWrong = c.store == nil && o.has("store")
	c.keys = rd.voteKeys(o, c.store)
	if !o.wrong && len(c.nodes) == 0 && !o.has("nodes") {
		rd.add(ruleMissing, o.at, "add nodes: {lb1: 192.0.2.1, lb2: 192.0.2.2}, with all nodes, this one among them", "cluster has no nodes")
		c.wrong = true
	}
	return c
}

// witness reads what makes this daemon a witness.
func (rd *reader) witness(top object, cl *rawCluster) *rawWitness {
	if !top.has("witness") {
		return nil
	}
	o := top.child("witness")
	var store *rawEmbedded
	if cl != nil {
		store = cl.store
	}
	return &rawWitness{at: o.at, listen: o.form("listen", ruleListen, badListen), keys: rd.voteKeys(o, store)}
}

// voteKeys reads the key that all voters share, and a second one while it is
// being changed. Without a key there are no votes: anybody could cast them.
// With a store, which has certificates, the key is beside them.
func (rd *reader) voteKeys(o object, store *rawEmbedded) []*rawSecret {
	var out []*rawSecret
	for _, name := range []string{"key", "second_key"} {
		k, n, at := o.key(name)
		switch {
		case n != nil:
			out = append(out, rd.secret(n, k.path, at))
		case name == "key" && store != nil:
			out = append(out, rd.keyBeside(store, k.path))
		case name == "key" && !o.wrong:
			rd.add(ruleMissing, o.at, "add key: {file: PATH}, the same on all nodes and witnesses; make one with: openssl rand -hex 32", "%s has no key", nameOf(o.path))
		}
	}
	return out
}

// keyBeside reads the key that was made with the certificates.
func (rd *reader) keyBeside(store *rawEmbedded, what string) *rawSecret {
	s := &rawSecret{at: store.at}
	if !store.certificates.good() {
		return s
	}
	if raw, ok := rd.readSecret(path.Join(store.certificates.v, VoteKey), store.at); ok {
		s.value, s.found = rd.decode(raw, "file", store.at, what)
	}
	return s
}

// VoteKey is the name of the file beside the certificates of a cluster that
// has the key of its votes.
const VoteKey = "votes.key"

// voters reads names with addresses.
func (rd *reader) voters(o object, name string) []rawVoter {
	k, n, _ := o.key(name)
	rd.used[k.path+".NAME"] = true
	var out []rawVoter
	for _, e := range rd.entries(n, k.path) {
		rd.name(e.key, strings.TrimSuffix(strings.TrimSuffix(name, "s"), "e"))
		v := rawVoter{name: e.key.text, at: e.key.span, addr: val[netip.AddrPort]{at: e.value.span, from: wrong}}
		if e.value.line == 0 {
			v.addr.at = e.key.span
		}
		switch addr, ok := voterAddr(e.value.text); {
		case e.value.kind != scalarNode:
			rd.add(ruleType, v.addr.at, "for example lb1: 192.0.2.1", "%s must be an address, not %s", cut(v.name), e.value.kind)
		case !ok:
			rd.add(ruleAddress, v.addr.at, "write an IP address, with a port where it is not 9113: 192.0.2.9, 192.0.2.9:9200, \"[2001:db8::9]:9200\"",
				"%q is not an address", cut(e.value.text))
		default:
			v.addr.v, v.addr.from = addr, given
		}
		out = append(out, v)
	}
	return out
}

func voterAddr(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.AddrPortFrom(a.Unmap(), votePort), true
	}
	ap, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), err == nil && ap.Port() != 0 && ap.Addr().Zone() == ""
}
