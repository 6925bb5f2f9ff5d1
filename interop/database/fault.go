package database

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// fault is what happens to the node that has the address, and how it ends.
type fault struct {
	name string
	do   func(*cluster, *machine) error
	mend func(*cluster, *machine) error // after the service is back; nil: nothing to do
}

// both are the programs of a node that decide.
func daemons(m *machine) []int { return m.processes("holdfast") }

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
			signal([]int{m.daemon.PID()}, unix.SIGKILL)
			return nil
		},
	},
	{
		name: "daemon and guardian killed",
		do: func(_ *cluster, m *machine) error {
			signal(daemons(m), unix.SIGKILL)
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
}

// trial is one fault and what clients noticed of it.
type trial struct {
	fault    string
	from, to string
	gap      time.Duration // the longest without an acknowledged commit
	commits  int
}

// try lets one fault happen to a healthy cluster, and judges.
func (c *cluster) try(f fault) (trial, error) {
	if err := c.healthy(); err != nil {
		return trial{}, err
	}
	if _, err := c.ask("drop table if exists ledger; create table ledger (n bigint primary key)"); err != nil {
		return trial{}, err
	}
	p, err := c.primary()
	if err != nil {
		return trial{}, err
	}
	observer, writer := Observe(c.door), Write(c.door)
	t := trial{fault: f.name, from: p.name}
	err = c.happen(f, p, writer, &t)
	writer.Stop()
	answers := observer.Stop()
	if err != nil {
		return t, err
	}
	return t, c.judge(writer.Acked(), answers, &t)
}

func (c *cluster) happen(f fault, p *machine, w *Writer, t *trial) error {
	acks := func(since time.Time, count int) func() error {
		return func() error {
			n := 0
			for _, a := range w.Acked() {
				if a.At.After(since) {
					n++
				}
			}
			if n < count {
				return fmt.Errorf("%d commits", n)
			}
			return nil
		}
	}
	if err := until(acks(time.Time{}, 20)); err != nil {
		return fmt.Errorf("before the fault: %w", err)
	}
	began := time.Now()
	if err := f.do(c, p); err != nil {
		return err
	}
	var now *machine
	err := until(func() (err error) {
		if now, err = c.primary(); err == nil && now == p {
			err = fmt.Errorf("%s still has it", p.name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("another primary: %w", err)
	}
	if err := until(acks(time.Now(), 20)); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	t.to, t.gap = now.name, Gap(w.Acked(), began)
	if f.mend != nil {
		if err := f.mend(c, p); err != nil {
			return err
		}
	}
	if err := c.healthy(); err != nil {
		return fmt.Errorf("the old primary follows the new one: %w", err)
	}
	return nil
}

// judge is the verdict.
func (c *cluster) judge(acked []Commit, answers []Answer, t *trial) error {
	t.commits = len(acked)
	var lost []int64
	err := until(func() (err error) {
		lost, err = c.lost(acked)
		return err
	})
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d of %d acknowledged commits are lost, the first is %d", len(lost), len(acked), lost[0])
	}
	if rivals := Rivals(answers); len(rivals) > 0 {
		return fmt.Errorf("two primaries at the address, %d times: %s", len(rivals), rivals[0])
	}
	if len(answers) < 20 {
		return fmt.Errorf("the observer heard %d answers, too few to judge", len(answers))
	}
	return nil
}
