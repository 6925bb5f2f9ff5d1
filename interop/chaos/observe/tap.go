package observe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

// Tap sees every node's port on the switch.
type Tap struct {
	lan    *lab.LAN
	vip    netip.Addr
	nodes  []string
	start  time.Time
	socket *socket
	work   sync.WaitGroup

	mu        sync.Mutex
	ports     map[int]string
	recording measure.Recording
	latest    map[string]time.Duration // each node's last answer
	err       error
}

// StartTap watches the ports of some hosts. Ports may come and go.
func StartTap(lan *lab.LAN, nodes []string, vip netip.Addr, start time.Time) (*Tap, error) {
	t := &Tap{lan: lan, vip: vip, nodes: nodes, start: start, latest: make(map[string]time.Duration)}
	var err error
	if t.ports, err = lan.Ports(); err != nil {
		return nil, fmt.Errorf("cannot watch the switch: %w", err)
	}
	var others []int
	for ifindex, name := range t.ports {
		if !slices.Contains(nodes, name) {
			others = append(others, ifindex)
		}
	}
	if err := lan.Switch().Do(func() error {
		t.socket, err = open(0, wanted(others))
		return err
	}); err != nil {
		return nil, fmt.Errorf("cannot watch the switch: %w", err)
	}
	t.work.Go(func() {
		lab.PreferThread()
		err := t.socket.each(t.see)
		t.mu.Lock()
		t.err = errors.Join(t.err, err)
		t.mu.Unlock()
	})
	return t, nil
}

// see notes one frame. Questions count where they leave the switch to a node,
// everything else where it comes from one.
func (t *Tap) see(f frame) {
	m, ok := read(t.vip, f.data)
	if !ok || (m.kind == measure.Asked) != f.sent {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	node := t.nodeAt(f.ifindex)
	if node == "" {
		return
	}
	s := measure.Sighting{At: time.Duration(f.at - t.start.UnixNano()), Node: node, Kind: m.kind}
	switch m.kind {
	case measure.Asked, measure.Answered:
		var known bool
		if s.Probe, known = probeOf(m.asker); known {
			break
		}
		if m.kind == measure.Asked {
			return // somebody else asks
		}
		s.Kind = measure.Claimed
	}
	if s.Kind == measure.Answered || s.Kind == measure.Claimed {
		t.latest[node] = s.At
	}
	t.recording = append(t.recording, s)
}

// nodeAt is the node behind a port, "" for a port that is no node's. A port
// that is not known is new, or the switch itself.
func (t *Tap) nodeAt(ifindex int) string {
	name, known := t.ports[ifindex]
	if !known {
		if ports, err := t.lan.Ports(); err == nil {
			t.ports = ports
		}
		if name, known = t.ports[ifindex]; !known {
			t.ports[ifindex] = ""
		}
	}
	if !slices.Contains(t.nodes, name) {
		return ""
	}
	return name
}

// Now is the instant on the recording's clock.
func (t *Tap) Now() time.Duration { return time.Since(t.start) }

// Answering lists the nodes that answered within the last while.
func (t *Tap) Answering(while time.Duration) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	var names []string
	for _, n := range t.nodes {
		if at, ok := t.latest[n]; ok && now-at <= while {
			names = append(names, n)
		}
	}
	return names
}

// Latest is the node that answered last, "" before anybody did.
func (t *Tap) Latest() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := ""
	for n, at := range t.latest {
		if name == "" || at > t.latest[name] {
			name = n
		}
	}
	return name
}

// Stop ends the watching and returns what was seen, with an error when
// something may be missing.
func (t *Tap) Stop() (measure.Recording, error) {
	lost, err := t.socket.lost()
	if err == nil && lost > 0 {
		err = fmt.Errorf("cannot trust the tap: %d frames were not read in time", lost)
	}
	err = errors.Join(err, t.socket.close())
	t.work.Wait()
	return t.recording, errors.Join(t.err, err)
}
