package daemon

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/store"
)

// leases connects groups to the stores that their leases are in. Groups of one
// store share its connections.
type leases struct {
	cfg      func() *config.Config
	instance string
	place    string

	mu     sync.Mutex
	stores []*sharedStore
	ending sync.WaitGroup
}

// sharedStore is a store and how many leases in it are open.
type sharedStore struct {
	store.Store
	of    config.Store
	users int
}

func newLeases(cfg func() *config.Config) *leases {
	return &leases{cfg: cfg, instance: rand.Text(), place: gatePlace()}
}

// gatePlace names the gate that daemons of this network namespace command, one
// after the other: by the machine's boot, which no other machine and no copy of
// a disk shares, and by the namespace. Empty where it cannot be named.
func gatePlace() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(boot)) + " " + namespace))
	return hex.EncodeToString(sum[:12])
}

// Instance implements engine.Leases.
func (l *leases) Instance() string { return l.instance }

// Place implements engine.Leases.
func (l *leases) Place() string { return l.place }

// Open implements engine.Leases.
func (l *leases) Open(of config.Store, id string, tell func(lease.Event)) (engine.LeaseClerk, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.stores {
		if s.of.Equal(of) {
			s.users++
			return &leaseClerk{store.NewClerk(s, id, tell), l, s}, nil
		}
	}
	opened, err := OpenStore(l.cfg(), of)
	if err != nil {
		return nil, err
	}
	s := &sharedStore{Store: opened, of: of, users: 1}
	l.stores = append(l.stores, s)
	return &leaseClerk{store.NewClerk(s, id, tell), l, s}, nil
}

// describe says how the stores do.
func (l *leases) describe() []api.Store {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []api.Store
	for _, s := range l.stores {
		a := api.Store{Name: storeName(&s.of), Members: []api.StoreMember{}}
		for _, v := range s.View() {
			a.Members = append(a.Members, api.StoreMember{Endpoint: v.Endpoint, First: v.First, LastSeen: v.Heard, Trip: api.Duration(v.Trip), Error: v.Err})
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b api.Store) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// storeName tells a store from others.
func storeName(s *config.Store) string {
	if s.Embedded {
		return "embedded"
	}
	return strings.TrimSpace("etcd " + s.Prefix)
}

// wait waits until what was written last has been written, or cannot be.
func (l *leases) wait() { l.ending.Wait() }

// release closes a store that nobody uses any more.
func (l *leases) release(s *sharedStore) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.users--; s.users > 0 {
		return
	}
	for i, o := range l.stores {
		if o == s {
			l.stores = append(l.stores[:i], l.stores[i+1:]...)
			break
		}
	}
	_ = s.Close()
}

// leaseClerk is one lease's use of a store.
type leaseClerk struct {
	*store.Clerk
	leases *leases
	store  *sharedStore
}

// Close implements engine.LeaseClerk.
func (c *leaseClerk) Close() {
	c.leases.ending.Go(func() {
		c.Clerk.Close()
		c.leases.release(c.store)
	})
}
