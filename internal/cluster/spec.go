package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Spec is what a member is started with.
type Spec struct {
	Name         string        `json:"name"` // of this member
	Dir          string        `json:"dir"`  // where it keeps its data
	Peers        []Peer        `json:"peers"`
	Certificates string        `json:"certificates"` // directory
	Heartbeat    time.Duration `json:"heartbeat_ns"`
	Version      string        `json:"version"` // of this program
	Level        slog.Level    `json:"level"`   // lowest that is logged
}

// Peer is one member as the file has it, this one among them.
type Peer struct {
	Name string         `json:"name"`
	Addr netip.AddrPort `json:"addr"`
}

// after is the address a few ports on.
func (p Peer) after(n uint16) netip.AddrPort {
	return netip.AddrPortFrom(p.Addr.Addr(), p.Addr.Port()+n)
}

// Client is where leases are asked for.
func (p Peer) Client() string { return "https://" + p.Addr.String() }

// peerURL is where members talk to each other.
func (p Peer) peerURL() string { return "https://" + p.after(1).String() }

// door is where a member tells how it is.
func (p Peer) door() string { return p.after(2).String() }

// own is the member itself.
func (s *Spec) own() (Peer, error) {
	for _, p := range s.Peers {
		if p.Name == s.Name {
			return p, nil
		}
	}
	return Peer{}, fmt.Errorf("cannot be a member: %s is not among the nodes and witnesses of the cluster", s.Name)
}

// others are all but the member itself.
func (s *Spec) others() []Peer {
	return slices.DeleteFunc(slices.Clone(s.Peers), func(p Peer) bool { return p.Name == s.Name })
}

// list names the members and their addresses: those who form a cluster must
// mean the same one.
func (s *Spec) list() string {
	var lines []string
	for _, p := range s.Peers {
		lines = append(lines, p.Name+"="+p.Addr.String())
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

func (s *Spec) byURL(url string) (Peer, bool) {
	for _, p := range s.Peers {
		if p.peerURL() == url {
			return p, true
		}
	}
	return Peer{}, false
}
