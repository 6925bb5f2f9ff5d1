package config

import "strconv"

// config reads the whole file.
func (rd *reader) config(root *node) *rawConfig {
	top := rd.object(root, "", span{line: 1, col: 1, len: 1})
	c := &rawConfig{
		node:  top.form("node", ruleName, badNode),
		state: top.form("state", rulePath, badPath),
	}
	control := top.child("control")
	c.socket = control.form("socket", rulePath, badSocket)
	c.readers = control.form("group", ruleName, badUnixGroup)
	c.listen = top.child("http").form("listen", ruleListen, badListen)
	c.realtime, c.rtPrio = rd.realtime(top)
	c.guardian = top.choice("guardian")

	c.cluster = rd.cluster(top)
	c.witness = rd.witness(top, c.cluster)
	c.watchdog, c.fence = rd.watchdog(top), rd.fence(top)
	c.flows, c.balancer = rd.flows(top), rd.balancer(top)

	_, checks, _ := top.key("checks")
	for _, e := range rd.entries(checks, "checks") {
		c.checks = append(c.checks, rd.check(e))
	}
	c.services = rd.services(top)
	_, groups, at := top.key("groups")
	c.groupsAt = at
	if groups != nil && groups.kind != mapNode && groups.kind != nullNode || top.wrong {
		c.hasGroups = wrong
	}
	for _, e := range rd.entries(groups, "groups") {
		c.groups = append(c.groups, rd.group(e))
	}
	return c
}

// realtime is a word, or a mapping of the same word and a priority.
func (rd *reader) realtime(top object) (val[string], val[int]) {
	_, n, at := top.key("realtime")
	if n != nil && n.kind == scalarNode {
		prio, _ := strconv.Atoi(rd.index.keys["realtime.priority"].def)
		return top.choice("realtime"), val[int]{v: prio, at: at}
	}
	o := top.child("realtime")
	return o.choice("mode"), o.integer("priority")
}

// name reports the key of a group or check that cannot be a name.
func (rd *reader) name(n *node, what string) {
	if hint := badName(n.text); hint != "" {
		rd.add(ruleName, n.span, hint, "%q cannot be the name of a %s", cut(n.text), what)
	}
}

// form reads a text that must have a certain form.
func (o object) form(name string, id rule, bad func(string) string) val[string] {
	x := o.text(name)
	if !x.set() {
		return x
	}
	if problem := bad(x.v); problem != "" {
		o.rd.add(id, x.at, problem, "%s %q is not valid", nameOf(join(o.path, name)), cut(x.v))
		x.from = wrong
	}
	return x
}
