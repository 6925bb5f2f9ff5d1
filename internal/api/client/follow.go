package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Query says which entries of the journal are wanted.
type Query struct {
	After uint64 // with a higher ID than this
	Limit int    // at most so many, the oldest ones; 0: all
	Last  int    // at most so many, the newest ones; 0: all
	Group string // of this group alone; empty: all
}

func (q Query) values() url.Values {
	v := url.Values{}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	for name, n := range map[string]int{"limit": q.Limit, "last": q.Last} {
		if n > 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	if q.Group != "" {
		v.Set("group", q.Group)
	}
	return v
}

const (
	// silence is how long a stream may say nothing before it is taken for
	// dead; the server says something every 15s.
	silence  = 45 * time.Second
	retryMin = 250 * time.Millisecond
	retryMax = 5 * time.Second
)

// Watcher is told what happens to a followed journal.
type Watcher struct {
	Event func(api.Event) error // an error ends Follow, which returns it
	Lost  func(error)           // the connection was lost and is tried again; may be nil
	Back  func()                // it is there again; may be nil
}

// Follow calls w.Event for each entry as it comes, the ones already there
// first, until ctx ends (then it returns nil). When the daemon goes away,
// say for an upgrade, it waits for it and goes on behind the last entry seen.
// It fails at once if it cannot reach the daemon the first time.
func (c *Client) Follow(ctx context.Context, q Query, w Watcher) error {
	f := &follower{client: c, query: q, watcher: w}
	retry := retryMin
	for {
		err := f.stream(ctx)
		var stop *stopped
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &stop):
			return stop.err
		case !f.connected:
			return err
		}
		if f.alive {
			f.alive, retry = false, retryMin
			if w.Lost != nil {
				w.Lost(err)
			}
		}
		select {
		case <-time.After(retry):
			retry = min(2*retry, retryMax)
		case <-ctx.Done():
			return nil
		}
	}
}

type follower struct {
	client    *Client
	query     Query
	watcher   Watcher
	connected bool // at least once
	alive     bool // now
}

// stopped wraps an error of the watcher.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }

// stream reads one connection until it ends; its error says why.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	v := f.query.values()
	v.Set("follow", "1")
	header := http.Header{"Accept": {"text/event-stream"}}
	resp, err := f.client.send(ctx, http.MethodGet, "/v1/events?"+v.Encode(), nil, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	if f.connected && f.watcher.Back != nil {
		f.watcher.Back()
	}
	f.connected, f.alive = true, true
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("the daemon was silent for %s", silence)) })
	defer quiet.Stop()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		quiet.Reset(silence)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue // ids are in the data; the rest is for other clients
		}
		var ev api.Event
		if err := json.Unmarshal([]byte(data), &ev); err != nil {
			return &stopped{fmt.Errorf("cannot read an event: %w", err)}
		}
		f.query.After, f.query.Last, f.query.Limit = ev.ID, 0, 0
		if err := f.watcher.Event(ev); err != nil {
			return &stopped{err}
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := lines.Err(); err != nil {
		return &Unreachable{Socket: f.client.socket, Err: bare(err)}
	}
	return &Unreachable{Socket: f.client.socket, Err: errors.New("it closed the connection")}
}
