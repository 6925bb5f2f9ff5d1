package config

import (
	"net/netip"
	"strings"
	"time"
)

// rawStep is one entry of steps.
type rawStep struct {
	at     span
	words  []string // its kinds, in the order of stepWords
	argv   []val[string]
	undo   []val[string]
	user   val[string]
	unit   val[string]
	agent  val[string] // of ocf: provider:type
	ocf    OCF
	prefix val[netip.Prefix]
	iface  val[string]
	via    val[string]
	source val[string]
	table  val[int]
	metric val[int]
	rule   StepRule
	name   val[string] // of sysctl
	value  val[string]
	back   val[string]

	timeout, undoTimeout val[time.Duration]
}

// stepWords are the keys that say what a step is. undo is one where it is alone.
var stepWords = []string{"exec", "wait", "notify", "unit", "ocf", "address", "route", "rule", "sysctl"}

const stepPath = "groups.NAME.steps"

// steps reads the steps of a group.
func (rd *reader) steps(o object) []*rawStep {
	_, n, at := o.key("steps")
	if n == nil || n.kind == nullNode || o.wrong {
		return nil
	}
	if n.kind != listNode {
		rd.add(ruleType, n.span, "write each step after a dash: - {exec: [/usr/local/bin/promote]}", "steps must be a list of mappings, not %s", n.kind)
		return nil
	}
	var out []*rawStep
	for _, item := range n.items {
		if item.line == 0 {
			item.span = at
		}
		if item.kind != mapNode {
			rd.add(ruleType, item.span, "write each step after a dash: - {exec: [/usr/local/bin/promote]}", "steps has an entry that is %s", item.kind)
			continue
		}
		before := len(rd.found)
		if s := rd.step(rd.object(item, stepPath, item.span), before); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// step reads one of them. before is how many problems were found before it.
func (rd *reader) step(o object, before int) *rawStep {
	s := &rawStep{at: o.at, user: o.form("user", ruleName, badUnixGroup), timeout: o.duration("timeout"), undoTimeout: o.duration("undo_timeout")}
	for _, word := range stepWords {
		if o.has(word) {
			s.words = append(s.words, word)
		}
	}
	s.undo = rd.argv(o, "undo")
	if len(s.words) == 0 && s.undo != nil {
		s.words = []string{"undo"}
	}
	if len(s.words) != 1 {
		if len(rd.found) == before {
			rd.add(ruleStepKind, s.at, "one of "+strings.Join(stepWords, ", ")+", or undo alone", "a step must do exactly one thing; this one does %s", orNothing(s.words))
		}
		return nil
	}
	switch word := s.words[0]; word {
	case "exec", "wait", "notify":
		s.argv = rd.argv(o, word)
	case "unit":
		s.unit = o.form("unit", ruleName, badUnit)
	case "ocf":
		rd.agent(s, o.child("ocf"))
	case "address":
		a := o.child("address")
		s.prefix, s.iface = rd.prefixOf(a, "address", "1"), a.form("interface", ruleName, badInterface)
		rd.needed(a, s.prefix.from, "address")
		rd.needed(a, s.iface.from, "interface")
	case "route":
		rd.route(s, o.child("route"))
	case "rule":
		rd.ruleStep(s, o.child("rule"))
	case "sysctl":
		y := o.child("sysctl")
		s.name, s.value, s.back = y.form("name", ruleName, badSysctl), y.text("value"), y.text("undo")
		rd.needed(y, s.name.from, "name")
		rd.needed(y, s.value.from, "value")
	}
	s.belongs(rd, o)
	if len(rd.found) > before {
		return nil
	}
	return s
}

// belongs reports keys that a step of its kind has no use for.
func (s *rawStep) belongs(rd *reader, o object) {
	word := s.words[0]
	if word != "exec" && word != "undo" && o.has("undo") {
		rd.add(ruleStepKey, o.keys["undo"], "it undoes an exec; any other step knows how it is undone", "undo has no meaning beside %s", word)
	}
	if o.has("user") && word != "exec" && word != "undo" && word != "wait" && word != "notify" && word != "ocf" {
		rd.add(ruleStepKey, o.keys["user"], "", "user has no meaning beside %s", word)
	}
}

func (rd *reader) needed(o object, from origin, name string) {
	if from == absent && !o.wrong {
		rd.add(ruleMissing, o.at, "", "%s has no %s", nameOf(o.path), name)
	}
}

// agent reads an OCF agent, provider:type.
func (rd *reader) agent(s *rawStep, o object) {
	s.agent = o.form("agent", ruleName, badAgent)
	rd.needed(o, s.agent.from, "agent")
	s.ocf.Provider, s.ocf.Type, _ = strings.Cut(s.agent.v, ":")
	s.ocf.Promote = o.boolean("promote").v
	s.ocf.Instance = o.form("instance", ruleName, badNode).v
	s.ocf.Parameters = rd.parameters(o)
}

func (rd *reader) route(s *rawStep, o object) {
	s.prefix = rd.prefixOf(o, "to", "")
	s.via, s.source = o.form("via", ruleAddress, badAddr), o.form("source", ruleAddress, badAddr)
	s.iface = o.form("interface", ruleName, badInterface)
	s.table, s.metric = o.integer("table"), o.integer("metric")
	rd.needed(o, s.prefix.from, "to")
	if s.via.from == absent && s.iface.from == absent && !o.wrong {
		rd.add(ruleMissing, o.at, "add via: ADDRESS, interface: NAME, or both", "the route leads nowhere")
	}
	for _, a := range []val[string]{s.via, s.source} {
		if addr, err := netip.ParseAddr(a.v); a.set() && err == nil && s.prefix.set() && addr.Is4() != s.prefix.v.Addr().Is4() {
			rd.add(ruleAddress, a.at, "", "%s and %s are of different families", a.v, s.prefix.v)
		}
	}
}

func (rd *reader) ruleStep(s *rawStep, o object) {
	from, to := rd.prefixOf(o, "from", ""), rd.prefixOf(o, "to", "")
	iface, mark := o.form("interface", ruleName, badInterface), o.integer("mark")
	table, priority := o.integer("table"), o.integer("priority")
	rd.needed(o, table.from, "table")
	rd.needed(o, priority.from, "priority")
	if from.set() && to.set() && from.v.Addr().Is4() != to.v.Addr().Is4() {
		rd.add(ruleAddress, to.at, "", "%s and %s are of different families", from.v, to.v)
	}
	if from.from == absent && to.from == absent && !iface.set() && !mark.set() && !o.wrong {
		rd.add(ruleMissing, o.at, "add from, to, interface or mark", "the rule is for all packets")
	}
	s.rule = StepRule{From: from.v, To: to.v, Interface: iface.v, Mark: uint32(mark.v), Table: table.v, Priority: priority.v}
}

// prefixOf reads an address with a prefix length, or without where only means a
// single host; "default" is what is everywhere, in IPv4.
func (rd *reader) prefixOf(o object, name, host string) val[netip.Prefix] {
	x := o.text(name)
	out := val[netip.Prefix]{at: x.at, from: x.from}
	if !x.set() {
		return out
	}
	if x.v == "default" && host == "" {
		out.v = netip.MustParsePrefix("0.0.0.0/0")
		return out
	}
	p, err := netip.ParsePrefix(x.v)
	if a, bad := netip.ParseAddr(x.v); bad == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Zone() != "" || p.Addr().Is4In6() {
		rd.add(ruleAddress, x.at, "write it as 192.0.2.0/24 or 2001:db8::/64", "%s %q is not valid", name, cut(x.v))
		out.from = wrong
		return out
	}
	if host == "" {
		p = p.Masked()
	}
	out.v = p
	return out
}

func orNothing(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " and ")
}
