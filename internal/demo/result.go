package demo

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Schema names the document that `demo --json` prints.
const Schema = "holdfast/v1/Demo"

// Result is everything that a demo found out.
type Result struct {
	Schema        string       `json:"schema"`
	Version       string       `json:"version"`
	Started       time.Time    `json:"started"`
	Address       string       `json:"address"`        // the one that the client asks
	Interval      api.Duration `json:"interval"`       // of the adverts
	ProbeInterval api.Duration `json:"probe_interval"` // of the client
	Nodes         []Node       `json:"nodes"`
	Client        string       `json:"client"`        // its address
	Config        string       `json:"config"`        // the first node's file
	Elected       string       `json:"elected"`       // the first holder
	ElectedAfter  api.Duration `json:"elected_after"` // since the daemons were started
	Steps         []Step       `json:"steps"`
	Sent          int          `json:"sent"` // probes in all steps
	Lost          int          `json:"lost"`
	OK            bool         `json:"ok"` // every promise was kept
}

// Node is one of the three.
type Node struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Priority uint8  `json:"priority"`
}

// Step is one thing that was done, and what the client noticed.
type Step struct {
	Name    string `json:"name"`              // handover, kill, return, freeze, thaw, unplug, plug, stop
	Title   string `json:"title"`             // what is done, a sentence
	Action  string `json:"action"`            // the same in one or two words
	Command string `json:"command,omitempty"` // what does the same outside a demo
	Node    string `json:"node"`              // to which it was done
	Before  string `json:"before"`            // the holder, as the daemons say
	After   string `json:"after"`

	Sent    int          `json:"sent"` // probes
	Lost    int          `json:"lost"`
	Late    int          `json:"late"`   // those of the lost that were answered after the client lost patience
	Outage  api.Duration `json:"outage"` // the longest stretch without an answer
	Promise Promise      `json:"promise"`
	Kept    bool         `json:"kept"`

	Answered map[string]int `json:"answered"` // probes by node
	MACs     []string       `json:"macs"`     // what the client's neighbour table had, one after another
	Claims   []Claim        `json:"claims"`   // freeze: who answered the ARP question of a new client; else empty
	Stale    int            `json:"stale"`    // freeze: probes that the frozen node answered after its successor had
	States   []NodeState    `json:"states"`   // what each daemon said at the end
	Timeline Timeline       `json:"timeline"`
}

// Claim is one answer to the question who has the address.
type Claim struct {
	Node string `json:"node"`
	MAC  string `json:"mac"`
}

// claimants are the nodes that claimed the address.
func (step *Step) claimants() []string {
	var who []string
	for _, c := range step.Claims {
		if !slices.Contains(who, c.Node) {
			who = append(who, c.Node)
		}
	}
	return who
}

// NodeState is what one daemon says about the group.
type NodeState struct {
	Node  string `json:"node"`
	State string `json:"state"` // active, backup, fault, init; off, frozen: it cannot be asked; silent: it did not say in time
}

// Timeline is who answered the client's probes, relative to the action.
type Timeline struct {
	From  api.Duration `json:"from"` // below zero: before the action
	To    api.Duration `json:"to"`
	Spans []Span       `json:"spans"`
}

// Span is a run of probes with the same fate.
type Span struct {
	Node   string       `json:"node"` // "": lost
	From   api.Duration `json:"from"`
	To     api.Duration `json:"to"`
	Probes int          `json:"probes"`
}

// States of a node that the demo acts upon.
const (
	active = "active"
	backup = "backup"
	fault  = "fault"
	off    = "off"
	frozen = "frozen"
	silent = "silent"
)

// holder is the only node that says it is active, "" when there is none or
// more than one.
func holder(states []NodeState) string {
	name := ""
	for _, s := range states {
		if s.State != active {
			continue
		}
		if name != "" {
			return ""
		}
		name = s.Node
	}
	return name
}

// stateOf is the state of one node.
func stateOf(node string, states []NodeState) string {
	for _, s := range states {
		if s.Node == node {
			return s.State
		}
	}
	return ""
}

// stale counts the probes that a node answered after another one had: what a
// frozen holder goes on answering beside its successor.
func (t Timeline) stale(node string) int {
	n, succeeded := 0, false
	for _, s := range t.Spans {
		switch s.Node {
		case "":
		case node:
			if succeeded {
				n += s.Probes
			}
		default:
			succeeded = true
		}
	}
	return n
}
