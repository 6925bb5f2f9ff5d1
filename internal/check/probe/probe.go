package probe

import (
	"fmt"

	"github.com/holdfast-net/holdfast/internal/check"
)

// New makes the probe of a network kind. It reads the files that the kind
// names; nothing goes over the network yet.
func New(kind check.Kind) (check.Probe, error) {
	p, err := build(kind)
	if err != nil {
		return nil, fmt.Errorf("cannot prepare the %s check of %s: %w", kind.Word(), kind.Target(), err)
	}
	return p, nil
}

func build(kind check.Kind) (check.Probe, error) {
	switch k := kind.(type) {
	case check.TCP:
		return newTCP(k), nil
	case check.TLS:
		return newTLS(k)
	case check.HTTP:
		return newHTTP(k)
	case check.Script:
		return newScript(k)
	case check.Postgres:
		return newPostgres(k)
	case check.DNS:
		return newDNS(k)
	case check.UDP:
		return newUDP(k)
	case check.Ping:
		return newPing(k), nil
	case check.GRPC:
		return newGRPC(k)
	}
	return nil, fmt.Errorf("%T does not look over the network", kind)
}
