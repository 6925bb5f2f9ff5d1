package api

// Health sums a Status up in one word. The worst thing counts.
type Health uint8

const (
	Healthy  Health = iota
	Degraded        // something is not as it should be, but every group has its holder (a service that nobody serves, too)
	NoHolder        // nobody known holds some group
	Conflict        // more than one node holds some group, or a machine uses its addresses beside the holder
)

var healthWords = [...]string{"healthy", "degraded", "no holder", "more than one holder"}

// String gives the word that users see.
func (h Health) String() string {
	if int(h) < len(healthWords) {
		return healthWords[h]
	}
	return "unknown"
}

// Health sums up a node. Maintenance is degraded, too: the node would not
// take over.
func (s *Status) Health() Health {
	worst := Healthy
	if len(s.Warnings) > 0 || s.Maintenance || s.Stopping {
		worst = Degraded
	}
	for i := range s.Services {
		if !s.Services[i].Serves() {
			worst = max(worst, Degraded)
		}
	}
	for i := range s.Groups {
		worst = max(worst, s.Groups[i].Health())
	}
	return worst
}

// Health sums up a group as seen from this node.
func (g *Group) Health() Health {
	switch {
	case g.Conflict != nil, len(g.Holders()) > 1:
		return Conflict
	case g.Holder == "" && g.State != "active":
		return NoHolder
	case g.State == "fault":
		return Degraded
	}
	for _, c := range g.Checks {
		if !c.Up {
			return Degraded
		}
	}
	return Healthy
}

// Holders names the nodes that hold the group now, this one first. More than
// one is a conflict. Families are counted apart: a peer that is no holdfast
// has no name, only an address in each of them.
func (g *Group) Holders() []string {
	var most []string
	for _, r := range g.Routers {
		var here []string
		if g.HolderIsMe || g.State == "active" {
			here = append(here, g.Holder)
		}
		for _, p := range g.Peers {
			if p.State == "active" && p.Family == r.Family {
				here = append(here, p.Name())
			}
		}
		if len(here) > len(most) {
			most = here
		}
	}
	return most
}

// Name is what the peer is called: its node name, else its address.
func (p *Peer) Name() string {
	if p.Node != "" {
		return p.Node
	}
	return p.Address
}
