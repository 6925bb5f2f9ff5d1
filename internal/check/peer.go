package check

import "time"

// Peer asks whether another holdfast node is heard.
//
//	peer: lb2
//	peer: {node: lb2, within: 3s}
type Peer struct {
	// Node is the other node's name.
	Node string
	// Within is how long ago it may have been heard last. Default 5s; nodes say
	// hello about once a second, in groups of VRRP and to the voters of their
	// cluster.
	Within time.Duration
}

// Word is the kind's key in the file.
func (Peer) Word() string { return "peer" }

// Target is the other node.
func (x Peer) Target() string { return x.Node }

// Problems says what is wrong. Fields: node, within.
func (x Peer) Problems() []Problem {
	var p problems
	p.add(x.Node == "", "node", "for example peer: lb2", "there is no node")
	p.add(x.Within < 2*time.Second, "within", "nodes say hello about once a second", "within %s is shorter than two hellos", x.Within)
	return p
}
