package sysctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// Memory remembers what the settings of interfaces were before holdfast
// changed them. With a path it does so in a file as well, so that the next run
// can put back what a killed one could not; such a file belongs below /run,
// because the settings are lost in a reboot too. Its methods may be called
// from any goroutine.
type Memory struct {
	path string

	mu    sync.Mutex
	known map[string]Original
}

// Original is what one interface had.
type Original struct {
	Index  int    `json:"index"` // a re-created interface has another one, and fresh settings
	Values Values `json:"values"`
}

// Open reads what an earlier run left. An empty path means memory only.
func Open(path string) (*Memory, error) {
	m := &Memory{path: path, known: map[string]Original{}}
	if path == "" {
		return m, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &m.known)
	}
	if err != nil {
		m.known = map[string]Original{}
		return m, fmt.Errorf("cannot read saved settings: %w", err)
	}
	return m, nil
}

// Keep remembers the values of an interface, unless it has earlier ones:
// those are the true originals.
func (m *Memory) Keep(ifname string, index int, now Values) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.known[ifname]
	if !ok || o.Index != index {
		o = Original{Index: index, Values: Values{}}
	}
	added := false
	for k, v := range now {
		if _, known := o.Values[k]; !known {
			o.Values[k], added = v, true
		}
	}
	m.known[ifname] = o
	if !added {
		return nil
	}
	return m.save()
}

// Forget drops keys of an interface once they are back to what they were.
func (m *Memory) Forget(ifname string, keys ...Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.known[ifname]
	if !ok {
		return nil
	}
	for _, k := range keys {
		delete(o.Values, k)
	}
	if len(o.Values) == 0 {
		delete(m.known, ifname)
	}
	return m.save()
}

// Known is everything remembered.
func (m *Memory) Known() map[string]Original {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]Original{}
	for name, o := range m.known {
		all[name] = Original{Index: o.Index, Values: maps.Clone(o.Values)}
	}
	return all
}

// save writes the file whole or not at all.
func (m *Memory) save() error {
	if m.path == "" {
		return nil
	}
	err := m.write()
	if err != nil {
		return fmt.Errorf("cannot save settings: %w", err)
	}
	return nil
}

func (m *Memory) write() error {
	if len(m.known) == 0 {
		err := os.Remove(m.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	b, err := json.Marshal(m.known)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.path), ".settings-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
