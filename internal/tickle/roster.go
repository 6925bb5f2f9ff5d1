package tickle

import "time"

// roster is what one node has told of the connections of an address.
type roster struct {
	from    string
	list    time.Time
	divided time.Time // when the list was last divided anew, by ours
	heard   time.Time
	leftOut int
	buckets []bucket
	missing int // buckets of which nothing was heard
	clients int
	older   []Connection // of the list before, until this one is whole
}

type bucket struct {
	sent    time.Time
	heard   bool
	clients []Connection
}

const (
	// maxRosters is of how many nodes lists are kept, for an address.
	maxRosters = 4
	// maxKnown is how many connections are kept in all.
	maxKnown = 262144
	// quiet is how long a node says nothing that does not hold any more. It
	// is longer than a holder takes to tell its list once.
	quiet = 2 * again
	// divideEvery is how often a list may be divided anew: it costs more than
	// the datagram that says so, which anybody may have sent.
	divideEvery = 100 * time.Millisecond
)

// rosters are those of an address.
type rosters struct{ all []*roster }

// note takes in what a node told, and reports whether it is new. spare is how
// many more connections there is room for.
func (r *rosters) note(now time.Time, m *Message, spare int) bool {
	x := r.of(now, m)
	if x == nil {
		return false
	}
	switch {
	case len(x.buckets) > 0 && now.Sub(x.heard) <= quiet && m.List.Before(x.list):
		return false // late, from before the list was divided anew
	case len(x.buckets) == 0 || !m.List.Equal(x.list) || len(x.buckets) != m.Buckets:
		if now.Sub(x.divided) < divideEvery {
			return false
		}
		if x.missing == 0 {
			x.older = x.everything()
		}
		x.divided, x.list, x.buckets, x.missing, x.clients = now, m.List, make([]bucket, m.Buckets), m.Buckets, 0
	}
	b := &x.buckets[m.Bucket]
	if b.heard && !m.Sent.After(b.sent) && now.Sub(x.heard) <= quiet {
		return false
	}
	clients := m.Clients
	if more := len(clients) - len(b.clients); more > spare {
		clients = clients[:max(len(clients)-(more-max(spare, 0)), 0)]
	}
	if !b.heard {
		x.missing--
	}
	x.clients += len(clients) - len(b.clients)
	*b = bucket{m.Sent, true, clients}
	x.heard, x.leftOut = now, m.LeftOut
	if x.missing == 0 {
		x.older = nil
		r.forget(now, x)
	}
	return true
}

// of finds the roster of a sender, or makes room for one.
func (r *rosters) of(now time.Time, m *Message) *roster {
	oldest := 0
	for i, x := range r.all {
		if x.from == m.From {
			return x
		}
		if x.heard.Before(r.all[oldest].heard) {
			oldest = i
		}
	}
	x := &roster{from: m.From}
	switch {
	case len(r.all) < maxRosters:
		r.all = append(r.all, x)
	case now.Sub(r.all[oldest].heard) > quiet:
		r.all[oldest] = x
	default:
		return nil // who is known is not driven out by names that are invented
	}
	return x
}

// forget drops what nodes told that are not heard any more, once a whole list of
// another one is there: that one holds now, and has told the clients.
func (r *rosters) forget(now time.Time, whole *roster) {
	kept := r.all[:0]
	for _, x := range r.all {
		if x == whole || now.Sub(x.heard) <= quiet {
			kept = append(kept, x)
		}
	}
	clear(r.all[len(kept):])
	r.all = kept
}

// size is how many connections are kept.
func (r *rosters) size() (n int) {
	for _, x := range r.all {
		n += x.clients + len(x.older)
	}
	return n
}

// known is all connections that any of them has, each once.
func (r *rosters) known() []Connection {
	seen := make(map[Connection]bool, r.size())
	var out []Connection
	for _, x := range r.all {
		for _, c := range x.everything() {
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// latest is the roster that was heard last; nil: there is none.
func (r *rosters) latest() *roster {
	var out *roster
	for _, x := range r.all {
		if out == nil || x.heard.After(out.heard) {
			out = x
		}
	}
	return out
}

func (x *roster) everything() []Connection {
	out := append(make([]Connection, 0, x.clients+len(x.older)), x.older...)
	for i := range x.buckets {
		out = append(out, x.buckets[i].clients...)
	}
	return out
}
