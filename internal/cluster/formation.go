package cluster

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// memory is what a member keeps beside its data, in one file.
type memory struct {
	Seed string `json:"seed"`
	// Formation are the seeds of the cluster that it took part in forming.
	Formation map[string]string `json:"formation,omitempty"`
	// Began says that it has voted, or may have: without its data it is
	// another member from then on.
	Began bool `json:"began"`
}

// verdict is what a member without data does next.
type verdict struct {
	state State
	// begin says that it begins: with a cluster that is new or with one that
	// is there, of these members.
	begin, existing bool
	initial         map[string]string // peer URL by name
	formation       map[string]string
	text            string
}

// decide says what a member without data does, given what the others said.
func decide(s *Spec, m *memory, heard map[string]*Word) verdict {
	own, err := s.own()
	if err != nil {
		return verdict{state: Apart, text: err.Error()}
	}
	var best *Word // who knows most of a cluster that is there
	for _, w := range heard {
		if w.State != Running {
			continue
		}
		if !m.Began && len(w.Formation) > 0 && w.Formation[s.Name] == m.Seed {
			return verdict{state: Waiting, begin: true, initial: s.urls(), formation: w.Formation}
		}
		if best == nil || (w.Leader != "") != (best.Leader != "") && w.Leader != "" || w.Applied > best.Applied {
			best = w
		}
	}
	switch {
	case best != nil:
		return join(s, own, best)
	case m.Began:
		return verdict{state: Apart, text: lost(s)}
	}
	return form(s, m, heard)
}

// join takes part in a cluster that is there, once it expects this member.
func join(s *Spec, own Peer, best *Word) verdict {
	initial, expected, known := map[string]string{}, false, false
	for _, i := range best.Members {
		switch {
		case i.PeerURL == own.peerURL() && i.Name == "":
			expected = true
			initial[own.Name] = i.PeerURL
		case i.PeerURL == own.peerURL():
			known = true
		case i.Name != "":
			initial[i.Name] = i.PeerURL
		default:
			initial[fmt.Sprintf("%x", i.ID)] = i.PeerURL
		}
	}
	switch {
	case expected && best.Leader != "":
		return verdict{state: Waiting, begin: true, existing: true, initial: initial}
	case expected:
		return verdict{state: Waiting, text: "the cluster expects this member, and has no leader"}
	case known:
		return verdict{state: Apart, text: lost(s)}
	}
	return verdict{state: Apart, text: fmt.Sprintf("%s is not a member of the cluster's store: run `holdfast cluster grow %s` on a node that is", s.Name, s.Name)}
}

func lost(s *Spec) string {
	return fmt.Sprintf("%s was a member of the cluster's store, and its data is gone from %s: bring it back, or run `holdfast cluster replace %s` on another node", s.Name, s.Dir, s.Name)
}

// form makes a new cluster once everybody was heard and nobody has one.
func form(s *Spec, m *memory, heard map[string]*Word) verdict {
	seeds := map[string]string{s.Name: m.Seed}
	var missing, differ, apart []string
	for _, p := range s.others() {
		switch w := heard[p.Name]; {
		case w == nil:
			missing = append(missing, p.Name)
		case w.State == Apart:
			apart = append(apart, p.Name)
		case w.List != s.list():
			differ = append(differ, p.Name)
		default:
			seeds[p.Name] = w.Seed
		}
	}
	switch {
	case len(apart) > 0:
		return verdict{state: Waiting, text: fmt.Sprintf("waiting for the members of an earlier cluster, of which %s was one", strings.Join(apart, ", "))}
	case len(differ) > 0:
		return verdict{state: Waiting, text: fmt.Sprintf("the file of %s names other nodes, witnesses or addresses of the cluster than this one", strings.Join(differ, ", "))}
	case len(missing) > 0:
		return verdict{state: Waiting, text: fmt.Sprintf("the store begins when all its members have been heard once; not yet: %s", strings.Join(missing, ", "))}
	}
	return verdict{state: Waiting, begin: true, initial: s.urls(), formation: seeds}
}

func (s *Spec) urls() map[string]string {
	out := map[string]string{}
	for _, p := range s.Peers {
		out[p.Name] = p.peerURL()
	}
	return out
}

// token is what tells members of one formation from those of another.
func token(formation map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(formation)) {
		fmt.Fprintf(h, "%s %s\n", name, formation[name])
	}
	return "holdfast-" + hex.EncodeToString(h.Sum(nil)[:12])
}

func memoryFile(dir string) string { return filepath.Join(dir, "member.json") }

// remember reads what there is, or begins with a new seed.
func remember(dir string) (*memory, error) {
	b, err := os.ReadFile(memoryFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		m := &memory{Seed: rand.Text()}
		return m, m.keep(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what the member knows: %w", err)
	}
	m := &memory{}
	if err := json.Unmarshal(b, m); err != nil || m.Seed == "" {
		return nil, fmt.Errorf("cannot read what the member knows: %s is damaged", memoryFile(dir))
	}
	return m, nil
}

// keep writes it, so that it is there whatever happens next.
func (m *memory) keep(dir string) error {
	b, err := json.Marshal(m)
	if err == nil {
		err = writeWhole(memoryFile(dir), b)
	}
	if err != nil {
		return fmt.Errorf("cannot keep what the member knows: %w", err)
	}
	return nil
}

// writeWhole replaces a file in one step, for good.
func writeWhole(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
