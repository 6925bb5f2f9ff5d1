package config

import (
	"fmt"
	"strings"
)

// checker holds the checks that need more than one value: of one group, of
// all groups, or of the file and the machine.
type checker struct {
	*report
	raw   *rawConfig
	facts Facts
}

func (c *checker) all() {
	if c.raw.hasGroups != wrong && len(c.raw.groups) == 0 && c.raw.witness == nil {
		c.add(ruleNoGroups, c.raw.groupsAt, "add groups: {NAME: {addresses: […], vrrp: {id: N}}}", "there are no groups: nothing to hold")
	}
	if c.raw.node.from == absent && c.facts.Hostname == "" {
		c.add(ruleMissing, c.raw.node.at, "add node: NAME", "this node has no name: the host name is not known")
	}
	c.inferInterfaces()
	for _, g := range c.raw.groups {
		c.addresses(g)
		c.machine(g)
		c.programs(g)
		c.stepsOf(g)
		if g.vrrp == nil {
			continue
		}
		c.version(g)
		c.timing(g)
		c.owner(g)
		c.peers(g)
		c.auth(g)
		c.bfd(g)
		c.noEffect(g.resetClients.v && !g.vrrp.accept.v, g.resetClients.at, "reset_clients has no effect with accept: false: no service on this machine has clients at the addresses")
	}
	c.bfdOnce()
	c.addressesOnce()
	c.vridsOnce()
	c.references()
	for _, k := range c.raw.checks {
		c.checkProgram(k)
	}
	c.cluster()
	c.elections()
	c.fencing()
	c.services()
	c.balancer()
}

// family names a family as people do.
func family(four bool) string {
	if four {
		return "IPv4"
	}
	return "IPv6"
}

// has tells whether the group has an address of a family.
func (g *rawGroup) has(four bool) bool {
	for _, a := range g.addresses {
		if a.v.Addr().Is4() == four {
			return true
		}
	}
	return false
}

// orList writes words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// article says what a key takes.
func article(k key) string {
	switch k.kind {
	case kInteger:
		return "a number"
	case kDuration:
		return "a duration"
	case kBool:
		return "true or false"
	case kChoice:
		return orList(k.words)
	case kListen:
		return "an address and a port"
	case kAddr:
		return "an address"
	}
	return "a " + string(k.kind)
}

// example shows how a key is written, for hints.
func example(k key) string {
	name := nameOf(k.path)
	switch k.kind {
	case kInteger:
		value, ok := map[string]string{"id": "51", "active": "1", "weight": "50"}[name]
		if !ok {
			value = k.def
		}
		return fmt.Sprintf("for example %s: %s", name, value)
	case kDuration:
		if k.def == "" || k.def == "0s" {
			return fmt.Sprintf("for example %s: 5s", name)
		}
		return fmt.Sprintf("for example %s: %s", name, k.def)
	case kBool:
		return fmt.Sprintf("write %s: true or %s: false", name, name)
	case kPrefixes:
		return fmt.Sprintf("for example %s: [192.0.2.10/24]", name)
	case kAddrs:
		return fmt.Sprintf("for example %s: [192.0.2.2]", name)
	case kNames:
		return fmt.Sprintf("for example %s: [web]", name)
	case kArgv:
		return fmt.Sprintf("for example %s: [/usr/local/bin/promote, --now]", name)
	case kPath:
		if k.def != "" {
			return fmt.Sprintf("for example %s: %s", name, k.def)
		}
	}
	return ""
}
