package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/interop/database"
)

// commits lets the faults happen to PostgreSQL under Pacemaker, beside the same
// writer as those of interop/database, and counts the same: for how long no
// commit is acknowledged, and which acknowledged ones are gone.
func (b *bench) commits(report *Report) (err error) {
	p := &pgsql{}
	s, err := b.newStage(&contender{name: "pacemaker-pgsql", software: p})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.heal(nil); err != nil {
		return err
	}
	killed := fault{name: "primary killed", do: func(_ *stage, m *machine) error {
		// The postmaster, and so no process of it can end anything in order.
		return m.signal(func(args []string) bool { return filepath.Base(args[0]) == "postgres" && len(args) > 1 }, unix.SIGKILL)
	}}
	lost := fault{name: "machine lost", do: faults[0].do}
	moved := fault{name: "handover", do: s.move, planned: true}
	for round := range b.rounds {
		for _, f := range []fault{killed, lost, moved} {
			t, err := b.commit(s, f)
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			say("round %d of %d: %-16s %s to %s: %5.0f ms without a commit, %d commits, %d lost", round+1, b.rounds, f.name, t.From, t.To, t.Gap, t.Commits, t.Lost)
			report.Commits = append(report.Commits, t)
		}
	}
	return nil
}

// Commits is one fault of the database and what its client noticed.
type Commits struct {
	Fault   string  `json:"fault"`
	From    string  `json:"from"`
	To      string  `json:"to"`
	Gap     float64 `json:"gap_ms"` // the longest without an acknowledged commit
	Commits int     `json:"commits"`
	Lost    int     `json:"lost"` // acknowledged, and not there
}

func (b *bench) commit(s *stage, f fault) (t Commits, err error) {
	t.Fault = f.name
	door := s.door()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := door.Ask(ctx, "drop table if exists ledger; create table ledger (n bigint primary key)"); err != nil {
		return t, err
	}
	if t.From, err = s.primary(ctx); err != nil {
		return t, err
	}
	holder := s.machine(t.From)
	if holder == nil {
		return t, fmt.Errorf("%q is primary", t.From)
	}
	w := database.Write(door)
	defer w.Stop()
	if err := b.pause(2 * time.Second); err != nil {
		return t, err
	}
	at := time.Now()
	if err := f.do(s, holder); err != nil {
		return t, err
	}
	err = until(90*time.Second, func() error {
		if err := s.stopped(); err != nil {
			return err
		}
		now, err := s.primary(ctx)
		if err == nil && now == t.From {
			err = fmt.Errorf("%s is still primary", now)
		}
		t.To = now
		return err
	})
	if err != nil {
		return t, fmt.Errorf("another primary: %w", err)
	}
	// Commits again, and for a while.
	since := time.Now()
	err = until(60*time.Second, func() error {
		n := 0
		for _, c := range w.Acked() {
			if c.At.After(since) {
				n++
			}
		}
		if n < 100 {
			return errors.Join(s.stopped(), fmt.Errorf("%d commits after the fault", n))
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	w.Stop()
	t.Commits, t.Gap = len(w.Acked()), ms(database.Gap(w.Acked(), at))
	gone, err := database.Lost(ctx, door, w.Acked())
	if err != nil {
		return t, err
	}
	t.Lost = len(gone)
	if f.planned {
		if err := s.settle(s); err != nil {
			return t, err
		}
	}
	return t, s.heal(holder)
}

// primary is who takes writes at the address, by its host's name.
func (s *stage) primary(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	rows, err := s.door().Ask(ctx, "select pg_is_in_recovery(), pg_read_file('/proc/sys/kernel/hostname')")
	if err != nil {
		return "", err
	}
	if len(rows) != 1 || rows[0][0] != "f" {
		return "", errors.New("a standby has the address")
	}
	return strings.TrimSpace(rows[0][1]), nil
}
