package daemon

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
)

// lacking is the groups that have not got all flows which their holder has. Such
// a group does not take its addresses from a live holder, up to a bound: every
// connection that it does not know would end.
type lacking struct {
	engine func() *engine.Engine

	mu   sync.Mutex
	wait time.Duration
	in   map[string]bool // by group: all is here
}

// lacksFlows is what such a group lacks, in a word.
const lacksFlows = "flows"

// expect says, before there are groups, that they have no flows yet.
func (l *lacking) expect(cfg *config.Config) {
	l.configure(cfg)
	for i := range cfg.Services {
		s := &cfg.Services[i]
		if g := groupOf(cfg, s); g != nil && s.Forward != balance.Proxy && cfg.Flows.Port != 0 {
			l.synced(g.Name, false)
		}
	}
}

func (l *lacking) configure(cfg *config.Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait = cfg.Flows.Wait
	if cfg.Flows.Port != 0 && l.wait > 0 {
		return
	}
	for name := range l.in { // nobody tells of flows any more
		l.engine().Unready(name, group.Lack{What: lacksFlows, For: group.Preempting})
		l.engine().Ready(name, lacksFlows)
	}
	clear(l.in)
}

// synced says whether a group has all flows that its holder has. What it has
// gets old by itself: when it has ceased to hold, and when it was cut off.
func (l *lacking) synced(name string, in bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, known := l.in[name]
	l.in[name] = in
	switch {
	case in:
		l.engine().Ready(name, lacksFlows)
	case (was || !known) && l.wait > 0:
		l.engine().Unready(name, group.Lack{
			What: lacksFlows, For: group.Preempting, Until: time.Now().Add(l.wait), Again: l.wait,
			Why: "not all connections are here that the holder has",
		})
	}
}

// repeat says again what is here: a link that was down for a moment has the
// group doubt it.
func (l *lacking) repeat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(l.in)) {
		if l.in[name] {
			l.engine().Ready(name, lacksFlows)
		}
	}
}
