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
	wrong  string // with the certificate's days
	warn   string
}

// ClientHandshake implements credentials.TransportCredentials.
func (s *secureRPC) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := s.TransportCredentials.ClientHandshake(ctx, authority, conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := info.(credentials.TLSInfo); ok && err == nil {
		if s.wrong, s.warn = s.secure.days(t.State, time.Now()); s.wrong != "" {
			secured.Close()
			err = errors.New(s.wrong)
		}
	}
	s.failed = err
	return secured, info, err
}

// Clone implements credentials.TransportCredentials: what is remembered stays
// in one place.
func (s *secureRPC) Clone() credentials.TransportCredentials { return s }

// refusal is why there was no connection, if that was TLS: the days of the
// certificate, or the handshake.
func (s *secureRPC) refusal() (wrong string, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong, s.failed
}

func (s *secureRPC) warning() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warn
}
