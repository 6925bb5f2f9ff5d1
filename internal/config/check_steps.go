package config

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

// stepsOf checks the steps of a group against each other and the machine.
func (c *checker) stepsOf(g *rawGroup) {
	seen := map[string]bool{}
	for _, s := range g.steps {
		step := s.build()
		if name := step.Name(); seen[name] {
			c.add(ruleStepTwice, s.at, "remove one of them", "group %s has two steps that are called %q", g.name, cut(name))
		} else {
			seen[name] = true
		}
		c.stepPrograms(s)
		if s.iface.set() && c.facts.Links != nil {
			if _, ok := c.link(s.iface.v); !ok {
				c.add(ruleInterface, s.iface.at, c.linkHint(s.iface.v), "there is no interface %s now; the step fails until there is", s.iface.v)
			}
		}
		if step.OCF != nil && c.facts.Agent != nil {
			for _, problem := range c.facts.Agent(*step.OCF) {
				c.add(ruleStepAgent, s.agent.at, "", "%v", problem)
			}
		}
	}
	for _, r := range g.ready {
		if len(g.steps) == 0 {
			c.add(ruleStepReady, r.at, "use the check in checks: the group is in fault while it fails", "ready has no effect without steps: there is nothing after which %s could pass", cut(r.v))
			break
		}
		for _, k := range c.raw.checks {
			if k.name == r.v && k.kind != nil && check.Members(k.kind) != nil {
				c.add(ruleStepLook, r.at, "name the checks that it is made of", "check %s is made of others, and does not look itself: nobody knows whether it passes since the steps are done", cut(r.v))
			}
		}
	}
}

// stepPrograms checks that the programs of a step can be run by who runs them. A
// step that cannot be undone would show only when the group has to leave.
func (c *checker) stepPrograms(s *rawStep) {
	who, err := program.Lookup(s.user.v, "")
	if err != nil {
		c.add(ruleProgram, s.user.at, "", "cannot run the step: %v", err)
		return
	}
	c.program(s.argv, who, ruleMayNotRun)
	c.program(s.undo, who, ruleMayNotRun)
}

// readyChecks notes the checks that a group is ready by as used.
func (c *checker) readyChecks(g *rawGroup, checks, used names) {
	for _, r := range g.ready {
		used[r.v] = true
		if !checks[r.v] {
			c.add(ruleCheckUnknown, r.at, c.nameHint(r.v, checks, "add it at the top level: checks: {NAME: …}"), "there is no check %q", cut(r.v))
		}
	}
}

var (
	unitForm      = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]{1,255}$`)
	agentForm     = regexp.MustCompile(`^[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+$`)
	sysctlForm    = regexp.MustCompile(`^[a-z0-9_-]+([./][A-Za-z0-9_.:@-]+)+$`)
	parameterForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

func badUnit(s string) string {
	if !unitForm.MatchString(s) {
		return "write the unit's name, such as postgresql.service"
	}
	return ""
}

func badAgent(s string) string {
	if !agentForm.MatchString(s) || strings.Contains(s, "..") {
		return "write provider:type, such as heartbeat:pgsql; they are below /usr/lib/ocf/resource.d"
	}
	return ""
}

func badSysctl(s string) string {
	if !sysctlForm.MatchString(s) || strings.Contains(s, "..") {
		return "write a name as sysctl(8) does, such as net.ipv4.ip_forward"
	}
	return ""
}

func badAddr(s string) string {
	if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" || a.Is4In6() {
		return "write an address without length"
	}
	return ""
}

func badParameter(s string) bool { return !parameterForm.MatchString(s) }
