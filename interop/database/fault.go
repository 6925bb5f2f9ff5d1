package database

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// fault is what happens to the node that has the address, and how it ends.
type fault struct {
	name  string
	do    func(*cluster, *machine) error
	mend  func(*cluster, *machine) error // after the service is back; nil: nothing to do
	store bool                           // it befalls the store: who is primary may go on
}

func freeze(programs ...string) func(*cluster, *machine) error {
	return func(_ *cluster, m *machine) error {
		for _, p := range programs {
			signal(m.processes(p), unix.SIGSTOP)
		}
		return nil
	}
}

func thaw(programs ...string) func(*cluster, *machine) error {
	return func(_ *cluster, m *machine) error {
		for _, p := range programs {
			signal(m.processes(p), unix.SIGCONT)
		}
		return nil
	}
}

var faults = []fault{
	{
		name: "handover",
		do: func(_ *cluster, m *machine) error {
			_, err := m.run(m.binary, "handover", "db")
			return err
		},
	},
	{
		name: "primary killed",
		do: func(_ *cluster, m *machine) error {
			pid, err := m.postmaster()
			return errors.Join(err, unix.Kill(pid, unix.SIGKILL))
		},
	},
	{
		name: "daemon killed",
		do: func(_ *cluster, m *machine) error {
			signal(m.roles("run"), unix.SIGKILL) // the guardian starts another one
			return nil
		},
	},
	{
		name: "daemon and guardian killed",
		do: func(_ *cluster, m *machine) error {
			signal(m.processes("holdfast"), unix.SIGKILL)
			return nil
		},
		mend: func(_ *cluster, m *machine) error { return m.begin() },
	},
	{
		name: "machine cut off",
		do:   func(_ *cluster, m *machine) error { return m.host.Cut(lab.Silent) },
		mend: func(_ *cluster, m *machine) error { return m.host.Restore() },
	},
	{name: "daemon frozen", do: freeze("holdfast"), mend: thaw("holdfast")},
	{name: "database frozen", do: freeze("postgres"), mend: thaw("postgres")},
	{name: "both frozen", do: freeze("holdfast", "postgres"), mend: thaw("postgres", "holdfast")},
	{
		name:  "the primary's member of the store killed",
		store: true,
		do: func(_ *cluster, m *machine) error {
			signal(m.roles("member"), unix.SIGKILL)
			return nil
		},
	},
	{
		name:  "the leader of the store killed",
		store: true,
		do: func(c *cluster, _ *machine) error {
			leader, err := c.leader()
			if err == nil {
				signal(leader.roles("member"), unix.SIGKILL)
			}
			return err
		},
	},
	{
		name:  "the store without a majority",
		store: true,
		do: func(c *cluster, p *machine) error {
			for _, m := range c.machines {
				if m != p {
					signal(m.roles("member"), unix.SIGSTOP)
				}
			}
			// Nobody may serve without it.
			return until(func() error {
				if _, err := c.primary(); err == nil {
					return fmt.Errorf("%s still serves", p.name)
				}
				return nil
			})
		},
		mend: func(c *cluster, _ *machine) error {
			for _, m := range c.machines {
				signal(m.roles("member"), unix.SIGCONT)
			}
			return nil
		},
	},
}

// of are the faults that can happen to a way of deciding.
func of(way string) []fault {
	if way == lease {
		return faults
	}
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return f.store })
}

// leader is who leads the store, where all its members take part.
func (c *cluster) leader() (*machine, error) {
	// That a member needs attention, which is an error, may be a slow disk.
	out, err := c.machines[0].run(c.machines[0].binary, "cluster", "status", "-o", "json")
	var said struct {
		Leader  string
		Members []struct{ Name, State string }
	}
	if json.Unmarshal([]byte(out), &said) != nil {
		return nil, fmt.Errorf("cannot read what the store says of itself: %w", err)
	}
	for _, m := range said.Members {
		if m.State != "leader" && m.State != "member" {
			return nil, fmt.Errorf("the member %s of the store is %s", m.Name, m.State)
		}
	}
	m := c.machine(said.Leader)
	if m == nil {
		return nil, fmt.Errorf("the store has no leader: %s", out)
	}
	return m, nil
}
