package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
)

// Clerk carries the queries of one lease to a store, and gives the answers
// back as events.
type Clerk struct {
	store  Store
	id     string
	tell   func(lease.Event)
	ctx    context.Context
	cancel context.CancelFunc
	swaps  context.Context // goes on for a moment after that
	end    context.CancelFunc
	open   sync.WaitGroup
}

// NewClerk makes one for the lease id. tell is called from other goroutines
// and must not block.
func NewClerk(s Store, id string, tell func(lease.Event)) *Clerk {
	c := &Clerk{store: s, id: id, tell: tell}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.swaps, c.end = context.WithCancel(context.Background())
	return c
}

// Ask carries a query. It returns at once.
func (c *Clerk) Ask(q lease.Query) {
	c.open.Go(func() {
		if a := c.ask(&q); c.ctx.Err() == nil {
			c.tell(lease.Answered(a))
		}
	})
}

// longestWatch is how long one standing question is asked: a connection that
// broke without a word is found out then, at the latest.
const longestWatch = 10 * time.Minute

func (c *Clerk) ask(q *lease.Query) lease.Answer {
	parent, within := c.ctx, q.Within
	switch q.Kind {
	case lease.Watch:
		within = longestWatch
	case lease.Swap:
		parent = c.swaps
	}
	ctx, cancel := context.WithTimeout(parent, within)
	defer cancel()
	a := lease.Answer{Kind: q.Kind, Serial: q.Serial}
	switch q.Kind {
	case lease.Get:
		a.Found, a.Err = c.store.Get(ctx, c.id)
	case lease.Swap:
		a.OK, a.Found, a.Err = c.store.Swap(ctx, c.id, q.If, q.Record)
	case lease.Watch:
		a.Err = c.store.Watch(ctx, c.id, func(f lease.Found) {
			if c.ctx.Err() == nil {
				c.tell(lease.Changed(f))
			}
		})
	}
	if a.Err != nil {
		a.Err = fmt.Errorf("cannot ask the store: %w", a.Err)
	}
	return a
}

// parting is how long a store has to take what was written last: that nobody
// holds any more.
const parting = 2 * time.Second

// Close ends the open queries without an answer. What is being written goes on
// for a moment, and Close waits for it.
func (c *Clerk) Close() {
	c.cancel()
	late := time.AfterFunc(parting, c.end)
	c.open.Wait()
	late.Stop()
	c.end()
}
