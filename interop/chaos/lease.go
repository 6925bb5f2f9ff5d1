package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// Groups whose election is a lease are tried beside an etcd of one or three
// members, each on a host of its own: the same faults happen to the nodes, and
// further ones to the store.

// storeNames are the hosts that the members of the store run on.
var storeNames = [...]string{"store1", "store2", "store3"}

const (
	clientPort = 2379
	memberPort = 2380
)

func storeAddress(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(91 + i)}), 24)
}

// storeMember is one process of the store.
type storeMember struct {
	name string
	proc *lab.Process
	run  func() error // starts it
	gone bool         // a fault has it
	disk *disk        // of its own, where a fault fills it
}

// RandomLease makes a plan for a group with a lease from a seed.
func RandomLease(seed uint64) Plan {
	c := chooser{rand.New(rand.NewPCG(seed, 6))}
	p := Plan{Seed: seed, Mode: c.leaseMode()}
	at := 300 * time.Millisecond
	for range 1 + c.pick(30, 35, 20, 15) {
		f := c.fault()
		if c.often(0.4) {
			f = []Fault{KillStore, PauseStore, CutStore, LoseStore, Upgrade}[c.pick(3, 3, 3, 1, 2)]
		}
		e := c.event(p.Mode, f)
		e.At = at
		p.Events = append(p.Events, e)
		if c.often(0.5) {
			at += c.between(0, e.Length)
		} else {
			at += e.Length + c.between(0, p.Mode.TTL)
		}
	}
	furtherLease(&p)
	return p
}

// furtherLease adds what plans of the same seed did not have from the beginning:
// they stay the same but for that.
func furtherLease(p *Plan) {
	c := chooser{rand.New(rand.NewPCG(p.Seed, 7))}
	for range c.pick(10, 55, 35) {
		f := []Fault{Split, SlowStore, FillStore}[c.pick(5, 3, 2)]
		if p.Mode.embedded() && c.often(0.6) {
			f = []Fault{Replace, Regrow}[c.pick(2, 1)]
		}
		e := c.event(p.Mode, f)
		e.At = c.between(300*time.Millisecond, 300*time.Millisecond+p.End())
		switch f {
		case Split:
			e.Cut, e.Sides = c.split(p.Mode)
		case SlowStore:
			e.Delay = []time.Duration{5, 20, 50, 100, 300}[c.IntN(5)] * time.Millisecond
			e.All = c.often(0.3)
		}
		p.Events = append(p.Events, e)
	}
}

func (c chooser) leaseMode() Mode {
	ttl := []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}[c.pick(35, 25, 25, 15)]
	m := Mode{
		Nodes: 2 + c.pick(40, 60), Guard: Leased, TTL: ttl, Interval: ttl / 3, Stores: []int{1, 3}[c.pick(40, 60)],
		IPv6: c.often(0.2), Clocks: c.often(0.3), Again: c.often(0.3),
	}
	if m.Nodes == 3 && c.often(0.4) {
		m.Stores = 0
		m.TTL = max(m.TTL, 40*heartbeat) // the shortest that outlives an election
		m.Interval = m.TTL / 3
	}
	return m
}

// heartbeat is that of the store which the nodes make up.
const heartbeat = 20 * time.Millisecond

// begins is what a store of the nodes' own may take on a busy machine until it
// has found itself.
const begins = 30 * time.Second

// embedded says whether the nodes make up the store.
func (m Mode) embedded() bool { return m.Guard == Leased && m.Stores == 0 }

// embedded are the lines of the nodes' files that say so.
func (c *cluster) embedded() []string {
	var nodes []string
	for i := range c.mode.Nodes {
		nodes = append(nodes, fmt.Sprintf("%s: %s", names[i], own4(i).Addr()))
	}
	return []string{
		"cluster:", "  nodes: {" + strings.Join(nodes, ", ") + "}", "  store: embedded",
		fmt.Sprintf("  heartbeat: %s", heartbeat), "  certificates: " + c.certificates(),
	}
}

func (c *cluster) certificates() string { return filepath.Join(c.dir, "certificates") }

