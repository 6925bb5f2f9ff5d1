package daemon

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/holdfast-net/holdfast/internal/cluster"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/store"
	"github.com/holdfast-net/holdfast/internal/store/etcd"
)

// OpenStore connects to where leases are kept: the store that the cluster's
// members make up, or an etcd elsewhere. It connects when it is asked
// something.
func OpenStore(cfg *config.Config, s config.Store) (store.Store, error) {
	c := etcd.Config{Endpoints: s.Endpoints, User: s.User, Password: string(s.Password.Bytes()), Prefix: s.Prefix}
	var files cluster.Files
	switch {
	case s.Embedded && !embedded(cfg):
		// A reload has brought both: it is not in force before the groups are.
		return nil, errors.New("cannot use the store of leases: the file in force has no store for its cluster yet")
	case s.Embedded:
		spec := memberSpec(cfg, "")
		files = cluster.FilesOf(spec.Certificates, spec.Name)
		c.Endpoints = nil
		for _, p := range spec.Peers {
			if p.Name == spec.Name { // the nearest one first
				c.Endpoints = append([]string{p.Client()}, c.Endpoints...)
			} else {
				c.Endpoints = append(c.Endpoints, p.Client())
			}
		}
	case s.TLS != nil:
		files = cluster.Files{CA: s.TLS.CA, Cert: s.TLS.Cert, Key: s.TLS.Key}
	}
	if files.CA != "" {
		var err error
		if c.TLS, err = files.TLS(); err != nil {
			return nil, fmt.Errorf("cannot use the store of leases: %w", err)
		}
	}
	return etcd.New(c)
}

// memberSpec is this node's or witness's part in the store of its cluster.
func memberSpec(cfg *config.Config, version string) cluster.Spec {
	s := cluster.Spec{
		Name: cfg.Node, Dir: storeDir(cfg), Version: version,
		Certificates: cfg.Cluster.Store.Certificates, Heartbeat: cfg.Cluster.Store.Heartbeat,
	}
	for _, voters := range [][]config.Voter{cfg.Cluster.Nodes, cfg.Cluster.Witnesses} {
		for _, v := range voters {
			s.Peers = append(s.Peers, cluster.Peer{Name: v.Name, Addr: v.Addr})
		}
	}
	return s
}

// storeDir is where this node's part of the store is.
func storeDir(cfg *config.Config) string { return filepath.Join(cfg.State, "store") }

func embedded(cfg *config.Config) bool { return cfg.Cluster != nil && cfg.Cluster.Store != nil }
