package api

import "time"

// Mirror is how a node and the others have the same connections of services.
type Mirror struct {
	Peers  []MirrorPeer  `json:"peers"`
	Groups []MirrorGroup `json:"groups"` // those whose connections survive a move
	// Unreached are nodes that are there and cannot be told: connections would not
	// survive a move to them.
	Unreached []MirrorUnreached `json:"unreached,omitempty"`
}

// MirrorUnreached is where a node cannot be connected to, and why.
type MirrorUnreached struct {
	Address string `json:"address"`
	Why     string `json:"why"`
}

// MirrorPeer is another node, what it is told and what it tells.
type MirrorPeer struct {
	Node     string     `json:"node"`
	Signed   bool       `json:"signed"`
	Told     *time.Time `json:"told,omitempty"`     // since when it is told of this node's flows; absent: it is not
	Complete *time.Time `json:"complete,omitempty"` // since when it has all of them, where this node holds
	Lag      Duration   `json:"lag"`                // within which news reached it lately, 99 of a hundred
	Behind   Duration   `json:"behind"`             // the age of the oldest news that it has not got
	Flows    uint64     `json:"flows"`              // flows and changes of flows that it was told
	Refused  uint64     `json:"refused"`            // … that it could not take over
	Overruns uint64     `json:"overruns"`           // how often it was too slow, and was told all anew
	Heard    *time.Time `json:"heard,omitempty"`    // since when it tells; absent: it does not
	Holder   bool       `json:"holder"`             // of an address of a service here
	HeardLag Duration   `json:"heard_lag"`          // within which its news come, by its own account
	Taken    uint64     `json:"taken"`              // flows and changes of its flows that were put here
	Missed   uint64     `json:"missed"`             // … that could not be
	Ports    string     `json:"ports,omitempty"`    // of full NAT that are its
	Clash    bool       `json:"clash,omitempty"`    // some of them are this node's, too
}

// MirrorGroup is whether a group has all connections that its holder has.
type MirrorGroup struct {
	Group  string    `json:"group"`
	InSync bool      `json:"in_sync"`
	Since  time.Time `json:"since"`
}
