package config

import (
	"slices"
	"time"
)

// Lease is one election by a record in a store that the nodes share.
type Lease struct {
	TTL          time.Duration // how long the others wait after a renewal
	Priority     int           // 1..254; the better one holds
	Preempt      bool          // ask a holder of lower priority to hand over
	PreemptDelay time.Duration // once this node has been fit for so long
	Failback     []Window      // only while one of them is open; none: always
	Stickiness   int           // what a holder has in addition to its priority, 0..254
	Failures     int           // so many in a row within BarredFor bar this node from holding; 0: never
	BarredFor    time.Duration
	Store        Store
}

// Store is where leases are kept.
type Store struct {
	// Embedded is that of the cluster; else it is an etcd somewhere.
	Embedded  bool
	Endpoints []string // host:port, or with http:// or https:// before it
	TLS       *TLS     // nil: none
	User      string   // empty: none
	Password  Secret
	Prefix    string // of the keys
}

// Equal says whether two stores are the same one, asked in the same way.
func (s Store) Equal(o Store) bool {
	return s.Embedded == o.Embedded && slices.Equal(s.Endpoints, o.Endpoints) && s.User == o.User && s.Password.Equal(o.Password) &&
		s.Prefix == o.Prefix && (s.TLS == nil) == (o.TLS == nil) && (s.TLS == nil || *s.TLS == *o.TLS)
}

// TLS is the files that prove who talks to whom.
type TLS struct {
	CA, Cert, Key string // paths; Cert and Key may be empty
}

// Embedded is the etcd that the nodes and witnesses of a cluster make up.
type Embedded struct {
	Certificates string        // directory of ca.crt, NODE.crt and NODE.key
	Heartbeat    time.Duration // of the leader; an election begins after ten missing ones
}

// Election is how long it takes at most, on an idle network, until there is
// another leader: of the random times that members wait, twice the shortest is
// the longest.
func (e *Embedded) Election() time.Duration { return 20 * e.Heartbeat }

// ShortestTTL is the shortest time that a lease can have without being lost
// with the leader of the store: while there is none, nothing is renewed. A
// lease is renewed three times in its time, and the last renewal before may
// just have been due; it is held for seven eighths of it; and a leader that is
// new has to write before it can answer.
func (e *Embedded) ShortestTTL() time.Duration { return 3 * e.Election() }

type rawLease struct {
	at           span
	ttl          val[time.Duration]
	priority     val[int]
	preempt      val[bool]
	preemptDelay val[time.Duration]
	failback     []rawWindow
	stickiness   val[int]
	failures     val[int]
	barred       val[time.Duration]
	store        val[string]
	endpoints    []val[string]
	tls          *rawTLS // nil: none
	user         val[string]
	password     *rawSecret // nil: none
	prefix       val[string]
}

type rawTLS struct {
	at            span
	ca, cert, key val[string]
}

func (l *rawLease) build() *Lease {
	if l == nil {
		return nil
	}
	out := &Lease{
		TTL: l.ttl.v, Priority: l.priority.v, Preempt: l.preempt.v, PreemptDelay: l.preemptDelay.v,
		Stickiness: l.stickiness.v, Failures: l.failures.v, BarredFor: l.barred.v,
		Store: Store{Embedded: !l.external(), Endpoints: values(l.endpoints), User: l.user.v, Prefix: l.prefix.v},
	}
	for _, w := range l.failback {
		out.Failback = append(out.Failback, w.v)
	}
	if l.tls != nil {
		out.Store.TLS = &TLS{CA: l.tls.ca.v, Cert: l.tls.cert.v, Key: l.tls.key.v}
	}
	if l.password != nil {
		out.Store.Password = l.password.value
	}
	return out
}

// external says whether the lease is in an etcd that is not ours.
func (l *rawLease) external() bool { return l.store.v == "etcd" }
