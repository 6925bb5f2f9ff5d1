package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// hash is Config.Hash: over what the nodes of a pair must have in common. It
// is made of text with names in it, so that a new setting with its default
// would be the only reason for two versions to disagree.
func hash(c *Config) string {
	h := sha256.New()
	for _, g := range c.Groups {
		v := g.VRRP
		var addrs []string
		for _, a := range g.Addresses {
			addrs = append(addrs, a.Addr().String())
		}
		slices.Sort(addrs)
		fmt.Fprintf(h, "group %s\naddresses %s\nwith %s\nid %d\nversion %d\ninterval %s\nauth %s\n",
			g.Name, strings.Join(addrs, " "), strings.Join(g.With, " "), v.ID, v.Version, v.Interval, v.Auth.kind())
	}
	for _, g := range c.Groups {
		if b := g.VRRP.BFD; b != nil {
			fmt.Fprintf(h, "bfd %s %s %d %t\n", g.Name, b.Interval, b.Multiplier, b.Key.Empty())
		}
	}
	for _, g := range c.Groups {
		if l := g.Lease; l != nil {
			fmt.Fprintf(h, "lease %s %s %t %s\n", g.Name, l.TTL, l.Store.Embedded, l.Store.Prefix)
		}
	}
	for _, s := range c.Services {
		fmt.Fprintf(h, "service %s %v %d %d %v\n", s.Name, s.Listen, s.Scheduler, s.Forward, s.Translate)
		for _, b := range s.Backends {
			fmt.Fprintf(h, "backend %s %d %t %t\n", b.Addr, b.Weight, b.Backup, b.Sorry)
		}
	}
	if c.Cluster != nil {
		for _, g := range c.Groups {
			fmt.Fprintf(h, "guard %s %s\n", g.Name, g.Guard)
		}
		for _, v := range slices.Concat(c.Cluster.Nodes, c.Cluster.Witnesses) {
			fmt.Fprintf(h, "voter %s %s\n", v.Name, v.Addr)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// kind names the authentication, with the ids of the keys, without a secret.
func (a Auth) kind() string {
	switch {
	case a.HMAC != nil:
		return fmt.Sprintf("hmac %v", a.HMAC.sortedIDs())
	case !a.Pass.Empty():
		return "pass"
	}
	return "none"
}
