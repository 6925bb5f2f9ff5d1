package config

import (
	"net"
	"strings"
)

// lease reads an election by a lease.
func (rd *reader) lease(o object) *rawLease {
	l := &rawLease{
		at:           o.at,
		ttl:          o.duration("ttl"),
		priority:     o.integer("priority"),
		preempt:      o.boolean("preempt"),
		preemptDelay: o.duration("preempt_delay"),
		stickiness:   o.integer("stickiness"),
		failures:     o.integer("failures"),
		barred:       o.duration("barred"),
		store:        o.choice("store"),
		endpoints:    rd.endpoints(o),
		user:         o.text("user"),
		prefix:       o.form("prefix", ruleLeaseStore, badPrefix),
	}
	for _, n := range o.items("failback") {
		w, ok := parseWindow(n.text)
		if !ok {
			rd.add(ruleWindow, n.span, "for example failback: [\"02:00-04:00\"] or [\"Sat,Sun 00:00-24:00\", \"Mon-Fri 22:00-06:00\"]", "%q is not a time of the day", cut(n.text))
		}
		l.failback = append(l.failback, rawWindow{n.span, w})
	}
	if k, n, at := o.key("password"); n != nil {
		l.password = rd.secret(n, k.path, at)
	}
	if o.has("tls") {
		t := o.child("tls")
		l.tls = &rawTLS{t.at, t.form("ca", rulePath, badPath), t.form("cert", rulePath, badPath), t.form("key", rulePath, badPath)}
	}
	if o.wrong {
		return nil
	}
	return l
}

// items are the single values of a list.
func (o object) items(name string) []*node {
	items, _, from := o.list(name)
	if from == wrong {
		return nil
	}
	return items
}

// endpoints reads where an etcd listens.
func (rd *reader) endpoints(o object) []val[string] {
	var out []val[string]
	for _, n := range o.items("endpoints") {
		x := val[string]{n.text, n.span, given}
		if hint := badEndpoint(n.text); hint != "" {
			rd.add(ruleLeaseStore, n.span, hint, "%q is not an endpoint of etcd", cut(n.text))
			x.from = wrong
		}
		out = append(out, x)
	}
	return out
}

func badEndpoint(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		rest = s
	} else if scheme != "http" && scheme != "https" {
		return "write https://HOST:PORT"
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil || host == "" || port == "" || strings.ContainsAny(rest, "/ ") {
		return "write the host and the port: https://192.0.2.21:2379"
	}
	return ""
}

func badPrefix(s string) string {
	if !printableASCII([]byte(s)) {
		return "use letters, digits and slashes: /holdfast/"
	}
	return ""
}

// embedded reads the store that a cluster makes up; nil: none.
func (rd *reader) embedded(o object) *rawEmbedded {
	word, dir, beat := o.choice("store"), o.form("certificates", rulePath, badPath), o.duration("heartbeat")
	if word.from == given {
		return &rawEmbedded{at: word.at, certificates: dir, heartbeat: beat}
	}
	for _, name := range []string{"certificates", "heartbeat"} {
		if o.has(name) && word.from == absent && !o.wrong {
			rd.add(ruleNoEffect, o.keys[name], "add store: embedded, or remove it", "%s has no effect in a cluster without a store", name)
		}
	}
	return nil
}
