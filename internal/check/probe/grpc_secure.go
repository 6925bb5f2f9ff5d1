package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// secureRPC is TLS for gRPC that judges the certificate's days and remembers,
// for one look, why a handshake failed: the library tells it in a sentence of
// its own.
type secureRPC struct {
	credentials.TransportCredentials
	secure *secure

	mu     sync.Mutex
	failed error
	warn   string
}

// ClientHandshake implements credentials.TransportCredentials.
func (s *secureRPC) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := s.TransportCredentials.ClientHandshake(ctx, authority, conn)
	warn := ""
	if t, ok := info.(credentials.TLSInfo); ok && err == nil {
		wrong := ""
		if wrong, warn = s.secure.days(t.State, time.Now()); wrong != "" {
			err = errors.New(wrong)
			secured.Close()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.warn = err, warn
	return secured, info, err
}

// Clone implements credentials.TransportCredentials: what is remembered stays
// in one place.
func (s *secureRPC) Clone() credentials.TransportCredentials { return s }

func (s *secureRPC) result() (failed error, warn string) {
	if s == nil {
		return nil, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed, s.warn
}