// certify makes the certificates, as an operator does.
func (c *cluster) certify(binary string) error {
	path := filepath.Join(c.dir, "init.yaml")
	text := fmt.Sprintf("node: %s\n%s\n", names[0], strings.Join(c.embedded(), "\n"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if out, err := exec.Command(binary, "cluster", "init", "-c", path).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot make the store's certificates: %w: %s", err, out)
	}
	return nil
}

// startStore starts the members of the store, if the mode has one.
func (c *cluster) startStore(binary string, plan *Plan) error {
	switch {
	case c.mode.embedded():
		return c.certify(binary)
	case c.mode.Guard != Leased:
		return nil
	}
	if _, err := exec.LookPath("etcd"); err != nil {
		return fmt.Errorf("cannot start the store: %w (etcd-server, which `make test` installs)", err)
	}
	var all []string
	for i := range c.mode.Stores {
		all = append(all, fmt.Sprintf("%s=http://%s:%d", storeNames[i], storeAddress(i).Addr(), memberPort))
	}
	// What members write is on memory: a busy disk of this machine is none of
	// the faults.
	dir, err := os.MkdirTemp("/dev/shm", "hf-store-")
	if err != nil {
		return err
	}
	c.storeDir = dir
	for i := range c.mode.Stores {
		host, err := c.lan.Add(lab.HostConfig{Name: storeNames[i], Addresses: []netip.Prefix{storeAddress(i)}})
		if err != nil {
			return err
		}
		own := storeAddress(i).Addr()
		args := []string{
			"--name", storeNames[i], "--data-dir", fmt.Sprintf("%s/%d", dir, i),
			"--listen-client-urls", fmt.Sprintf("http://%s:%d", own, clientPort),
			"--advertise-client-urls", fmt.Sprintf("http://%s:%d", own, clientPort),
			"--listen-peer-urls", fmt.Sprintf("http://%s:%d", own, memberPort),
			"--initial-advertise-peer-urls", fmt.Sprintf("http://%s:%d", own, memberPort),
			"--initial-cluster", strings.Join(all, ","), "--initial-cluster-token", "chaos",
			"--heartbeat-interval", "20", "--election-timeout", "200", "--log-level", "error", "--logger", "zap",
		}
		m := &storeMember{name: storeNames[i]}
		line := append([]string{"etcd"}, args...)
		if plan.has(FillStore) {
			at := fmt.Sprintf("%s/%d", dir, i)
			if err := os.Mkdir(at, 0o700); err != nil {
				return err
			}
			if m.disk, err = newDisk(at, storeDisk); err != nil {
				return err
			}
			c.disks = append(c.disks, m.disk)
			line = append(m.disk.under(), line...)
		}
		m.run = func() error {
			m.proc, err = host.Start(exec.Command(line[0], line[1:]...))
			return err
		}
		c.stores = append(c.stores, m)
		if err := m.run(); err != nil {
			return err
		}
	}
	return nil
}

// lease is the line of a node's group.
func (c *cluster) lease(i int) string {
	if c.mode.embedded() {
		return fmt.Sprintf("{ttl: %s, priority: %d}", c.mode.TTL, priorities[i])
	}
	var endpoints []string
	for s := range c.mode.Stores {
		endpoints = append(endpoints, fmt.Sprintf("%q", fmt.Sprintf("http://%s:%d", storeAddress(s).Addr(), clientPort)))
	}
	return fmt.Sprintf("{ttl: %s, priority: %d, store: etcd, endpoints: [%s]}", c.mode.TTL, priorities[i], strings.Join(endpoints, ", "))
}

// storeFault does something to a member of the store, or to all of them.
func (r *run) storeFault(e Event, on *node, h *Happened) (end func() error, err error) {
	c := r.cluster
	if c.mode.embedded() {
		return r.embeddedFault(e, on, h)
	}
	var members []*storeMember
	for i := range c.stores {
		m := c.stores[(i+int(e.At/time.Millisecond))%len(c.stores)]
		if !m.gone && (e.Fault == LoseStore || e.All || len(members) == 0) {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		return nil, skipped{"there is no store, or it is gone already"}
	}
	h.Held = e.Fault == LoseStore || e.All || c.mode.Stores == 1
	var ends []func() error
	for _, m := range members {
		m.gone = true
		h.Nodes = append(h.Nodes, m.name)
		end, err := r.memberFault(e, m, h)
		if err != nil {
			return nil, err
		}
		ends = append(ends, func() error { m.gone = false; return end() })
	}
	h.Nodes = h.Nodes[1:]
	return func() error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		return errors.Join(errs...)
	}, nil
}

// slowMembers has the disks of some nodes' members be slow.
func slowMembers(nodes []*node, by time.Duration) (end func() error, err error) {
	var ends []func() error
	end = func() error {
		var errs []error
		for _, e := range ends {
			errs = append(errs, e())
		}
		return errors.Join(errs...)
	}
	for _, n := range nodes {
		for _, pid := range n.pids(theMember) {
			one, err := slow(pid, by)
			if err != nil {
				return nil, errors.Join(err, end())
			}
			ends = append(ends, one)
		}
	}
	if len(ends) == 0 {
		return nil, skipped{"no member runs"}
	}
	return end, nil
}

func (r *run) memberFault(e Event, m *storeMember, h *Happened) (end func() error, err error) {
	switch e.Fault {
	case SlowStore:
		return slow(m.proc.PID(), e.Delay)
	case FillStore:
		// It ends as soon as it has to write and cannot. There is room again,
		// and it is started, as systemd does.
		return func() error {
			err := m.disk.clear()
			select {
			case <-m.proc.Done():
				h.Note = "it ended, and is started again"
				return errors.Join(err, m.run())
			default:
				return err
			}
		}, m.disk.fill()
	case KillStore:
		return m.run, m.proc.Kill()
	case PauseStore, LoseStore:
		return func() error { return m.proc.Signal(unix.SIGCONT) }, m.proc.Signal(unix.SIGSTOP)
	}
	return r.cluster.lose(lab.Loss{From: m.name, Percent: 100}, lab.Loss{To: m.name, Percent: 100})
}

// embeddedFault does it to the member of a node, or to all members. A member
// that is killed is started again by its daemon.
func (r *run) embeddedFault(e Event, on *node, h *Happened) (end func() error, err error) {
	f, nodes := e.Fault, []*node{on}
	if f == LoseStore || e.All {
		nodes = r.cluster.nodes
	}
	h.Held = len(nodes) > 1
	h.Nodes = nil
	for _, n := range nodes {
		h.Nodes = append(h.Nodes, "the member of "+n.name)
	}
	switch f {
	case KillStore:
		return nil, r.signal(on, unix.SIGKILL, theMember)
	case CutStore:
		return nil, skipped{"it is no host of its own"}
	case FillStore:
		before := fmt.Sprint(on.pids(theMember))
		return func() error {
			if fmt.Sprint(on.pids(theMember)) != before {
				h.Note = "it ended"
			}
			return on.disk.clear()
		}, on.disk.fill()
	case SlowStore:
		return slowMembers(nodes, e.Delay)
	}
	for _, n := range nodes {
		n.signal(unix.SIGSTOP, theMember)
	}
	return func() error {
		for _, n := range nodes {
			n.signal(unix.SIGCONT, theMember)
		}
		return nil
	}, nil
}
