package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// patience is how long anything may take on a machine that does ten other
// things. Nothing waits for it to pass.
const patience = 90 * time.Second

// until polls until f has nothing to complain about.
func until(f func() error) error {
	deadline, tick := time.Now().Add(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
		<-tick.C
	}
}

// The two ways of deciding who is primary, by the words of the README.
const (
	votes = "votes"
	lease = "a lease"
)

// cluster is three nodes with the database, and a client.
type cluster struct {
	way      string
	lan      *lab.LAN
	machines []*machine
	door     Door
}

// small is what the database does with on a machine that runs three of them, and
// when it is killed nothing is left behind outside of its directory.
const small = "shared_buffers = 16MB\nmax_connections = 60\ndynamic_shared_memory_type = mmap\n"

// newCluster sets everything up below dir, with holdfast's binary, as the
// example says for a way of deciding; edit may change what a machine has before
// anything is started.
func newCluster(dir, binary, example, way string, edit func(*machine) error) (c *cluster, err error) {
	c = &cluster{way: way}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	// Programs of postgres have to get here.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	if c.lan, err = lab.New(); err != nil {
		return nil, err
	}
	for i, name := range []string{"db1", "db2", "db3"} {
		home := filepath.Join(dir, name)
		if err := os.Mkdir(home, 0o755); err != nil {
			return nil, err
		}
		m, err := newMachine(c.lan, name, byte(11+i), home, binary, example)
		if err != nil {
			return nil, err
		}
		c.machines = append(c.machines, m)
		f, err := os.OpenFile(filepath.Join(m.work(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		_, err = f.WriteString(small)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	client, err := c.lan.Add(lab.HostConfig{
		Name: "client", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 100},
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.100/24")},
	})
	if err != nil {
		return nil, err
	}
	if err := c.install(example); err != nil {
		return nil, err
	}
	pass, err := os.ReadFile(filepath.Join(c.machines[0].work(), "secrets", "database.pass"))
	if err != nil {
		return nil, err
	}
	c.door = Door{From: client, Address: "192.0.2.10", User: "holdfast", Password: strings.TrimSpace(string(pass))}
	for _, m := range c.machines {
		if err := errors.Join(edit(m), m.begin()); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Close ends everything.
func (c *cluster) Close() error {
	if c.lan == nil {
		return nil
	}
	return c.lan.Close()
}

func (c *cluster) machine(name string) *machine {
	for _, m := range c.machines {
		if m.name == name {
			return m
		}
	}
	return nil
}

// ask asks whoever is at the address.
func (c *cluster) ask(query string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.door.Ask(ctx, query)
}

// primary is who answers at the address as one.
func (c *cluster) primary() (*machine, error) {
	rows, err := c.ask("select current_setting('cluster_name'), pg_is_in_recovery()")
	if err != nil {
		return nil, err
	}
	if rows[0][1] != "f" {
		return nil, fmt.Errorf("%s is a standby and has the address", rows[0][0])
	}
	m := c.machine(rows[0][0])
	if m == nil {
		return nil, fmt.Errorf("%q has the address", rows[0][0])
	}
	return m, nil
}

// term is the one of the primary.
func (c *cluster) term() (int64, error) {
	rows, err := c.ask("select max(term) from holdfast.terms")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(rows[0][0], 10, 64)
}

// healthy waits until there is a primary that both others follow, and they wait
// for its hold, and the store is well where there is one.
func (c *cluster) healthy() error {
	return until(func() error {
		p, err := c.primary()
		if err != nil {
			return err
		}
		rows, err := c.ask("select application_name from pg_stat_replication where state = 'streaming' and application_name ~ '^db'")
		if err != nil {
			return err
		}
		if len(rows) != len(c.machines)-1 {
			return fmt.Errorf("%d nodes follow %s", len(rows), p.name)
		}
		for _, m := range c.machines {
			if s := m.state(); m != p && !strings.Contains(s, "backup") {
				return fmt.Errorf("%s does not wait for the hold of %s: %s", m.name, p.name, s)
			}
		}
		if c.way == lease {
			_, err = c.leader()
		}
		return err
	})
}

// lost are the commits that are gone.
func (c *cluster) lost(acked []Commit) ([]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return Lost(ctx, c.door, acked)
}
