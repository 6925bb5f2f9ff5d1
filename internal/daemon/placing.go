package daemon

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
)

// placing knows which groups wait for their services to be in the kernel. An
// address that answers before they are resets connections which another node
// has served: to the host's stack they are unknown.
type placing struct {
	mu     sync.Mutex
	placed []string            // services, by name
	waits  map[string][]string // for what, by group
}

const (
	// lacksServices is what such a group lacks, in a word.
	lacksServices = "services"
	// placedWithin is for how long it is waited for: backends have to be
	// checked, which takes up to three seconds, and the kernel to take programs.
	placedWithin = 10 * time.Second
)

// awaitServices has groups wait whose services are not in the kernel yet. It is
// said before the groups begin.
func (d *Daemon) awaitServices(cfg *config.Config) {
	p := &d.placing
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.waits
	p.waits = map[string][]string{}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		if s.Forward == balance.Proxy || slices.Contains(p.placed, s.Name) {
			continue
		}
		for _, g := range s.Groups {
			p.waits[g] = append(p.waits[g], s.Name)
		}
	}
	for g, services := range p.waits {
		d.engine.Unready(g, group.Lack{
			What: lacksServices, For: group.Claiming, Until: time.Now().Add(placedWithin),
			Why: fmt.Sprintf("not in the kernel yet: %s", strings.Join(services, ", ")),
		})
	}
	for g := range before {
		if p.waits[g] == nil {
			d.engine.Ready(g, lacksServices)
		}
	}
}

// placedServices notes which services the kernel serves.
func (d *Daemon) placedServices(services []string) {
	p := &d.placing
	p.mu.Lock()
	defer p.mu.Unlock()
	p.placed = services
	for g, wanted := range p.waits {
		if !slices.ContainsFunc(wanted, func(s string) bool { return !slices.Contains(services, s) }) {
			delete(p.waits, g)
			d.engine.Ready(g, lacksServices)
		}
	}
}
