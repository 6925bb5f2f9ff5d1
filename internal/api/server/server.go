package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Limits on what clients can make the daemon spend.
const (
	maxConns     = 256
	maxHeader    = 16 << 10
	maxBody      = 64 << 10
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	idleTimeout  = 2 * time.Minute
	// commandTimeout bounds a command; a handover may last one skew time
	// of the slowest group, 40.95s at most.
	commandTimeout   = 2 * time.Minute
	defaultFollowers = 32
	// stopWait bounds how long answers under way may hold up a stop.
	stopWait = time.Second
)

// Options are what a Server works with.
type Options struct {
	Daemon  api.Daemon
	Version api.Version
	// Metrics answers GET /metrics; nil: there is none.
	Metrics http.Handler
	// Followers is how many event streams may be open; default 32.
	Followers int
	Log       *slog.Logger
}

// Server answers clients. One Server may serve several listeners.
type Server struct {
	opt       Options
	followers chan struct{} // one token for each open stream
}

// New returns a Server; it does nothing until it is given a listener.
func New(o Options) *Server {
	if o.Followers <= 0 {
		o.Followers = defaultFollowers
	}
	return &Server{opt: o, followers: make(chan struct{}, o.Followers)}
}

// ServeControl answers on the control socket until ctx ends, then closes l.
func (s *Server) ServeControl(ctx context.Context, l *Listener) error {
	return s.serve(ctx, l, s.handler(l.access))
}

// ServeReadOnly answers readers on any listener, meant for TCP, until ctx
// ends, then closes l. It adds /metrics, and it knows no writing. Answers are
// computed one after another, for a fifth of a processor at most.
func (s *Server) ServeReadOnly(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, inTurns(s.handler(readOnly{})))
}

func (s *Server) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	base, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withPeer,
		ReadHeaderTimeout: readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-base.Done()
		wait, done := context.WithTimeout(context.WithoutCancel(base), stopWait)
		defer done()
		if srv.Shutdown(wait) != nil {
			srv.Close()
		}
	}()
	err := srv.Serve(limit(l, maxConns))
	cancel()
	<-stopped
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve on %s: %w", l.Addr(), err)
	}
	return nil
}
