package api

import "time"

// Clients is what is known of the TCP clients of a group's addresses.
type Clients struct {
	Known   int           `json:"known"`              // connections: this node's where it holds, else the holder's
	LeftOut int           `json:"left_out,omitempty"` // more of them, for which there is no room
	Node    string        `json:"node,omitempty"`     // whose they are
	Last    *ClientsReset `json:"last,omitempty"`     // absent: there was none
}

// ClientsReset is what came of a takeover for the clients of the holder before.
type ClientsReset struct {
	At       time.Time `json:"at"`
	From     string    `json:"from"` // who held before
	Told     int       `json:"told"` // connections
	Answered int       `json:"answered"`
	Took     Duration  `json:"took"` // until the last answer
}
