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
	notOn  []string            // interfaces that they are not served on
	on     map[string]string   // the interface of a group
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
	p.waits, p.on = map[string][]string{}, map[string]string{}
	for i := range cfg.Groups {
		p.on[cfg.Groups[i].Name] = cfg.Groups[i].Interface
	}
	for i := range cfg.Services {
		s := &cfg.Services[i]
		if s.Forward == balance.Proxy {
			continue
		}
		for _, g := range s.Groups {
			if !p.isPlaced(s.Name, g) {
				p.waits[g] = append(p.waits[g], s.Name)
			}
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

// placedServices notes which services the kernel serves, and where it does not. A
// group waits for its own: others may be refused for ever.
func (d *Daemon) placedServices(services, notOn []string) {
	p := &d.placing
	p.mu.Lock()
	defer p.mu.Unlock()
	p.placed, p.notOn = services, notOn
	for g, wanted := range p.waits {
		if !slices.ContainsFunc(wanted, func(s string) bool { return !p.isPlaced(s, g) }) {
			delete(p.waits, g)
			d.engine.Ready(g, lacksServices)
		}
	}
}

// isPlaced says whether the kernel serves a service for the clients of a group.
func (p *placing) isPlaced(service, group string) bool {
	return slices.Contains(p.placed, service) && !slices.Contains(p.notOn, p.on[group])
}
