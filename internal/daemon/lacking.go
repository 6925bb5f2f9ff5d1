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
	of   map[string]group.Lack // by group
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
}

// synced says whether a group has all flows that its holder has.
func (l *lacking) synced(name string, in bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, lacks := l.of[name]
	switch {
	case in && lacks:
		delete(l.of, name)
		l.engine().Ready(name, lacksFlows)
	case !in && !lacks && l.wait > 0:
		x := group.Lack{
			What: lacksFlows, For: group.Preempting, Until: time.Now().Add(l.wait),
			Why: "not all connections are here that the holder has",
		}
		l.of[name] = x
		l.engine().Unready(name, x)
	}
}

// repeat says again what is lacking: while a group was holding, it was not
// heeded.
func (l *lacking) repeat() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(l.of)) {
		if x := l.of[name]; x.Until.After(time.Now()) {
			l.engine().Unready(name, x)
		}
	}
}
