package config

import (
	"cmp"
	"slices"
)

// ChangeKind is what became of a group.
type ChangeKind uint8

const (
	Added ChangeKind = iota
	Removed
	Changed
)

// String is "added", "removed" or "changed".
func (k ChangeKind) String() string { return [...]string{"added", "removed", "changed"}[k] }

// MarshalText is String.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Effect is what applying a change costs. A greater one costs more.
type Effect uint8

const (
	InPlace  Effect = iota // applies while the group goes on
	Election               // the group's routers start anew: VRID, families, interface, version or MAC
	Daemon                 // takes effect when the daemon is restarted: node, state, control, http, realtime, guardian
)

// String is "in place", "election" or "daemon".
func (e Effect) String() string { return [...]string{"in place", "election", "daemon"}[e] }

// MarshalText is String.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Change is one difference between two configurations.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Group  string     `json:"group,omitempty"` // group it belongs to; empty: the daemon as a whole
	Fields []Field    `json:"fields"`          // in the order of the reference; of an added or removed group, what it is known by
	Effect Effect     `json:"effect"`          // the greatest of the fields' effects; added and removed groups have Election
}

// Field is one key that changed, with the values as users write them.
type Field struct {
	Path   string `json:"path"`           // relative to the group: "vrrp.priority"
	From   string `json:"from,omitempty"` // empty: not there
	To     string `json:"to,omitempty"`   // empty: no longer there
	Effect Effect `json:"effect"`         // a secret that changed reads "[secret]" on both sides
}

// Diff lists what differs, the daemon first, then groups by name. A nil old
// is an empty configuration, of which everything in new is an addition.
func Diff(old, new *Config) []Change {
	if old == nil {
		old = &Config{Node: new.Node, State: new.State, Control: new.Control, HTTP: new.HTTP, Realtime: new.Realtime, Guardian: new.Guardian, Watchdog: new.Watchdog}
	}
	var out []Change
	if fields := compare(daemonSettings(old), daemonSettings(new)); len(fields) > 0 {
		out = append(out, changed("", fields))
	}
	was := map[string]Group{}
	for _, g := range old.Groups {
		was[g.Name] = g
	}
	for _, g := range new.Groups {
		before, ok := was[g.Name]
		delete(was, g.Name)
		if !ok {
			out = append(out, Change{Kind: Added, Group: g.Name, Fields: compare(nil, identity(g)), Effect: Election})
			continue
		}
		if fields := compare(groupSettings(before), groupSettings(g)); len(fields) > 0 {
			out = append(out, changed(g.Name, fields))
		}
	}
	for name, g := range was {
		out = append(out, Change{Kind: Removed, Group: name, Fields: compare(identity(g), nil), Effect: Election})
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Group, b.Group) })
	return out
}

func changed(group string, fields []Field) Change {
	c := Change{Kind: Changed, Group: group, Fields: fields}
	for _, f := range fields {
		c.Effect = max(c.Effect, f.Effect)
	}
	return c
}

// compare finds the settings that differ. Settings are in the same order in
// both, but either may have some that the other lacks.
func compare(old, new []setting) []Field {
	now := map[string]setting{}
	for _, s := range new {
		now[s.path] = s
	}
	was := map[string]bool{}
	var out []Field
	add := func(a, b setting) {
		if a.text != b.text || !a.secret.Equal(b.secret) || a.opaque != b.opaque {
			s := b
			if s.path == "" {
				s = a
			}
			out = append(out, Field{Path: s.path, From: a.text, To: b.text, Effect: max(a.effect, b.effect)})
			if a.opaque != b.opaque {
				out[len(out)-1].Effect = Election
			}
		}
	}
	for _, s := range old {
		was[s.path] = true
		add(s, now[s.path])
	}
	for _, s := range new {
		if !was[s.path] {
			add(setting{}, s)
		}
	}
	return out
}
