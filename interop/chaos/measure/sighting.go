package measure

import (
	"slices"
	"time"
)

// Kind is what a frame at a node's port was.
type Kind uint8

// The kinds of frames. All but Asked are sent by the node.
const (
	Asked      Kind = iota // a question for the address, handed to the node
	Answered               // the answer to a question
	Claimed                // the address claimed unasked: gratuitous ARP, unsolicited NA
	Advertised             // an advert with a priority above 0
	Resigned               // an advert with priority 0
	Served                 // traffic from the address
)

var kindNames = [...]string{"asked", "answers", "claims", "adverts", "resigns", "serves"}

func (k Kind) String() string { return kindNames[k] }

// Sighting is one frame at a node's port.
type Sighting struct {
	At    time.Duration // on the recording's clock
	Node  string
	Kind  Kind
	Probe uint32 // of Asked and Answered: the question's number
}

// Recording is what was seen, in any order: each port is read in turn.
type Recording []Sighting

// of lists what was seen at one node's port, in the order of time.
func (r Recording) of(node string) []Sighting {
	var own []Sighting
	for _, s := range r {
		if s.Node == node {
			own = append(own, s)
		}
	}
	slices.SortStableFunc(own, func(a, b Sighting) int { return int(a.At - b.At) })
	return own
}

// Nodes lists the nodes in the recording.
func (r Recording) Nodes() []string {
	var names []string
	for _, s := range r {
		if !slices.Contains(names, s.Node) {
			names = append(names, s.Node)
		}
	}
	slices.Sort(names)
	return names
}
