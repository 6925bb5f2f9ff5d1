package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
)

// references checks what groups say about each other and about checks.
func (c *checker) references() {
	groups, checks := names{}, names{}
	for _, g := range c.raw.groups {
		groups[g.name] = true
	}
	for _, k := range c.raw.checks {
		checks[k.name] = true
	}
	used := names{}
	for _, g := range c.raw.groups {
		c.with(g, groups)
		c.readyChecks(g, checks, used)
		seen := names{}
		for _, u := range g.uses {
			name := u.check.v
			used[name] = true
			switch {
			case !checks[name]:
				c.add(ruleCheckUnknown, u.check.at, c.nameHint(name, checks, "add it at the top level: checks: {NAME: {link: eth1}}"), "there is no check %q", cut(name))
			case seen[name]:
				c.add(ruleCheckTwice, u.check.at, "remove one of them", "group %s already uses check %s", g.name, name)
			}
			seen[name] = true
		}
	}
	for _, k := range c.raw.checks {
		for _, m := range k.members {
			used[m.v] = true
			if m.set() && !checks[m.v] {
				c.add(ruleCheckUnknown, m.at, c.nameHint(m.v, checks, "add it at the top level: checks: {NAME: {link: eth1}}"), "there is no check %q", cut(m.v))
			}
		}
	}
	c.serviceChecks(checks, used)
	c.deaf()
	c.circles()
	for _, k := range c.raw.checks {
		if !used[k.name] && k.word != "" {
			c.add(ruleCheckUnused, k.at, "add it to the checks of a group or service, or remove it", "nobody uses check %q", cut(k.name))
		}
		if _, ok := c.link(k.link.v); k.link.set() && !strings.ContainsAny(k.link.v, "*?[") && c.facts.Links != nil && !ok {
			c.add(ruleCheckLink, k.link.at, c.linkHint(k.link.v), "there is no interface %s now; the check fails until there is", k.link.v)
		}
	}
}

// deaf finds checks of nodes that say nothing which this node would hear: nodes
// say hello in groups of VRRP, and greet the voters of their cluster. A lease
// alone tells of its holder only.
func (c *checker) deaf() {
	if slices.ContainsFunc(c.raw.groups, func(g *rawGroup) bool { return g.lease == nil }) || c.raw.cluster != nil && c.raw.cluster.wrong {
		return
	}
	for _, k := range c.raw.checks {
		p, is := k.kind.(check.Peer)
		if !is || p.Node == "" || c.raw.cluster.has(p.Node) {
			continue
		}
		c.add(ruleCheckDeaf, k.wordAt, "name a node or witness of cluster:, or look at something of "+cut(p.Node)+" itself: {ping: ADDRESS}",
			"check %s waits for %s, of which this node never hears: all groups here have leases, and no cluster names it", k.name, cut(p.Node))
	}
}

// circles finds checks that are made of themselves.
func (c *checker) circles() {
	byName := map[string]*rawCheck{}
	for _, k := range c.raw.checks {
		byName[k.name] = k
	}
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(k *rawCheck)
	visit = func(k *rawCheck) {
		state[k.name] = open
		for _, m := range k.members {
			next := byName[m.v]
			switch {
			case next == nil:
			case state[m.v] == open:
				c.add(ruleCheckCircle, m.at, "take one of them out", "check %s is made of %s, which is made of it", k.name, m.v)
			case state[m.v] == 0:
				visit(next)
			}
		}
		state[k.name] = done
	}
	for _, k := range c.raw.checks {
		if state[k.name] == 0 {
			visit(k)
		}
	}
}

// with checks the groups that a group moves with.
func (c *checker) with(g *rawGroup, groups names) {
	seen := names{}
	for _, w := range g.with {
		switch {
		case w.v == g.name:
			c.add(ruleWithSelf, w.at, "name the other groups only", "group %s cannot move with itself", g.name)
		case seen[w.v]:
			c.add(ruleWithSelf, w.at, "remove one of them", "%s is already in with", w.v)
		case !groups[w.v]:
			c.add(ruleWith, w.at, c.nameHint(w.v, groups, ""), "there is no group %q", cut(w.v))
		}
		seen[w.v] = true
	}
}

// names is a set of names that exist.
type names map[string]bool

// nameHint says which existing name was probably meant by one that does not
// exist.
func (c *checker) nameHint(name string, known names, otherwise string) string {
	if c.full() {
		return ""
	}
	if near := nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}
