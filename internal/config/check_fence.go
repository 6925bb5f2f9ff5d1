package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// fencing checks who can be cut off, by what, and whether the groups that ask
// for it can have it.
func (c *checker) fencing() {
	if f := c.raw.fence; f != nil {
		c.fenceDevices(f)
	}
	for _, g := range c.raw.groups {
		c.groupFence(g)
	}
	if w := c.raw.watchdog; w.pretimeout.good() && w.timeout.good() && w.pretimeout.v >= w.timeout.v {
		c.add(ruleWatchdog, w.pretimeout.at, "", "pretimeout must be shorter than timeout (%s)", duration(w.timeout.v))
	}
}

func (c *checker) fenceDevices(f *rawFence) {
	known, used := names{}, names{}
	for _, d := range f.devices {
		known[d.name] = true
	}
	for _, n := range f.nodes {
		if n.name == c.node() {
			c.add(ruleFenceSelf, n.at, "it is for the files of the other nodes; this one leaves it alone", "%s is this node, which does not fence itself by agents", n.name)
		}
		for _, level := range n.levels {
			for _, d := range level {
				used[d.v] = true
				if !known[d.v] {
					c.add(ruleFenceDevice, d.at, c.nameHint(d.v, known, "add it to fence: devices"), "there is no fence device %q", cut(d.v))
				}
			}
		}
	}
	for i := range f.devices {
		d := &f.devices[i]
		if !used[d.name] {
			c.add(ruleFenceUnused, d.at, "name it in the levels of a node, or remove it", "fence device %s is used for no node", d.name)
		}
		if c.facts.FenceAgent == nil || !d.agent.set() {
			continue
		}
		for _, problem := range c.facts.FenceAgent(d.build()) {
			c.add(ruleFenceAgent, d.at, "", "fence device %s: %v", d.name, problem)
		}
	}
}

// groupFence checks what one group asks for.
func (c *checker) groupFence(g *rawGroup) {
	f := g.fence
	if f.agents.v && (c.raw.fence == nil || len(c.raw.fence.nodes) == 0) {
		c.add(ruleFenceNodes, f.at, "add fence: {nodes: {NAME: {levels: [[DEVICE]]}}, devices: {DEVICE: {agent: fence_ipmilan, …}}} at the top level",
			"group %s asks for fencing, and there is no node that could be fenced", g.name)
	}
	if v := g.vrrp; f.agents.v && g.lease == nil && (v == nil || v.auth.hmac == nil) {
		// Who leaves in order is not fenced, and anybody could say so in the
		// name of a node that is lost.
		c.add(ruleFenceUnsigned, f.at, "add vrrp: {auth: {hmac: {keys: {1: {file: PATH}}}}} on all nodes, or use a lease",
			"group %s asks for fencing, and anybody could say in another node's name that it need not be fenced", g.name)
	}
	if f.agents.v && c.raw.fence != nil && c.raw.cluster != nil {
		var missing []string
		for _, v := range c.raw.cluster.nodes {
			if v.name != c.node() && !slices.ContainsFunc(c.raw.fence.nodes, func(n rawFenceNode) bool { return n.name == v.name }) {
				missing = append(missing, v.name)
			}
		}
		if len(missing) > 0 {
			c.add(ruleFenceMissing, c.raw.fence.at, "add it to fence: nodes",
				"after %s is lost group %s waits for a person: there is no way to fence it", strings.Join(missing, " or "), g.name)
		}
	}
	if w := c.raw.watchdog.timeout; f.watchdog.v && w.good() && w.v <= g.longestHold() {
		c.add(ruleWatchdogShort, f.at, fmt.Sprintf("use a watchdog timeout of more than %s", duration(g.longestHold())),
			"the watchdog may reset this node (after %s) while group %s could still be held (for %s)", duration(w.v), g.name, duration(g.longestHold()))
	}
}

// longestHold is how long a node may go on holding after it was heard last.
func (g *rawGroup) longestHold() time.Duration {
	if g.lease != nil {
		return g.lease.ttl.v
	}
	if g.vrrp != nil {
		return 3 * g.vrrp.interval.v
	}
	return 0
}
