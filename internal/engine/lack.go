package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
)

// Unready says that a group should not hold yet, for want of something, or how
// far that has come. It is heeded also by a group that is configured later, and
// until Ready or the lack's own end. It may be called from any goroutine.
func (e *Engine) Unready(name string, l group.Lack) {
	e.Post(func(now time.Time) {
		if e.lacks[name] == nil {
			e.lacks[name] = map[string]group.Lack{}
		}
		e.lacks[name][l.What] = l
		if u := e.unitOf(name); u != nil {
			e.step(now, u, group.Unready(name, l))
		}
	})
}

// Ready says that a group has what it lacked. It may be called from any
// goroutine.
func (e *Engine) Ready(name, what string) {
	e.Post(func(now time.Time) {
		if e.lacks[name][what].Again == 0 {
			delete(e.lacks[name], what)
		}
		if u := e.unitOf(name); u != nil {
			e.step(now, u, group.Ready(name, what))
		}
	})
}

// tellLacks gives a unit what was said of its groups.
func (e *Engine) tellLacks(now time.Time, u *unit) {
	for _, g := range u.groups {
		of := e.lacks[g.Name]
		for _, what := range slices.Sorted(maps.Keys(of)) {
			e.step(now, u, group.Unready(g.Name, of[what]))
		}
	}
}
