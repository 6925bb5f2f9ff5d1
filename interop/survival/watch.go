package survival

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// Suspect is an exchange that waits for longer than a SYN does that is sent again,
// and what was known of it while it waited: afterwards nobody knows its flow any
// more.
type Suspect struct {
	At time.Time
	load.Waiting
	Known [2]string // by the nodes
}

const (
	suspicious = 1500 * time.Millisecond // of waiting
	suspects   = 6                       // of each fault, as asking takes time from what is measured
)

// watch looks at what waits, until the function that it returns is called, which
// says what it saw.
func (r *run) watch() func() []Suspect {
	stop, done := make(chan struct{}), make(chan []Suspect)
	go func() {
		var all []Suspect
		seen := map[netip.AddrPort]bool{}
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				done <- all
				return
			case <-tick.C:
			}
			if len(all) >= suspects {
				continue
			}
			for _, w := range r.client.Waiting(suspicious, suspects) {
				if seen[w.From] || len(all) >= suspects {
					continue
				}
				seen[w.From] = true
				all = append(all, Suspect{time.Now(), w, r.known(w.From)})
			}
		}
	}()
	return func() []Suspect { close(stop); return <-done }
}

// known is what the nodes say of the flow of a client's end.
func (r *run) known(from netip.AddrPort) (by [2]string) {
	w, ok := r.pair.(Witness)
	if !ok || !from.IsValid() {
		return by
	}
	for i := range by {
		by[i] = w.Explain(i, from)
	}
	return by
}

func (s Suspect) String() string {
	text := fmt.Sprintf("%s from %s: %s\n", s.Kind, s.From, s.TCP)
	for i, known := range s.Known {
		if known != "" {
			text += fmt.Sprintf("lb%d: %s\n", i+1, known)
		}
	}
	return text
}
