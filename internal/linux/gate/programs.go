package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// programs knows programs by their numbers. To look into one that another
// process has loaded needs CAP_SYS_ADMIN, which a daemon should not have. So it
// notes in a file what its own are called; a number is never used again before
// the next boot.
type programs struct {
	path  string // below /run; empty: no file
	known map[ebpf.ProgramID]program
}

// program is what there is to know of one.
type program struct {
	Name string       `json:"name"`
	Maps []ebpf.MapID `json:"maps"`
}

func openPrograms(dir string) (*programs, error) {
	ps := &programs{known: map[ebpf.ProgramID]program{}}
	if dir == "" {
		return ps, nil
	}
	ps.path = filepath.Join(dir, "gate-"+namespace()+".json")
	b, err := os.ReadFile(ps.path)
	if errors.Is(err, fs.ErrNotExist) {
		return ps, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &ps.known)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what programs there are: %w", err)
	}
	return ps, nil
}

// namespace is a word for the network namespace of the calling thread that no
// other one has now.
func namespace() string {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return "0"
	}
	return fmt.Sprint(st.Ino)
}

// look says what a program is. Ours is false also for one that nothing can be
// known about.
func (ps *programs) look(id ebpf.ProgramID) (_ program, ours bool, err error) {
	if p, ok := ps.known[id]; ok {
		return p, true, nil
	}
	p, err := ebpf.NewProgramFromID(id)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EPERM):
		return program{}, false, nil // it has just gone, or is not for us to see
	case err != nil:
		return program{}, false, fmt.Errorf("cannot look at program %d: %w", id, err)
	}
	defer p.Close()
	_, found, err := inspect(p)
	if err != nil {
		return program{}, false, fmt.Errorf("cannot look at program %d: %w", id, err)
	}
	_, _, ours = parseName(found.Name)
	return found, ours, nil
}

// inspect reads what the kernel knows of a program.
func inspect(p *ebpf.Program) (ebpf.ProgramID, program, error) {
	info, err := p.Info()
	if err != nil {
		return 0, program{}, err
	}
	id, _ := info.ID()
	maps, _ := info.MapIDs()
	return id, program{info.Name, maps}, nil
}

// note remembers programs of this process, and gives their numbers.
func (ps *programs) note(loaded ...*ebpf.Program) (map[*ebpf.Program]ebpf.ProgramID, error) {
	ids := map[*ebpf.Program]ebpf.ProgramID{}
	for _, p := range loaded {
		id, what, err := inspect(p)
		if err != nil {
			return nil, err
		}
		ids[p], ps.known[id] = id, what
	}
	if ps.path == "" {
		return ids, nil
	}
	b, err := json.Marshal(ps.known)
	if err != nil {
		return nil, err
	}
	// Whole or not at all.
	tmp := ps.path + ".new"
	if err := errors.Join(os.WriteFile(tmp, b, 0o600), os.Rename(tmp, ps.path)); err != nil {
		return nil, fmt.Errorf("cannot note what programs there are: %w", err)
	}
	return ids, nil
}

// forget removes the file: none of the programs is attached any more.
func (ps *programs) forget() error {
	if ps.path == "" {
		return nil
	}
	if err := os.Remove(ps.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
