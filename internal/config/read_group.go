package config

func (rd *reader) group(e entry) *rawGroup {
	rd.name(e.key, "group")
	before := len(rd.found)
	o := rd.object(e.value, "groups.NAME", e.key.span)
	g := &rawGroup{name: e.key.text, at: e.key.span}
	g.addresses, g.addressesAt, g.addressesFrom = o.prefixes("addresses")
	g.iface = o.form("interface", ruleName, badInterface)
	g.uses = rd.uses(o)
	g.with = o.names("with")
	g.guard = rd.guard(o)

	run := o.child("run")
	g.run = rawRun{
		active:  rd.argv(run, "active"),
		backup:  rd.argv(run, "backup"),
		fault:   rd.argv(run, "fault"),
		timeout: run.duration("timeout"),
	}
	g.steps, g.ready, g.readyTimeout = rd.steps(o), o.names("ready"), o.duration("ready_timeout")
	g.fence = rd.groupFence(o)
	announce := o.child("announce")
	g.repeat = announce.integer("repeat")
	g.refresh = announce.duration("refresh")
	g.resetClients = o.boolean("reset_clients")

	if o.has("lease") {
		g.lease = rd.lease(o.child("lease"))
	}
	if o.has("vrrp") {
		g.vrrp = rd.vrrp(o.child("vrrp"))
	} else if !o.has("lease") && !o.wrong && !rd.foundSince(before, ruleLater) {
		rd.add(ruleMissing, g.at, "add vrrp: {id: N} with a number from 1 to 255 that is free on this network, or a lease: {} in a cluster with a store",
			"group %s has no election", g.name)
	}
	return g
}

// foundSince tells whether a rule was broken since the report had n entries.
func (rd *reader) foundSince(n int, id rule) bool {
	for _, d := range rd.found[n:] {
		if d.Rule == id {
			return true
		}
	}
	return false
}

// argv reads a command.
func (rd *reader) argv(o object, name string) []val[string] {
	items, _, from := o.list(name)
	var out []val[string]
	for _, n := range items {
		out = append(out, val[string]{n.text, n.span, given})
	}
	if len(out) == 0 || from == wrong {
		return nil
	}
	if problem := badPath(out[0].v); problem != "" {
		rd.add(rulePath, out[0].at, "there is no shell and no search path: write where the program is", "program %q is not valid: %s", cut(out[0].v), problem)
		out[0].from = wrong
	}
	return out
}

// uses reads the checks of a group, in any of the three ways to write them.
func (rd *reader) uses(o object) []rawUse {
	_, n, at := o.key("checks")
	if n == nil || n.kind == nullNode || o.wrong {
		return nil
	}
	if n.kind == mapNode {
		return rd.weighted(n)
	}
	if n.kind == scalarNode {
		o.list("checks") // reports it
		return nil
	}
	var out []rawUse
	for _, item := range n.items {
		switch {
		case item.kind == mapNode:
			out = append(out, rd.weighted(item)...)
		case item.kind == scalarNode && item.text != "":
			out = append(out, rawUse{check: val[string]{item.text, item.span, given}, weight: val[int]{at: item.span}})
		default:
			if item.line == 0 {
				item.span = at
			}
			rd.add(ruleType, item.span, "write the name of a check, or {NAME: {weight: 50}}", "checks has an entry that is %s", kindOrEmpty(item))
		}
	}
	return out
}

// weighted reads checks with weights by name.
func (rd *reader) weighted(n *node) []rawUse {
	var out []rawUse
	for _, e := range rd.entries(n, "groups.NAME.checks") {
		o := rd.object(e.value, "groups.NAME.checks.CHECK", e.key.span)
		out = append(out, rawUse{check: val[string]{e.key.text, e.key.span, given}, weight: o.integer("weight")})
	}
	return out
}

func (rd *reader) vrrp(o object) *rawVRRP {
	v := &rawVRRP{
		at:           o.at,
		id:           o.integer("id"),
		priority:     o.integer("priority"),
		interval:     o.duration("interval"),
		version:      o.integer("version"),
		preempt:      o.boolean("preempt"),
		preemptDelay: o.duration("preempt_delay"),
		startupDelay: o.duration("startup_delay"),
		hops:         o.integer("hops"),
		mac:          o.choice("mac"),
		accept:       o.boolean("accept"),
		checksum:     o.choice("checksum"),
		addressList:  o.choice("address_list"),
	}
	v.peers, v.peersAt, v.peersFrom = o.addrs("peers")
	learn := o.child("learn")
	v.learnMin, v.learnMax = learn.duration("min"), learn.duration("max")
	v.auth = rd.auth(o)
	v.bfd = rd.bfd(o)
	if o.wrong {
		return nil
	}
	if v.id.from == absent {
		rd.add(ruleMissing, o.at, "add id: N, the same on all nodes of the group and used by nothing else on this network", "vrrp has no id")
	}
	return v
}

func (rd *reader) auth(vrrp object) rawAuth {
	o := vrrp.child("auth")
	a := rawAuth{at: o.at}
	if o.wrong {
		a.from = wrong
		return a
	}
	if k, n, at := o.key("pass"); n != nil {
		a.from = given
		a.pass = rd.secret(n, k.path, at)
	}
	if o.has("hmac") {
		a.from = given
		a.hmac = rd.hmac(o.child("hmac"))
	}
	if vrrp.has("auth") && a.from == absent {
		rd.add(ruleMissing, o.at, "auth takes {hmac: {keys: {1: {file: PATH}}}}, or {pass: {file: PATH}} with version 2", "auth has neither hmac nor pass")
		a.from = wrong
	}
	return a
}

func (rd *reader) bfd(vrrp object) *rawBFD {
	if !vrrp.has("bfd") {
		return nil
	}
	o := vrrp.child("bfd")
	b := &rawBFD{at: o.at, interval: o.duration("interval"), multiplier: o.integer("multiplier")}
	if k, n, at := o.key("auth"); n != nil {
		b.auth = rd.secret(n, k.path, at)
	}
	return b
}

func (rd *reader) hmac(o object) *rawHMAC {
	h := &rawHMAC{at: o.at, active: o.integer("active"), mode: o.choice("mode"), window: o.duration("window")}
	_, n, at := o.key("keys")
	entries := rd.entries(n, "groups.NAME.vrrp.auth.hmac.keys")
	if len(entries) == 0 {
		if !o.wrong && (n == nil || n.kind == nullNode || n.kind == mapNode) {
			rd.add(ruleNoKeys, at, "add keys: {1: {file: PATH}}; make a key with: openssl rand -hex 32", "hmac has no keys")
		}
		return h
	}
	path := "groups.NAME.vrrp.auth.hmac.keys.ID"
	rd.used[path] = true
	for _, e := range entries {
		id := val[int]{at: e.key.span, from: wrong}
		// An id in quotes is as good as one without: JSON has no other way.
		plain := node{span: e.key.span, kind: scalarNode, text: e.key.text}
		if v, ok := parseID(plain.text); ok {
			id = val[int]{v, e.key.span, given}
		} else {
			rd.add(ruleRange, e.key.span, "", "the id of a key must be a number from 1 to 255")
		}
		h.keys = append(h.keys, rawKey{id: id, secret: rd.secret(e.value, path, e.key.span)})
	}
	return h
}
