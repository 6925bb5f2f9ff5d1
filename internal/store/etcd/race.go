package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// How long the first member has before the next one is asked as well: a part
// of the time that the question is worth, within bounds.
const (
	patiencePart  = 8
	leastPatience = 10 * time.Millisecond
	mostPatience  = 250 * time.Millisecond
)

// How long a member that said that it cannot is left alone.
const (
	leastPause = 10 * time.Millisecond
	mostPause  = 200 * time.Millisecond
)

// errElsewhere is the error of a member of another cluster.
var errElsewhere = errors.New("it belongs to another etcd cluster than the others")

// answer is one member's.
type answer[T any] struct {
	value T
	err   error
	from  int
}

// race asks the members one after the other until one has answered, and gives
// the first answer.
//
// With a write, one that is not done is only good when every member that was
// asked has answered: see Swap.
func race[T any](ctx context.Context, s *Store, write bool, ask func(context.Context, *member) (T, *pb.ResponseHeader, error), done func(T) bool) (T, error) {
	var none T
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	answers := make(chan answer[T], len(s.members))
	r := runners{out: make([]bool, len(s.members)), since: make([]time.Time, len(s.members))}
	send := func(i int) {
		r.out[i] = true
		r.open++
		s.asked.Go(func() {
			begun := time.Now()
			var h *pb.ResponseHeader
			v, err := with(ctx, s.members[i], func(ctx context.Context) (v T, err error) {
				v, h, err = ask(ctx, s.members[i])
				return v, err
			})
			if err == nil && !s.belongs(i, h.GetClusterId()) {
				err = errElsewhere
			}
			if err == nil || !errors.Is(context.Cause(ctx), context.Canceled) {
				s.members[i].note(begun, err)
			}
			answers <- answer[T]{v, err, i}
		})
	}
	patience, pause := patienceOf(ctx), leastPause
	next := s.first()
	send(next)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var last error
	var undone *answer[T]
	unsure := false // a write got no answer and may yet be carried out
	for {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				// Nor did the one that was asked last.
				s.demote(next)
			}
			return none, because(ctx, last)
		case a := <-answers:
			r.out[a.from] = false
			r.since[a.from] = time.Now()
			r.open--
			switch {
			case a.err == nil && (done == nil || done(a.value)):
				s.prefer(a.from)
				return a.value, nil
			case a.err == nil:
				undone = &a
			default:
				last = fmt.Errorf("%s: %w", s.members[a.from].endpoint, plain(a.err))
				unsure = unsure || write && !refused(a.err)
			}
			if undone != nil && r.open == 0 {
				if unsure {
					return none, fmt.Errorf("it is not known what became of it: %w", last)
				}
				return undone.value, nil
			}
			if undone == nil {
				timer.Reset(0)
			}
		case <-timer.C:
			if undone != nil {
				continue // only those that were asked still count
			}
			i, wait := r.next(next, pause)
			if i < 0 {
				timer.Reset(wait)
				continue
			}
			if !r.since[i].IsZero() {
				pause = min(2*pause, mostPause)
			}
			next = i
			send(i)
			timer.Reset(patience)
		}
	}
}

// runners are the members in a race.
type runners struct {
	out   []bool      // asked, no answer yet
	since []time.Time // when it said last that it cannot
	open  int
}

// next is the member to ask after one, or how long to wait for one.
func (r *runners) next(after int, pause time.Duration) (int, time.Duration) {
	wait := mostPause
	for k := range r.out {
		i := (after + 1 + k) % len(r.out)
		if r.out[i] {
			continue
		}
		rest := pause - time.Since(r.since[i])
		if r.since[i].IsZero() || rest <= 0 {
			return i, 0
		}
		wait = min(wait, rest)
	}
	return -1, wait
}

func patienceOf(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return mostPatience
	}
	return min(max(time.Until(end)/patiencePart, leastPatience), mostPatience)
}

// because is why there was no answer in time.
func because(ctx context.Context, last error) error {
	switch err := context.Cause(ctx); {
	case last == nil && errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no member answered: %w", err)
	case last == nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (no other member answered in time)", last)
	}
	return last
}

func (s *Store) first() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.best
}

func (s *Store) prefer(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.best = i
}

// demote has another member asked first than this one.
func (s *Store) demote(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.best == i {
		s.best = (i + 1) % len(s.members)
	}
}
