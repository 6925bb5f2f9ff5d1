package database

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Answer is what somebody said who takes writes at the address.
type Answer struct {
	Asked, Heard time.Time
	Node         string
	Term         int64
}

// Observer asks whoever is at the address. Each of its connections stays open
// and is asked again, however long an answer takes: a client that was connected
// to an old primary is one that could still write to it.
type Observer struct {
	door   Door
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu      sync.Mutex
	answers []Answer
}

const (
	openEvery = 250 * time.Millisecond // a new connection
	askEvery  = 200 * time.Millisecond // over each that is open: some are asked every few ms
	keepFor   = 10 * time.Second       // a connection, while it is answered
)

// Observe begins to ask.
func Observe(door Door) *Observer {
	ctx, cancel := context.WithCancel(context.Background())
	o := &Observer{door: door, cancel: cancel}
	o.all.Go(func() {
		tick := time.NewTicker(openEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			o.all.Go(func() { o.follow(ctx) })
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	return o
}

// follow is one connection.
func (o *Observer) follow(ctx context.Context) {
	opening, cancel := context.WithTimeout(ctx, 2*time.Second)
	conn, err := o.door.open(opening)
	cancel()
	if err != nil {
		return
	}
	defer conn.Conn().Close()
	for began := time.Now(); time.Since(began) < keepFor; {
		if o.ask(ctx, conn) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(askEvery):
		}
	}
}

// question is for the node, its term, and whether it is a standby. A primary that
// has not written down yet that its term began is in the next one.
const question = `select current_setting('cluster_name'),
	term + (node <> current_setting('cluster_name'))::int, pg_is_in_recovery()
	from holdfast.terms order by term desc limit 1`

func (o *Observer) ask(ctx context.Context, conn *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a := Answer{Asked: time.Now()}
	rows, err := ask(ctx, conn, question)
	a.Heard = time.Now()
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0][2] == "t" {
		return nil
	}
	a.Node = rows[0][0]
	if a.Term, err = strconv.ParseInt(rows[0][1], 10, 64); err != nil {
		return err
	}
	o.mu.Lock()
	o.answers = append(o.answers, a)
	o.mu.Unlock()
	return nil
}

// Stop ends it, and gives what was heard.
func (o *Observer) Stop() []Answer {
	o.cancel()
	o.all.Wait()
	return o.answers
}

// Answers is what was heard so far.
func (o *Observer) Answers() []Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.answers)
}

// Rivals finds answers that two primaries gave at a time: of two nodes in one
// term, or of an earlier term to a question that was put after a later one was
// known.
func Rivals(answers []Answer) []string {
	asked := slices.Clone(answers)
	slices.SortFunc(asked, func(a, b Answer) int { return a.Asked.Compare(b.Asked) })
	heard := slices.Clone(answers)
	slices.SortFunc(heard, func(a, b Answer) int { return a.Heard.Compare(b.Heard) })
	var found []string
	node := map[int64]string{}
	var latest Answer
	next := 0
	for _, a := range asked {
		if n := cmp.Or(node[a.Term], a.Node); n != a.Node {
			found = append(found, fmt.Sprintf("in term %d both %s and %s take writes", a.Term, n, a.Node))
		}
		node[a.Term] = a.Node
		for ; next < len(heard) && heard[next].Heard.Before(a.Asked); next++ {
			if heard[next].Term > latest.Term {
				latest = heard[next]
			}
		}
		if a.Term < latest.Term {
			found = append(found, fmt.Sprintf("%s takes writes in term %d, %s after %s did in term %d",
				a.Node, a.Term, a.Asked.Sub(latest.Heard), latest.Node, latest.Term))
		}
	}
	return found
}
