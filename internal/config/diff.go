package config

// ChangeKind is what became of a group.
type ChangeKind uint8

const (
	Added ChangeKind = iota
	Removed
	Changed
)

// Effect is what applying a change costs.
type Effect uint8

const (
	InPlace  Effect = iota // applies while the group goes on
	Election               // the group's routers start anew: VRID, families, interface, version or MAC
	Daemon                 // takes effect when the daemon is restarted: node, state, control, http, realtime
)

// Change is one difference between two configurations.
type Change struct {
	Kind   ChangeKind
	Group  string // group it belongs to; empty: the daemon as a whole
	Fields []Field
	Effect Effect // the strongest of the fields' effects
}

// Field is one key that changed, with the values as users write them. A
// secret shows as "[secret]" on both sides.
type Field struct {
	Path     string // relative to the group: "vrrp.priority"
	From, To string // empty: was not, or is no longer, there
	Effect   Effect
}

// Diff lists what differs, the daemon first, then groups by name. A nil old
// is an empty configuration.
func Diff(old, new *Config) []Change {
	return nil
}
