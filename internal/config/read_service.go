package config

import (
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

type rawService struct {
	name        string
	at          span
	listen      []val[balance.Endpoint]
	scheduler   val[string]
	forward     val[string]
	why         string // of forward: auto
	tunnel      val[string]
	translate   []val[netip.Addr]
	translateAt span
	backends    []rawBackend
	backendsAt  span // of the list; zero where there is none
	checks      []val[string]
	affinity    val[time.Duration]
	sources     [2]val[int]
	sourcesAt   span
	sourced     bool // sources is in the file
	tableSize   val[int]
	onDown      val[string]
	onRemoved   val[string]
	slowStart   val[time.Duration]
	panic       val[int]
	maxFlows    val[int]
	perSecond   val[int]
	allow       []val[netip.Prefix]
	timeouts    balance.Timeouts
	proxying    balance.Proxying
	proxyAt     span
	proxied     bool // proxy is in the file
	written     []setting
}

type rawBackend struct {
	at       span
	address  val[netip.AddrPort]
	weight   val[int]
	backup   val[bool]
	sorry    val[bool]
	maxFlows val[int]
}

// services reads the services.
func (rd *reader) services(top object) []*rawService {
	_, n, _ := top.key("services")
	var out []*rawService
	for _, e := range rd.entries(n, "services") {
		rd.name(e.key, "service")
		out = append(out, rd.service(e))
	}
	rd.used[servicePath] = true
	return out
}

func (rd *reader) service(e entry) *rawService {
	o := rd.object(e.value, servicePath, e.key.span)
	s := &rawService{
		name: e.key.text, at: e.key.span, listen: rd.listens(o),
		scheduler: o.choice("scheduler"), forward: o.choice("forward"), tunnel: o.choice("tunnel"),
		checks: o.names("checks"), affinity: o.duration("affinity"), tableSize: o.integer("table_size"),
		onDown: o.choice("on_down"), onRemoved: o.choice("on_removed"), slowStart: o.duration("slow_start"),
		panic: o.integer("panic"), maxFlows: o.integer("max_flows"), perSecond: o.integer("new_per_second"),
		sourced: o.has("sources"), proxied: o.has("proxy"), written: written("services."+e.key.text, e.value, nil),
	}
	s.translate, s.translateAt, _ = o.addrs("translate")
	s.allow, _, _ = o.prefixes("allow")
	s.backends, s.backendsAt = rd.backends(o)
	sources := o.child("sources")
	s.sourcesAt = sources.at
	s.sources = [2]val[int]{sources.integer("ipv4"), sources.integer("ipv6")}
	t := o.child("timeouts")
	s.timeouts = balance.Timeouts{
		HalfOpen: t.duration("half_open").v, Established: t.duration("established").v, Closing: t.duration("closing").v,
		Closed: t.duration("closed").v, UDP: t.duration("udp").v, UDPAssured: t.duration("udp_assured").v,
	}
	p := o.child("proxy")
	s.proxyAt = p.at
	s.proxying = balance.Proxying{
		Connect: p.duration("connect").v, Retries: uint8(p.integer("retries").v), Header: proxyHeaders[p.choice("protocol").v],
		Queue: p.duration("queue").v, MaxQueue: uint32(p.integer("max_queue").v),
	}
	return s
}

// listens reads one endpoint, or a list of them.
func (rd *reader) listens(o object) []val[balance.Endpoint] {
	_, n, at := o.key("listen")
	if n == nil || o.wrong {
		rd.needed(o, absent, "listen")
		return nil
	}
	items := []*node{n}
	if n.kind == listNode {
		items = n.items
	}
	const form = "write an address, a port and tcp or udp: 192.0.2.10:443/tcp, or \"[2001:db8::10]:443/tcp\""
	if len(items) == 0 {
		rd.add(ruleMissing, at, form, "listen is empty")
	}
	var out []val[balance.Endpoint]
	for _, item := range items {
		if item.line == 0 {
			item.span = at
		}
		if item.kind != scalarNode {
			rd.add(ruleType, item.span, form, "listen must be an address, or a list of them; one of them is %s", item.kind)
			continue
		}
		end, hint := parseEndpoint(item.text)
		if hint != "" {
			rd.add(ruleServiceListen, item.span, hint, "%q is nothing to listen on", cut(item.text))
			continue
		}
		out = append(out, val[balance.Endpoint]{end, item.span, given})
	}
	return out
}

// parseEndpoint reads "192.0.2.10:443/tcp", or says what is wanted.
func parseEndpoint(text string) (balance.Endpoint, string) {
	where, proto, ok := strings.Cut(text, "/")
	if !ok {
		return balance.Endpoint{}, "add the protocol: " + cut(text) + "/tcp or " + cut(text) + "/udp"
	}
	protos := map[string]balance.Proto{"tcp": balance.TCP, "udp": balance.UDP}
	if protos[proto] == 0 {
		return balance.Endpoint{}, "the protocol must be tcp or udp"
	}
	addr, hint := parseAddrPort(where)
	return balance.Endpoint{AddrPort: addr, Proto: protos[proto]}, hint
}

// parseAddrPort reads an address and a port, without names and zones.
func parseAddrPort(text string) (netip.AddrPort, string) {
	addr, err := netip.ParseAddrPort(text)
	switch {
	case err != nil && strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "["):
		return addr, "put an IPv6 address in brackets: \"[2001:db8::10]:443\""
	case err != nil:
		return addr, "write an IP address and a port: 192.0.2.10:443"
	case addr.Port() == 0:
		return addr, "the port must be a number from 1 to 65535"
	case addr.Addr().Zone() != "" || addr.Addr().Is4In6():
		return addr, "write the address without a zone, and an IPv4 address as such"
	}
	return addr, ""
}

// backends reads the list of backends.
func (rd *reader) backends(o object) ([]rawBackend, span) {
	_, n, at := o.key("backends")
	if n == nil || o.wrong {
		rd.needed(o, absent, "backends")
		return nil, span{}
	}
	const form = "write each in braces, with its address: [{address: \"10.0.0.11:443\", weight: 10}]"
	if n.kind != listNode {
		rd.add(ruleType, at, form, "backends must be a list of mappings, not %s", n.kind)
		return nil, span{}
	}
	var out []rawBackend
	for _, item := range n.items {
		if item.line == 0 {
			item.span = at
		}
		if item.kind != mapNode {
			rd.add(ruleType, item.span, form, "backends has an entry that is %s", item.kind)
			continue
		}
		b := rd.object(item, backendPath, item.span)
		x := rawBackend{at: item.span, weight: b.integer("weight"), backup: b.boolean("backup"), sorry: b.boolean("sorry"), maxFlows: b.integer("max_flows")}
		text := b.text("address")
		rd.needed(b, text.from, "address")
		x.address = val[netip.AddrPort]{at: text.at, from: text.from}
		if text.set() {
			var hint string
			if x.address.v, hint = parseAddrPort(text.v); hint != "" {
				rd.add(ruleBackend, text.at, hint, "%q is no address of a backend", cut(text.v))
				x.address.from = wrong
			}
		}
		out = append(out, x)
	}
	return out, at
}
