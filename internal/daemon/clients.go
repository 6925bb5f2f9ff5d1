package daemon

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/tcp"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/tickle"
	"github.com/holdfast-net/holdfast/internal/tickle/run"
)

// clients tells the clients of the addresses that move that their connections are
// gone.
type clients struct {
	run    *run.Runner
	kernel connections
	end    context.CancelFunc
	done   chan struct{}
}

// newClients makes them and begins to work, for the groups that are applied.
func newClients(ctx context.Context, node string, e func() *engine.Engine, note func(api.Event)) *clients {
	c := &clients{done: make(chan struct{})}
	c.run = run.New(run.Options{
		Node: node, Kernel: &c.kernel,
		Send: func(a netip.Addr, data [][]byte) { e().TellClients(a, data) },
		Record: func(group, code, reason string) {
			kind := "clients"
			if code == tickle.CodeList || code == tickle.CodeFull {
				kind = "notice"
			}
			note(api.Event{Kind: kind, Group: group, Code: code, Reason: reason})
		},
	})
	ctx, c.end = context.WithCancel(ctx)
	go func() {
		defer close(c.done)
		c.run.Run(ctx)
	}()
	return c
}

// close ends what is under way.
func (c *clients) close() {
	c.end()
	<-c.done
	c.kernel.close()
}

// apply brings them in line with a configuration.
func (c *clients) apply(cfg *config.Config) {
	var all []tickle.Address
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		if !g.ResetClients {
			continue
		}
		for _, a := range g.Addresses {
			all = append(all, tickle.Address{Addr: a.Addr(), Group: g.Name, Interface: g.Interface, Key: clientsKey(cfg, g)})
		}
	}
	c.run.Configure(all)
}

// clientsWindow is how far the clocks of nodes may be apart, at least.
const clientsWindow = 5 * time.Second

// clientsKey is what the nodes of a group sign their lists with: the key of its
// adverts, or where a lease elects the holder that of the cluster.
func clientsKey(cfg *config.Config, g *config.Group) peer.Key {
	if h := g.VRRP.Auth.HMAC; h != nil {
		k := peer.Key{ID: h.Active, Keys: map[uint8][]byte{}, Window: max(h.Window, clientsWindow)}
		for id, secret := range h.Keys {
			k.Keys[id] = secret.Bytes()
		}
		return k
	}
	if g.Lease == nil || cfg.Cluster == nil {
		return peer.Key{}
	}
	k := peer.Key{Keys: map[uint8][]byte{}, Window: clientsWindow}
	for i, secret := range cfg.Cluster.Keys {
		// Nodes may have them in another order while they are exchanged.
		sum := sha256.Sum256(secret.Bytes())
		id := max(sum[0], 1)
		k.Keys[id] = secret.Bytes()
		if i == 0 {
			k.ID = id
		}
	}
	return k
}

// describe adds to a status what is known of the clients.
func (c *clients) describe(st *api.Status, cfg *config.Config) {
	views := c.run.View()
	for i := range st.Groups {
		g := &st.Groups[i]
		j := slices.IndexFunc(cfg.Groups, func(o config.Group) bool { return o.Name == g.Name })
		if j < 0 || !cfg.Groups[j].ResetClients {
			continue
		}
		g.Clients = &api.Clients{}
		for _, v := range views {
			if slices.ContainsFunc(cfg.Groups[j].Addresses, func(p netip.Prefix) bool { return p.Addr() == v.Addr }) {
				addClients(g.Clients, v)
			}
		}
	}
}

func addClients(c *api.Clients, v tickle.View) {
	c.Known += v.Clients
	c.LeftOut += v.LeftOut
	if v.Node != "" {
		c.Node = v.Node
	}
	if v.At.IsZero() {
		return
	}
	if c.Last == nil {
		c.Last = &api.ClientsReset{At: v.At, From: v.From}
	}
	c.Last.Told += v.Told
	c.Last.Answered += v.Answered
	c.Last.Took = max(c.Last.Took, api.Duration(v.Last))
}

// connections is the kernel's side, opened when it is first wanted: by most
// files it never is.
type connections struct {
	mu     sync.Mutex
	kernel *tcp.Kernel
}

func (c *connections) open() (*tcp.Kernel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.kernel == nil {
		c.kernel, err = tcp.Open()
	}
	return c.kernel, err
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kernel != nil {
		_ = c.kernel.Close() // nothing was written that could be lost
	}
}

// List implements run.Kernel, as do the others.
func (c *connections) List(addrs []netip.Addr) ([]tickle.Connection, error) {
	k, err := c.open()
	if err != nil {
		return nil, err
	}
	return k.List(addrs)
}

func (c *connections) End(a netip.Addr) (int, error) {
	k, err := c.open()
	if err != nil {
		return 0, err
	}
	return k.End(a)
}

func (c *connections) Poke(x tickle.Connection) error {
	k, err := c.open()
	if err != nil {
		return err
	}
	return k.Poke(x)
}

func (c *connections) Reset(x tickle.Connection, seq uint32) error {
	k, err := c.open()
	if err != nil {
		return err
	}
	return k.Reset(x, seq)
}

func (c *connections) Watch(iface string, addrs []netip.Addr, heard func([]tickle.Answer)) (func(), error) {
	k, err := c.open()
	if err != nil {
		return nil, err
	}
	return k.Watch(iface, addrs, heard)
}
