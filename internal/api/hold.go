package api

import "time"

// Gate says what stands between an address and the network once its hold is
// over and nobody does anything about it.
type Gate struct {
	Line      string   `json:"line"`          // "" where there is none: on a witness
	Text      string   `json:"text"`          // what it guarantees
	Guarantee Duration `json:"guarantee"`     // how late it may close
	Why       string   `json:"why,omitempty"` // why no stronger line is used
}

// Guard says what becomes of a group on a node that is cut off.
type Guard struct {
	Kind     string   `json:"kind"`              // available, guarded, gateway, strict
	Gateway  string   `json:"gateway,omitempty"` // that has to answer
	Promised Duration `json:"promised"`          // for how long this node may hold: a majority has promised it, or the gateway has answered
	Votes    int      `json:"votes"`             // how many voters have
	Of       int      `json:"of"`                // how many there are
}

// Kinds of a Guard.
const (
	GuardAvailable = "available"
	GuardMajority  = "guarded"
	GuardGateway   = "gateway"
	GuardStrict    = "strict"
)

// Lease is the record in a store that elects a group's holder, as this node
// knows it.
type Lease struct {
	TTL      Duration `json:"ttl"`
	Apart    string   `json:"apart,omitempty"`  // why this node cannot take part; it is tried again
	Known    bool     `json:"known"`            // the store has answered
	Trouble  bool     `json:"trouble"`          // it does not at the moment
	Holder   string   `json:"holder"`           // that the record names; "": none
	Over     bool     `json:"over"`             // it has not renewed for so long that it holds no more
	Epoch    uint64   `json:"epoch"`            // of the last hold: the fencing token
	Left     Duration `json:"left"`             // of this node's hold; 0: it has none
	Chosen   bool     `json:"chosen"`           // an operator made the holder what it is
	Next     string   `json:"next,omitempty"`   // may claim first, where nobody holds
	Asks     string   `json:"asks,omitempty"`   // the node that asks the holder to hand over
	Failures int      `json:"failures"`         // of this node, that count so far
	Barred   Duration `json:"barred,omitempty"` // for how long this node does not hold because of them
}

// Store is where leases are.
type Store struct {
	Name    string        `json:"name"` // "embedded", or "etcd" with its prefix
	Members []StoreMember `json:"members"`
}

// StoreMember is one that a store is asked at.
type StoreMember struct {
	Endpoint string    `json:"endpoint"`
	First    bool      `json:"first"`              // it is asked first; the others where it is slow
	LastSeen time.Time `json:"last_seen,omitzero"` // its last answer; zero: none yet
	Trip     Duration  `json:"trip"`               // that this one took
	Error    string    `json:"error,omitempty"`    // why its last answer was none
}

// Dispute is another machine that uses an address of a group while this node
// holds it, or is about to.
type Dispute struct {
	Since   time.Time `json:"since"`
	Address string    `json:"address"`
	Other   string    `json:"other"`         // its MAC address, or what it advertises from
	Own     string    `json:"own,omitempty"` // the MAC address with which this node answers
}

// Disputes are those that are over.
type Disputes struct {
	Count uint64   `json:"count"`
	Time  Duration `json:"time"` // how long they took, all together
}

// Lapses are holds that ended by themselves, because this node was late.
type Lapses struct {
	Count uint64    `json:"count"`
	Last  time.Time `json:"last,omitzero"` // zero: never
	Late  Duration  `json:"late"`          // how long the last one had been over when this node noticed
}

// Hold is what the gate lets pass of a router, and for how long, unless it is
// renewed.
type Hold struct {
	State string   `json:"state"` // one of the Hold words
	Left  Duration `json:"left"`
}

// The words for a Hold.
const (
	HoldOpen     = "open"     // the addresses are announced and answer
	HoldClaiming = "claiming" // adverts may be sent; the addresses are not announced
	HoldServing  = "serving"  // what still arrives is served; nothing is announced
	HoldClosed   = "closed"   // nothing passes
)
