package etcd

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-net/holdfast/internal/store"
)

type kv = mvccpb.KeyValue

// member is the connection to one member. etcd's own client would make one to
// all of them, with one idea of which is well.
type member struct {
	endpoint string
	conn     *grpc.ClientConn
	kv       pb.KVClient
	watcher  pb.WatchClient
	auth     pb.AuthClient
	user     string
	password string

	mu    sync.Mutex
	token string
	heard time.Time
	trip  time.Duration
	err   error
}

// How a connection is made, and made again: members come back soon, and what
// was sent into the void for two seconds has not arrived.
const (
	connectBound = 2 * time.Second
	unackedBound = 2 * time.Second
)

func newMember(endpoint string, cfg Config) (*member, error) {
	host := endpoint
	creds := insecure.NewCredentials()
	if cfg.TLS != nil {
		creds = credentials.NewTLS(cfg.TLS.Clone())
	}
	if scheme, rest, ok := strings.Cut(endpoint, "://"); ok {
		host = rest
		switch {
		case scheme == "https" && cfg.TLS == nil:
			return nil, fmt.Errorf("cannot use %s: there are no certificates for it", endpoint)
		case scheme == "http" && cfg.TLS != nil:
			return nil, fmt.Errorf("cannot use %s: it would do without the certificates that there are", endpoint)
		case scheme != "https" && scheme != "http":
			return nil, fmt.Errorf("cannot use %s: it is neither http nor https", endpoint)
		}
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", endpoint, err)
	}
	d := net.Dialer{
		Timeout:         connectBound,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: unackedBound, Interval: time.Second, Count: 3},
		Control:         giveUpUnacked,
	}
	conn, err := grpc.NewClient("passthrough:///"+host,
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: connectBound,
		}))
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", endpoint, err)
	}
	return &member{
		endpoint: endpoint, conn: conn, user: cfg.User, password: cfg.Password,
		kv: pb.NewKVClient(conn), watcher: pb.NewWatchClient(conn), auth: pb.NewAuthClient(conn),
	}, nil
}

// giveUpUnacked has the kernel end a connection whose other end takes nothing
// any more (TCP_USER_TIMEOUT, tcp(7)).
func giveUpUnacked(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedBound.Milliseconds()))
	})
}

// with asks the member something, logged in where a user is given.
func with[T any](ctx context.Context, m *member, ask func(context.Context) (T, error)) (T, error) {
	for again := true; ; again = false {
		token, err := m.login(ctx)
		if err != nil {
			var none T
			return none, err
		}
		if token != "" {
			ctx = metadata.NewOutgoingContext(ctx, metadata.Pairs(rpctypes.TokenFieldNameGRPC, token))
		}
		r, err := ask(ctx)
		if err == nil || !again || m.user == "" || !stale(err) {
			return r, err
		}
		m.forget(token)
	}
}

// stale says whether another login would help: tokens end, and with each
// change of the users and their rights.
func stale(err error) bool {
	d := rpctypes.Error(err)
	return status.Code(err) == codes.Unauthenticated || d == rpctypes.ErrAuthOldRevision || d == rpctypes.ErrInvalidAuthToken || d == rpctypes.ErrUserEmpty
}

func (m *member) login(ctx context.Context) (string, error) {
	if m.user == "" {
		return "", nil
	}
	m.mu.Lock()
	token := m.token
	m.mu.Unlock()
	if token != "" {
		return token, nil
	}
	r, err := m.auth.Authenticate(ctx, &pb.AuthenticateRequest{Name: m.user, Password: m.password})
	if rpctypes.Error(err) == rpctypes.ErrAuthNotEnabled {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot log in as %s: %w", m.user, err)
	}
	m.mu.Lock()
	m.token = r.Token
	m.mu.Unlock()
	return r.Token, nil
}

func (m *member) forget(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token == token {
		m.token = ""
	}
}

// note keeps what became of a question that was sent at begun.
func (m *member) note(begun time.Time, err error) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err = err; err == nil {
		m.heard, m.trip = now, now.Sub(begun)
	}
}

func (m *member) view() store.View {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := store.View{Endpoint: m.endpoint, Heard: m.heard, Trip: m.trip}
	if m.err != nil {
		v.Err = plain(m.err).Error()
	}
	return v
}

// plain is an error without what gRPC puts around it.
func plain(err error) error {
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch s.Code() {
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case codes.Canceled:
		return context.Canceled
	}
	return rpctypes.Error(err)
}
