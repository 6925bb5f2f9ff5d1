package doctor

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/tcp"
	"github.com/holdfast-net/holdfast/internal/tickle"
)

// clients tries what groups with reset_clients need. To end a connection that
// nobody has leaves nothing.
func (e *examination) clients(cfg *config.Config) {
	if !slices.ContainsFunc(cfg.Groups, func(g config.Group) bool { return g.ResetClients }) {
		return
	}
	k, err := tcp.Open()
	if err != nil {
		e.add(api.FindingMissing, "reset_clients", "give the daemon CAP_NET_RAW, and load inet_diag and tcp_diag where they are modules",
			"clients cannot be told that their connections are gone: %v", err)
		return
	}
	defer func() { _ = k.Close() }()
	if _, err := k.List([]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}); err != nil {
		e.add(api.FindingMissing, "reset_clients", "load the modules inet_diag and tcp_diag", "clients cannot be told that their connections are gone: %v", err)
		return
	}
	switch err := k.CanEnd(); {
	case errors.Is(err, tickle.ErrCannotEnd):
		e.add(api.FindingWeaker, "reset_clients", "use a kernel with CONFIG_INET_DIAG_DESTROY, as Debian's",
			"clients are told; but a node that does not hold any more keeps its own halves of their connections until its service gives them up")
	case err != nil:
		e.add(api.FindingWeaker, "reset_clients", "run doctor with the rights of the daemon", "clients are told; %v", err)
	default:
		e.ok("reset_clients", "connections are listed, and stale ones are ended")
	}
}
