package sim

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/vrrp"
)

// readLAN reads what all LANs and kernels are like.
func (s *script) readLAN(r *reader) {
	for r.more() {
		switch w := r.word(); w {
		case "count":
			s.cfg.LANs = r.number(len(subnets))
		case "path":
			s.cfg.Path.Delay = r.duration()
		case "kernel":
			s.cfg.Kernel.Latency = r.duration()
		case "probe":
			s.cfg.Probe = r.duration()
		case "virtual":
			s.cfg.Virtual = true
		default:
			r.unknown(w)
		}
	}
}

func (s *script) readGroup(r *reader) {
	g := Group{Name: r.word(), Interval: time.Second}
	set := len(s.cfg.Sets)
	for r.more() {
		switch w := r.word(); w {
		case "vrid":
			g.VRID = uint8(r.number(255))
		case "on":
			g.LAN = r.number(len(subnets) - 1)
		case "ipv4":
			g.Families = append(g.Families, vrrp.IPv4)
		case "ipv6":
			g.Families = append(g.Families, vrrp.IPv6)
		case "interval":
			g.Interval = r.duration()
		case "version":
			g.Version = uint8(r.number(3))
		case "unicast":
			g.Unicast = true
		case "addresses":
			g.Addresses = r.addresses()
		case "check":
			g.Uses = append(g.Uses, group.Use{Check: r.word()})
		case "weight":
			g.Uses = append(g.Uses, group.Use{Check: r.word(), Weight: r.number(1000)})
		case "refresh":
			g.Announce.Refresh = r.duration()
		case "with":
			set, _ = s.find(r, r.word())
		default:
			r.unknown(w)
		}
	}
	if set == len(s.cfg.Sets) {
		s.cfg.Sets = append(s.cfg.Sets, Set{})
	}
	s.cfg.Sets[set].Groups = append(s.cfg.Sets[set].Groups, g)
}

// find looks a group up by its name.
func (s *script) find(r *reader, name string) (set, index int) {
	for set := range s.cfg.Sets {
		for g := range s.cfg.Sets[set].Groups {
			if s.cfg.Sets[set].Groups[g].Name == name {
				return set, g
			}
		}
	}
	r.fail("there is no group %q", name)
	return 0, 0
}

// readNode reads a node. What it says counts for all groups there.
func (s *script) readNode(r *reader) {
	n := Node{Name: r.word()}
	var mine NodeSet
	for r.more() {
		switch w := r.word(); w {
		case "priority":
			mine.Priority = uint8(r.number(255))
		case "no-preempt":
			mine.NoPreempt = true
		case "preempt-delay":
			mine.PreemptDelay = r.duration()
		case "startup-hold":
			mine.StartupHold = r.duration()
		case "interval":
			mine.Interval = r.duration()
		case "version":
			mine.Version = uint8(r.number(3))
		case "plain":
			n.Plain = true
		case "tail":
			n.Tail = r.number(255)
		default:
			r.unknown(w)
		}
	}
	n.Sets = []NodeSet{mine}
	s.names[n.Name] = len(s.cfg.Nodes)
	s.cfg.Nodes = append(s.cfg.Nodes, n)
}
