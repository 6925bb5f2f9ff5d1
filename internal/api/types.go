// Package api is what a running daemon and those who look at it agree on: JSON
// documents that name their schema, and the Daemon whose snapshots they are
// made from and that commands go to. It is values only and needs nothing but
// the standard library, so everything in the tree may use it.
//
// Package server offers it over HTTP on a unix socket; package client is the
// other end.
package api

import "time"

// Schema names; a document's first field. They change only with its shape.
const (
	SchemaStatus = "holdfast/v1/Status"
	SchemaEvents = "holdfast/v1/Events"
	SchemaPlan   = "holdfast/v1/Plan"
	SchemaResult = "holdfast/v1/Result"
)

// Status is one node's view of everything, taken at one instant.
type Status struct {
	Schema      string       `json:"schema"`
	Node        string       `json:"node"`
	Version     string       `json:"version"`
	Now         time.Time    `json:"now"`
	Started     time.Time    `json:"started"`
	Config      Config       `json:"config"`
	Maintenance bool         `json:"maintenance"`
	Stopping    bool         `json:"stopping"`
	Realtime    Realtime     `json:"realtime"`
	Guardian    Guardian     `json:"guardian"`
	Gate        Gate         `json:"gate"`
	Groups      []Group      `json:"groups"`
	Warnings    []Warning    `json:"warnings"` // what is not as it should be, worst first
	Lateness    Lateness     `json:"lateness"` // of this node's own adverts
	Checks      []CheckState `json:"checks"`
	Links       []Link       `json:"links"`
	Witness     *Witness     `json:"witness,omitempty"`  // a witness's own status; it has no groups
	Voters      []Voter      `json:"voters,omitempty"`   // of the cluster, as this node sees them
	Fencing     *Fencing     `json:"fencing,omitempty"`  // where there is something of it
	Stores      []Store      `json:"stores,omitempty"`   // that leases of this node are in
	Services    []Service    `json:"services,omitempty"` // as they were counted a second ago
	Planes      []Plane      `json:"planes,omitempty"`   // that serve them
	Flows       *Mirror      `json:"flows,omitempty"`    // whether they survive a move; absent: nodes do not tell each other
}

// Witness is how a witness does.
type Witness struct {
	Listen   string            `json:"listen"`
	Abstains Duration          `json:"abstains"` // how long it promises nothing yet, because it started lately
	Askers   []Asker           `json:"askers"`   // nodes that asked within a minute
	Counters map[string]uint64 `json:"counters"` // asked, granted, refused, dropped_signature, ...
}

// Asker is a node that asks a witness.
type Asker struct {
	Node     string    `json:"node"`
	LastSeen time.Time `json:"last_seen"`
	Promises int       `json:"promises"` // groups that are promised to it now
}

// Voter is a voter of the cluster.
type Voter struct {
	Name     string    `json:"name"`
	Address  string    `json:"address"`
	Witness  bool      `json:"witness"`
	Self     bool      `json:"self"`
	LastSeen time.Time `json:"last_seen"`      // zero: never
	Trip     Duration  `json:"trip"`           // there and back
	Abstains Duration  `json:"abstains"`       // how long it promises nothing yet
	Twin     string    `json:"twin,omitempty"` // another voter that is the same process: they have one vote
}

// Config says which file is in force.
type Config struct {
	Path       string    `json:"path"`
	Hash       string    `json:"hash"`
	LoadedAt   time.Time `json:"loaded_at"`
	LastReload string    `json:"last_reload"` // "ok", or why the last reload changed nothing
}

// Realtime says whether the loop runs in the realtime class.
type Realtime struct {
	On     bool   `json:"on"`
	Detail string `json:"detail"`
}

// Guardian says whether somebody sees to the addresses if the daemon dies.
type Guardian struct {
	On     bool   `json:"on"`
	PID    int    `json:"pid,omitempty"`
	Detail string `json:"detail,omitempty"` // why there is none, or what it lacks
}

// Group is one group on this node.
type Group struct {
	Name         string    `json:"name"`
	State        string    `json:"state"`   // init, backup, active, fault
	Leaving      bool      `json:"leaving"` // gone or going: announces nothing any more, and serves what arrives until its successor is heard
	Since        time.Time `json:"since"`
	Reason       string    `json:"reason"` // of the last transition, a sentence
	Addresses    []string  `json:"addresses"`
	Interface    string    `json:"interface"`
	With         []string  `json:"with,omitempty"`
	Priority     uint8     `json:"priority"`      // effective
	BasePriority uint8     `json:"base_priority"` // configured
	Preempt      bool      `json:"preempt"`       // as in force now (a handover suspends it)
	Holder       string    `json:"holder"`        // node name where known, else address, "" = none known
	HolderIsMe   bool      `json:"holder_is_me"`
	Guard        Guard     `json:"guard"`
	Lease        *Lease    `json:"lease,omitempty"`    // that elects the holder; absent: VRRP does
	Steps        *Steps    `json:"steps,omitempty"`    // what is taken besides the addresses; absent: nothing
	Clients      *Clients  `json:"clients,omitempty"`  // that are told when the addresses move; absent: they are not
	Lacks        []Lack    `json:"lacks,omitempty"`    // what it waits for before it holds
	Conflict     *Dispute  `json:"conflict,omitempty"` // another machine uses an address of the group now
	Conflicts    Disputes  `json:"conflicts"`
	Lapses       Lapses    `json:"lapses"`
	Routers      []Router  `json:"routers"`
	Checks       []Check   `json:"checks"`
	Peers        []Peer    `json:"peers"` // other nodes of the group, holdfast or not
	Transitions  uint64    `json:"transitions"`
}

