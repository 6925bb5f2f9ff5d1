package look

import (
	"fmt"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/check/local"
	"github.com/holdfast-net/holdfast/internal/linux/address"
)

// Addresses implements local.Kernel.
func (l *Look) Addresses(k check.Address) ([]local.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries, err := address.List(l.conn, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot look for address %s: %w", k.Is, err)
	}
	name := l.names()
	var found []local.Addr
	for _, e := range entries {
		if e.Prefix.Addr() == k.Is.Unmap().WithZone("") {
			found = append(found, local.Addr{Dev: name.of(e.Index), Prefix: e.Prefix, Tentative: e.Tentative(), Duplicate: e.Duplicate()})
		}
	}
	return found, nil
}
