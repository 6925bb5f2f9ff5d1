package pools

import (
	"context"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Trace calls see with each packet that is looked for, until the context is over
// or see returns false: see [balance.Tracer]. The goroutine is the caller's.
func (p *Pools) Trace(ctx context.Context, l balance.Look, see func(*balance.Sighting) bool) error {
	var tracer balance.Tracer
	var refused error
	err := p.do(ctx, func() {
		s := p.services[l.Service]
		switch {
		case l.Service != "" && s == nil:
			refused = &Refused{"there is no service " + l.Service}
			return
		case s != nil && s.pool.Report().Service.Forward == balance.Proxy:
			refused = &Refused{fmt.Sprintf("%s is a proxy: its connections are this machine's own, and tcpdump shows them", l.Service)}
			return
		}
		var ok bool
		if tracer, ok = p.kernel.plane.(balance.Tracer); !ok {
			refused = &Refused{"the kernel forwards no service here; what proxies do tcpdump shows"}
		}
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	return tracer.Trace(ctx.Done(), l, see)
}
