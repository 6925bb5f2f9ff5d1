package config

const (
	devicePath = "fence.devices.NAME"
	fencePath  = "fence.devices.NAME.secrets.NAME"
)

func (rd *reader) watchdog(top object) rawWatchdog {
	o := top.child("watchdog")
	return rawWatchdog{at: o.at, device: o.form("device", rulePath, badPath), timeout: o.duration("timeout"), pretimeout: o.duration("pretimeout")}
}

func (rd *reader) groupFence(o object) rawGroupFence {
	f := o.child("fence")
	return rawGroupFence{at: f.at, watchdog: f.boolean("watchdog"), agents: f.boolean("agents")}
}

// fence reads who can be cut off, and how.
func (rd *reader) fence(top object) *rawFence {
	if !top.has("fence") {
		return nil
	}
	o := top.child("fence")
	f := &rawFence{at: o.at, random: o.duration("random_delay"), priority: o.duration("priority_delay")}
	_, nodes, _ := o.key("nodes")
	for _, e := range rd.entries(nodes, "fence.nodes") {
		rd.name(e.key, "node")
		n := rd.object(e.value, "fence.nodes.NAME", e.key.span)
		f.nodes = append(f.nodes, rawFenceNode{name: e.key.text, at: e.key.span, levels: rd.levels(n)})
	}
	_, devices, _ := o.key("devices")
	for _, e := range rd.entries(devices, "fence.devices") {
		rd.name(e.key, "device")
		f.devices = append(f.devices, rd.fenceDevice(e))
	}
	rd.used["fence.nodes.NAME"], rd.used[devicePath] = true, true
	return f
}

// levels reads a list of lists of devices.
func (rd *reader) levels(o object) [][]val[string] {
	_, n, at := o.key("levels")
	if n == nil || o.wrong {
		rd.needed(o, absent, "levels")
		return nil
	}
	const form = "write a list of lists: [[ipmi-b], [pdu-1, pdu-2]]"
	if n.kind != listNode || len(n.items) == 0 {
		rd.add(ruleType, at, form, "levels must be a list of lists of devices")
		return nil
	}
	var out [][]val[string]
	for _, item := range n.items {
		if item.line == 0 {
			item.span = at
		}
		if item.kind != listNode || len(item.items) == 0 {
			rd.add(ruleType, item.span, form, "a level must be a list of devices")
			continue
		}
		var level []val[string]
		for _, d := range item.items {
			if d.kind != scalarNode {
				rd.add(ruleType, item.span, form, "a level must be a list of names")
				continue
			}
			level = append(level, val[string]{d.text, d.span, given})
		}
		out = append(out, level)
	}
	return out
}

func (rd *reader) fenceDevice(e entry) rawFenceDevice {
	o := rd.object(e.value, devicePath, e.key.span)
	d := rawFenceDevice{
		name: e.key.text, at: e.key.span, agent: o.form("agent", ruleName, badFenceAgent), action: o.choice("action"),
		timeout: o.duration("timeout"), delay: o.duration("delay"), parameters: rd.parameters(o), secrets: map[string]*rawSecret{},
	}
	rd.needed(o, d.agent.from, "agent")
	_, n, _ := o.key("secrets")
	for _, e := range rd.entries(n, devicePath+".secrets") {
		if badParameter(e.key.text) {
			rd.add(ruleName, e.key.span, "parameters have letters, digits and _", "%q cannot be the name of a parameter", cut(e.key.text))
			continue
		}
		if _, twice := d.parameters[e.key.text]; twice {
			rd.add(ruleFenceDevice, e.key.span, "keep one of them", "%s is among both parameters and secrets", e.key.text)
		}
		d.secrets[e.key.text] = rd.secret(e.value, fencePath, e.key.span)
	}
	rd.used[fencePath] = true
	return d
}

// parameters reads what a program of others is given, by names that it knows.
func (rd *reader) parameters(o object) map[string]string {
	var out map[string]string
	k, n, _ := o.key("parameters")
	for _, e := range rd.entries(n, k.path) {
		switch {
		case badParameter(e.key.text):
			rd.add(ruleName, e.key.span, "parameters have letters, digits and _", "%q cannot be the name of a parameter", cut(e.key.text))
		case e.value == nil || e.value.kind != scalarNode:
			rd.add(ruleType, e.key.span, "", "parameter %s must be a single value", e.key.text)
		default:
			if out == nil {
				out = map[string]string{}
			}
			out[e.key.text] = e.value.text
		}
	}
	return out
}