// Lack is something that a group waits for, up to a bound.
type Lack struct {
	What  string    `json:"what"`  // services, flows
	For   string    `json:"for"`   // claiming: it does not become active; preempting: it does not take the place of a holder that lives
	Until time.Time `json:"until"` // when it is waited for no more
	Why   string    `json:"why"`   // how far it has come
}

// Router is the half of a group in one address family.
type Router struct {
	Family         string            `json:"family"` // ipv4, ipv6
	VRID           uint8             `json:"vrid"`
	Version        uint8             `json:"version"`
	State          string            `json:"state"`
	Addresses      []string          `json:"addresses"`
	Source         string            `json:"source"`
	MAC            string            `json:"mac"`
	VirtualMAC     bool              `json:"virtual_mac"`
	MACReason      string            `json:"mac_reason,omitempty"` // why not virtual
	Interval       Duration          `json:"interval"`
	ActiveInterval Duration          `json:"active_interval"` // learnt from the active
	DownInterval   Duration          `json:"down_interval"`
	Active         string            `json:"active,omitempty"` // address of the active heard
	Hold           Hold              `json:"hold"`
	GateDrops      map[string]uint64 `json:"gate_drops"` // what the gate dropped, since the gate was made: arp_in, packet_out, ...
	Counters       map[string]uint64 `json:"counters"`   // sent, received, checksum_rfc5798, dropped_ttl, ...
}

// Check is the state of one check as this group uses it.
type Check struct {
	Name   string    `json:"name"`
	Up     bool      `json:"up"`
	State  string    `json:"state"`          // pending (nothing was seen yet), up, down
	Kind   string    `json:"kind,omitempty"` // as the file has it: http, ping
	Weight int       `json:"weight"`         // 0: veto
	Since  time.Time `json:"since"`
	Detail string    `json:"detail"` // what was seen last
}

// CheckState is all that is known of a check, whoever uses it.
type CheckState struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Target   string    `json:"target"` // what is looked at
	State    string    `json:"state"`  // pending, up, down
	Since    time.Time `json:"since"`
	Text     string    `json:"text"`    // what was seen last
	At       time.Time `json:"at"`      // when; zero: not yet
	Took     Duration  `json:"took"`    // and how long that took
	Streak   int       `json:"streak"`  // answers of one sort in a row; negative: failures
	Warning  bool      `json:"warning"` // it passes, but not for long
	Flapping bool      `json:"flapping"`
	Hanging  bool      `json:"hanging"` // a look was given up, and has not come back
	Passed   uint64    `json:"passed"`  // looks, since the check began
	Failed   uint64    `json:"failed"`
	Timeouts uint64    `json:"timeouts"` // of the failed ones
	Hung     uint64    `json:"hung"`     // of the failed ones: they could not be stopped either
	Changes  uint64    `json:"changes"`  // of the state
}

// Peer is another node seen in a group.
type Peer struct {
	Node     string    `json:"node,omitempty"` // holdfast nodes only
	Address  string    `json:"address"`
	Family   string    `json:"family"`
	State    string    `json:"state"` // active, backup, fault, ... as it says or as is heard
	Priority uint8     `json:"priority"`
	LastSeen time.Time `json:"last_seen"`
	Holdfast bool      `json:"holdfast"`
	Deaf     bool      `json:"deaf,omitempty"` // it says that it does not hear this node, which hears it
}

// Warning is one thing that is not as it should be.
type Warning struct {
	Code  string    `json:"code"` // HF2xxx
	Group string    `json:"group,omitempty"`
	Text  string    `json:"text"`
	Since time.Time `json:"since"`
}

// Lateness is how late adverts were handed to the kernel.
type Lateness struct {
	Count uint64   `json:"count"`
	P50   Duration `json:"p50"`
	P99   Duration `json:"p99"`
	P999  Duration `json:"p999"`
	Max   Duration `json:"max"`
}

// Link is an interface a group uses.
type Link struct {
	Name string `json:"name"`
	Up   bool   `json:"up"`
	Why  string `json:"why,omitempty"`
}

// Event is one entry of the journal.
type Event struct {
	ID      uint64    `json:"id"` // rises by one; survives a restart
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"` // transition, notice, command, config, link, check, address, hook, daemon
	Code    string    `json:"code,omitempty"`
	Group   string    `json:"group,omitempty"`
	Service string    `json:"service,omitempty"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Reason  string    `json:"reason"` // always there: a sentence
	Peer    string    `json:"peer,omitempty"`
	Family  string    `json:"family,omitempty"`
	Epoch   uint64    `json:"epoch,omitempty"` // of the lease with which a transition to active came
}

// Events is a page of the journal, oldest first.
type Events struct {
	Schema string  `json:"schema"`
	Node   string  `json:"node"`
	Events []Event `json:"events"`
}

// Change is one difference between the file in force and another one.
type Change struct {
	Group  string `json:"group,omitempty"`
	Action string `json:"action"` // add, remove, change, restart
	Field  string `json:"field,omitempty"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Effect string `json:"effect"` // what will happen, a sentence
}

// Plan is what a reload would do, or has done.
type Plan struct {
	Schema      string       `json:"schema"`
	Changes     []Change     `json:"changes"`
	Diagnostics []Diagnostic `json:"diagnostics"`
	Applied     bool         `json:"applied"`
}

// Diagnostic is one problem of a configuration file.
type Diagnostic struct {
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	Rendered string `json:"rendered,omitempty"` // with the source line and caret
}

// Result answers a command.
type Result struct {
	Schema string `json:"schema"`
	OK     bool   `json:"ok"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

// Handover asks for a planned move.
type Handover struct {
	To string `json:"to,omitempty"` // a node's name; empty: the best one
}

// Maintenance switches the node's maintenance.
type Maintenance struct {
	On    bool `json:"on"`
	Force bool `json:"force"` // even when nobody can take over
}
