package database

import (
	"fmt"
	"slices"
	"time"
)

// Trial is one fault and what clients noticed of it.
type Trial struct {
	Way, Fault string
	From, To   string        // who was primary, and who is
	Gap        time.Duration // the longest without an acknowledged commit, up to Mended
	Mended     time.Duration // from the mend until everybody is well again
	Commits    int

	term int64 // before it
}

// enough are the answers that the observer has heard before a fault: by then some
// of its connections are open.
const enough = 20

// try lets one fault happen to a healthy cluster, and judges.
func (c *cluster) try(f fault) (Trial, error) {
	if err := c.healthy(); err != nil {
		return Trial{}, err
	}
	var p *machine
	var term int64
	err := until(func() (err error) {
		if _, err = c.ask("drop table if exists ledger; create table ledger (n bigint primary key)"); err != nil {
			return err
		}
		if p, err = c.primary(); err == nil {
			term, err = c.term()
		}
		return err
	})
	if err != nil {
		return Trial{}, fmt.Errorf("before the fault: %w", err)
	}
	observer, writer := Observe(c.door), Write(c.door)
	t := Trial{Way: c.way, Fault: f.name, From: p.name, term: term}
	err = c.happen(f, p, writer, observer, &t)
	writer.Stop()
	answers := observer.Stop()
	if err != nil {
		return t, err
	}
	return t, c.judge(writer.Acked(), answers, &t)
}

func (c *cluster) happen(f fault, p *machine, w *Writer, o *Observer, t *Trial) error {
	acks := func(since time.Time) error {
		return until(func() error {
			all := w.Acked()
			first := slices.IndexFunc(all, func(a Commit) bool { return a.At.After(since) })
			if first < 0 || len(all)-first < 20 {
				return fmt.Errorf("%d commits in all, too few of them since then", len(all))
			}
			return nil
		})
	}
	err := acks(time.Time{})
	if err == nil {
		err = until(func() error {
			if n := len(o.Answers()); n < enough {
				return fmt.Errorf("the observer heard %d answers", n)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("before the fault: %w", err)
	}
	began := time.Now()
	if err := f.do(c, p); err != nil {
		return err
	}
	mend := func() error {
		if f.mend == nil {
			return nil
		}
		return f.mend(c, p)
	}
	if f.store {
		if err := mend(); err != nil {
			return err
		}
	}
	mended := time.Now()
	var now *machine
	err = until(func() (err error) {
		now, err = c.primary()
		if err != nil || f.store || now != p {
			return err
		}
		// The same node may be primary again: a daemon that is started again
		// takes its own lease back, and who gets a handover may turn out to lack
		// what the other standby has.
		term, err := c.term()
		if err == nil && term == t.term {
			err = fmt.Errorf("%s still has it", p.name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("a primary: %w", err)
	}
	if err := acks(time.Now()); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	if !f.store {
		if err := mend(); err != nil {
			return err
		}
		mended = time.Now()
	}
	if err := c.healthy(); err != nil {
		return fmt.Errorf("everybody is well again: %w", err)
	}
	t.To, t.Gap, t.Mended = now.name, Gap(w.Acked(), began), time.Since(mended)
	return nil
}

// judge is the verdict.
func (c *cluster) judge(acked []Commit, answers []Answer, t *Trial) error {
	t.Commits = len(acked)
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
	return nil
}
