package mirror

import (
	"fmt"
	"slices"
	"time"
)

// neighbour is where another node may be, and the connection to it.
type neighbour struct {
	Peer
	node    string // who was there; several addresses may lead to one node
	self    bool   // it was this node itself
	teller  *teller
	dialing bool
	tries   int
	next    time.Time
	told    bool   // that it cannot be reached
	why     string // the last time
}

// Between two attempts to connect.
const (
	retry    = 250 * time.Millisecond
	retryMax = 4 * time.Second
	retries  = 4 // without success, after which people are told
)

// reach connects to a peer that is not connected to.
func (m *Machine) reach(n *neighbour) {
	if n.self || n.dialing || n.teller != nil {
		return
	}
	if n.next.After(m.now) {
		m.due(n.next)
		return
	}
	if m.tells(n.node, n.Key) {
		n.next = m.now.Add(retryMax)
		m.due(n.next)
		return
	}
	n.dialing = true
	m.do(Action{Kind: ActionDial, Peer: n.Peer})
}

// tells says whether a node is connected to already.
func (m *Machine) tells(node string, key Print) bool {
	return node != "" && slices.ContainsFunc(m.tellers, func(t *teller) bool { return t.node == node && t.key == key })
}

// dialed takes the outcome of an attempt.
func (m *Machine) dialed(e Dialed) {
	i := slices.IndexFunc(m.peers, func(n *neighbour) bool { return n.Peer == e.Peer })
	if i < 0 || !m.peers[i].dialing {
		if e.Err == nil {
			m.do(Action{Kind: ActionHangup, Conn: e.Conn, Reason: "it is no peer any more"})
		}
		return
	}
	n := m.peers[i]
	n.dialing = false
	if e.Err != nil {
		m.missed(n, e.Err.Error())
		return
	}
	n.node, n.self, n.tries = e.Node, e.Node == m.node, 0
	if n.self || m.tells(e.Node, n.Key) {
		n.next = m.now.Add(retryMax)
		m.do(Action{Kind: ActionHangup, Conn: e.Conn, Reason: "the node is connected to already"})
		return
	}
	if n.told {
		n.told = false
		m.record("", CodePeer, fmt.Sprintf("%s is told of flows again, at %s", n.node, n.Addr))
	}
	n.teller = &teller{conn: e.Conn, node: e.Node, key: n.Key, since: m.now, alive: m.now, pulse: m.now.Add(beat), refresh: m.now.Add(refresh)}
	m.tellers = append(m.tellers, n.teller)
	m.greet(n.teller)
}

// missed puts the next attempt off.
func (m *Machine) missed(n *neighbour, reason string) {
	n.next = m.now.Add(min(retry<<min(n.tries, 8), retryMax))
	n.tries++
	n.why = reason
	if n.tries == retries && !n.told {
		n.told = true
		who := n.Addr.String()
		if n.node != "" {
			who = n.node + " (" + who + ")"
		}
		m.record("", CodePeer, fmt.Sprintf("%s cannot be told of flows: %s (it is tried again)", who, reason))
	}
}

// parted notes that the connection to a peer is gone.
func (m *Machine) parted(t *teller, reason string) {
	for _, n := range m.peers {
		if n.teller == t {
			n.teller = nil
			m.missed(n, reason)
		}
	}
}
