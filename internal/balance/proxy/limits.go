package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// rate bounds new flows a second (a token bucket as one instant: GCRA, ITU-T
// I.371 §A). It lets a burst of a tenth of a second through.
type rate struct{ due atomic.Int64 }

func (r *rate) take(now int64, perSecond uint32) bool {
	if perSecond == 0 {
		return true
	}
	each := int64(time.Second) / int64(perSecond)
	burst := max(int64(time.Second)/10, each)
	for {
		due := r.due.Load()
		if due > now+burst-each {
			return false
		}
		if r.due.CompareAndSwap(due, max(due, now)+each) {
			return true
		}
	}
}

// affinity remembers the target of a client. It is asked once a connection, by
// all loops.
//
// Where it remembers as many as it may, another one is forgotten for a new one:
// which does not matter, it only loses its old target.
type affinity struct {
	mu    sync.Mutex
	most  int // 0: mostBonds
	last  map[netip.Addr]attachment
	swept int64
}

type attachment struct {
	target *target
	until  int64
}

// mostBonds is how many clients of a service are remembered.
const mostBonds = 1 << 16

func (a *affinity) room() int {
	if a.most > 0 {
		return a.most
	}
	return mostBonds
}

func (a *affinity) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.last)
}

func (a *affinity) get(client netip.Addr, now int64) *target {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.last[client]
	if !ok || now >= at.until {
		return nil
	}
	return at.target
}

// look is get for people: it says until when, too.
func (a *affinity) look(client netip.Addr, now int64) (t *target, until int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.last[client]; ok && now < at.until {
		return at.target, at.until
	}
	return nil, 0
}

func (a *affinity) put(client netip.Addr, t *target, now int64, lasts time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last = map[netip.Addr]attachment{}
	}
	if _, known := a.last[client]; !known && len(a.last) >= a.room() {
		for other := range a.last {
			delete(a.last, other)
			break
		}
	}
	a.last[client] = attachment{t, now + int64(lasts)}
	if now-a.swept > int64(lasts) {
		a.swept = now
		for c, at := range a.last {
			if now >= at.until {
				delete(a.last, c)
			}
		}
	}
}
