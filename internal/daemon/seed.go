package daemon

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-net/holdfast/internal/config"
)

// seedOf is the seed of a service's hashes. Who knows it can aim all of its
// flows at one backend. It is made of the key that nodes of the group share, so
// that their tables are the same; where there is none it is this node's own.
func seedOf(cfg *config.Config, s *config.Service) ([16]byte, error) {
	key := sharedKey(cfg, s)
	if key == nil {
		var err error
		if key, err = ownSeed(cfg.State); err != nil {
			return [16]byte{}, err
		}
	}
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte("holdfast: seed of service " + s.Name))
	return [16]byte(sum.Sum(nil)), nil
}

// sharedKey is a key that all nodes of the service's groups have.
func sharedKey(cfg *config.Config, s *config.Service) []byte {
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		if h := g.VRRP.Auth.HMAC; h != nil && slices.Contains(s.Groups, g.Name) {
			k := h.Keys[slices.Min(slices.Collect(maps.Keys(h.Keys)))]
			return k.Bytes()
		}
	}
	if cfg.Cluster != nil && len(cfg.Cluster.Keys) > 0 {
		return cfg.Cluster.Keys[0].Bytes()
	}
	return nil
}

// ownSeed is what this node made up once.
func ownSeed(state string) ([]byte, error) {
	path := filepath.Join(state, "services.seed")
	b, err := os.ReadFile(path)
	if err == nil && len(b) == sha256.Size {
		return b, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the seed of services: %w", err)
	}
	b = make([]byte, sha256.Size)
	_, _ = rand.Read(b) // it never fails
	if err := os.MkdirAll(state, 0o750); err != nil {
		return nil, fmt.Errorf("cannot keep the seed of services: %w", err)
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return nil, fmt.Errorf("cannot keep the seed of services: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("cannot keep the seed of services: %w", err)
	}
	return b, nil
}
