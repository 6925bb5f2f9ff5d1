package matrix

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/api"
)

// scheduler is one of them, with the weights of backends and how it is known.
type scheduler struct {
	name    string
	weights [3]int
	spreads func(*site, family, scheduler) error
}

var schedulers = []scheduler{
	{"round-robin", [3]int{1, 1, 1}, (*site).inTurn},
	{"weighted-round-robin", [3]int{1, 2, 3}, (*site).inTurn},
	{"least-connections", [3]int{1, 1, 1}, (*site).byFewest},
	{"source-hash", [3]int{1, 1, 1}, (*site).bySource},
	{"maglev", [3]int{1, 1, 1}, (*site).byHash},
	{"two-choices", [3]int{1, 1, 1}, (*site).byTwo},
}

func (s *site) spread(f family, sch scheduler) error { return sch.spreads(s, f, sch) }

// visits opens n connections, and says where each went. With held they stay open
// until the returned function is called.
func (s *site) visits(f family, n int, from func(i int) netip.Addr) (names []string, at []netip.AddrPort, end func(), err error) {
	var open []*visit
	end = func() {
		for _, v := range open {
			v.Close()
		}
	}
	for i := range n {
		v, err := connect(s.client, f, from(i))
		if err != nil {
			return nil, nil, end, err
		}
		open = append(open, v)
		name, err := v.who()
		if err != nil {
			return nil, nil, end, err
		}
		names, at = append(names, name), append(at, v.from)
	}
	return names, at, end, nil
}

func anywhere(int) netip.Addr { return netip.Addr{} }

// count is how many of them went to each backend.
func (s *site) count(names []string) (counts [3]int) {
	for _, name := range names {
		for i, b := range s.backends {
			if b.name == name {
				counts[i]++
			}
		}
	}
	return counts
}

// inTurn: one after another, each as often as its weight says.
func (s *site) inTurn(f family, sch scheduler) error {
	sum := sch.weights[0] + sch.weights[1] + sch.weights[2]
	names, _, end, err := s.visits(f, 4*sum, anywhere)
	defer end()
	if err != nil {
		return err
	}
	counts := s.count(names)
	for i, w := range sch.weights {
		if d := counts[i] - 4*w; d < -1 || d > 1 {
			return fmt.Errorf("%v of %d connections, want four times %v", counts, len(names), sch.weights)
		}
	}
	return nil
}

// byFewest: each goes to one that has no more than any other.
func (s *site) byFewest(f family, sch scheduler) error {
	if s.mode.forward == "proxy" {
		return s.byTwo(f, sch) // connections of a holder before this one count for ten seconds
	}
	var had [3]int
	s.within("the others' connections are forgotten", func() (err error) {
		if had, err = s.flows(f); err == nil && had[0]+had[1]+had[2] != 1 {
			err = fmt.Errorf("there are %v", had) // the one that is kept is left
		}
		return err
	})
	names, _, end, err := s.visits(f, 8, anywhere)
	defer end()
	if err != nil {
		return err
	}
	counts := s.count(names)
	for i := range counts {
		if counts[i]+had[i] != 3 {
			return fmt.Errorf("%v of %d connections, and there were %v", counts, len(names), had)
		}
	}
	return nil
}

// flows is how many each backend has, by what the holder says.
func (s *site) flows(f family) (counts [3]int, err error) {
	b, err := s.backendsOf(s.holder)
	if err != nil {
		return counts, err
	}
	for _, service := range b.Services {
		if service.Name != "web"+f.name[3:] {
			continue
		}
		for _, backend := range service.Backends {
			for i := range counts {
				if backend.Address == s.mode.at(i, f).String() {
					counts[i] = int(backend.Flows)
				}
			}
		}
	}
	return counts, nil
}

// bySource: a client's connections go to one backend, and clients to all.
func (s *site) bySource(f family, _ scheduler) error {
	names, at, end, err := s.visits(f, 2*clients, func(i int) netip.Addr { return f.at(f.out, client+i/2) })
	defer end()
	if err != nil {
		return err
	}
	for i := range clients {
		if names[2*i] != names[2*i+1] {
			return fmt.Errorf("%s went to %s and to %s", at[2*i].Addr(), names[2*i], names[2*i+1])
		}
	}
	return s.allUsed(f, names, at)
}

// byHash: all are used, and both nodes say beforehand which.
func (s *site) byHash(f family, _ scheduler) error {
	names, at, end, err := s.visits(f, 2*clients, anywhere)
	defer end()
	if err != nil {
		return err
	}
	return s.allUsed(f, names, at)
}

// byTwo: all are used.
func (s *site) byTwo(f family, _ scheduler) error {
	names, _, end, err := s.visits(f, 2*clients, anywhere)
	defer end()
	if err != nil {
		return err
	}
	counts := s.count(names)
	for _, n := range counts {
		if n == 0 {
			return fmt.Errorf("%v of %d connections", counts, len(names))
		}
	}
	return nil
}

// allUsed checks that each backend has got some, and that explain says where one of
// them is and where the next one of its client would go.
func (s *site) allUsed(f family, names []string, at []netip.AddrPort) error {
	counts := s.count(names)
	for _, n := range counts {
		if n == 0 {
			return fmt.Errorf("%v of %d connections", counts, len(names))
		}
	}
	if s.mode.forward == "proxy" {
		return nil // it knows no flow by its ends
	}
	out, err := s.nodes[s.holder].Command("backends", "explain", at[0].String(), "web"+f.name[3:], "-o", "json")
	if err != nil {
		return err
	}
	var e api.FlowExplanation
	if err := json.Unmarshal(out, &e); err != nil {
		return err
	}
	for i, b := range s.backends {
		if b.name == names[0] && e.Backend != s.mode.at(i, f).String() {
			return fmt.Errorf("%s is at %s; explain says %s: %s", at[0], b.name, e.Backend, e.Summary)
		}
	}
	return nil
}
