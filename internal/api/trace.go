package api

import "time"

// SchemaTracedPacket is the schema of a TracedPacket.
const SchemaTracedPacket = "holdfast/v1/TracedPacket"

// TraceQuery is which packets are to be told of; what is empty is any.
type TraceQuery struct {
	Service string
	Backend string // address and port, of that service
	Client  string // an address or a network
	Snap    int    // how many bytes of a packet at most; 0: as many as there may be
}

// TracedPacket is one packet of a service, and what became of it.
type TracedPacket struct {
	Schema    string    `json:"schema"`
	Time      time.Time `json:"time"`
	Interface string    `json:"interface"` // that it came by
	Service   string    `json:"service"`   // "": none that is known
	Client    string    `json:"client"`
	Backend   string    `json:"backend"`          // "": none was chosen
	From      string    `json:"from"`             // client, backend
	Fate      string    `json:"fate"`             // one of the Fate words
	Reason    string    `json:"reason,omitempty"` // why it was dropped, or its sender told something
	Came      Frame     `json:"came"`
	Left      Frame     `json:"left"`   // without bytes where it was dropped
	Missed    uint64    `json:"missed"` // packets for which there was no room, since the trace began
}

// Frame is the beginning of an Ethernet frame.
type Frame struct {
	Length int    `json:"length"` // of the whole
	Bytes  []byte `json:"bytes"`
}

// The words for a Fate.
const (
	FateSent    = "sent"
	FateDropped = "dropped"
	FatePassed  = "passed" // on to the kernel, which routes it
)
