package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
)

// slow is a store that takes its time, and obeys its ctx.
type slow struct {
	takes time.Duration
	swaps int
}

func (s *slow) wait(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) Get(ctx context.Context, _ string) (lease.Found, error) {
	return lease.Found{Revision: "1"}, s.wait(ctx)
}

func (s *slow) Swap(ctx context.Context, _ string, _ lease.Condition, to lease.Record) (bool, lease.Found, error) {
	if err := s.wait(ctx); err != nil {
		return false, lease.Found{}, err
	}
	s.swaps++
	return true, lease.Found{Revision: "2", Record: to}, nil
}

func (s *slow) Watch(ctx context.Context, _ string, tell func(lease.Found)) error {
	tell(lease.Found{Revision: "1"})
	<-ctx.Done()
	return ctx.Err()
}

func (s *slow) View() []View { return nil }

func (s *slow) Close() error { return nil }

// Each query is answered by itself, with its number, and waits for no other.
func TestClerk_Answers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan lease.Event, 10)
		c := NewClerk(&slow{takes: time.Second}, "db", func(ev lease.Event) { told <- ev })
		begun := time.Now()
		c.Ask(lease.Query{Kind: lease.Watch, Serial: 1})
		c.Ask(lease.Query{Kind: lease.Get, Serial: 2, Within: time.Minute})
		c.Ask(lease.Query{Kind: lease.Swap, Serial: 3, Within: 100 * time.Millisecond})
		if time.Since(begun) > 0 {
			t.Error("asking blocks")
		}
		synctest.Wait()
		if ev := <-told; ev.Kind != lease.EventChanged || ev.Answer.Found.Revision != "1" {
			t.Errorf("the watch tells %+v", ev)
		}
		if ev := <-told; ev.Answer.Serial != 3 || !errors.Is(ev.Answer.Err, context.DeadlineExceeded) || time.Since(begun) != 100*time.Millisecond {
			t.Errorf("the swap is answered by %+v", ev)
		}
		if ev := <-told; ev.Answer.Serial != 2 || ev.Answer.Err != nil || ev.Answer.Found.Revision != "1" {
			t.Errorf("the question is answered by %+v", ev)
		}
		c.Close()
		if len(told) > 0 {
			t.Errorf("%+v after the end", <-told)
		}
	})
}

// What is written last is still written, where the store takes it in time.
func TestClerk_WritesWhatIsLeft(t *testing.T) {
	for _, tt := range []struct {
		takes, lasts time.Duration
		swaps        int
	}{{time.Second, time.Second, 1}, {time.Hour, parting, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{takes: tt.takes}
			c := NewClerk(s, "db", func(ev lease.Event) { t.Errorf("%+v after the end", ev) })
			c.Ask(lease.Query{Kind: lease.Get, Serial: 1, Within: time.Minute})
			c.Ask(lease.Query{Kind: lease.Swap, Serial: 2, Within: time.Minute})
			begun := time.Now()
			c.Close()
			if got := time.Since(begun); got != tt.lasts || s.swaps != tt.swaps {
				t.Errorf("a store that takes %s: %d written, after %s", tt.takes, s.swaps, got)
			}
		})
	}
}
