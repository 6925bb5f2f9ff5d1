package probe

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/holdfast-net/holdfast/internal/check"
)

// grpcHealth is up when grpc.health.v1 says SERVING.
type grpcHealth struct {
	kind      check.GRPC
	dialer    *dialer
	address   string
	authority string
	secure    *secure // nil: plain
}

func newGRPC(k check.GRPC) (*grpcHealth, error) {
	p := &grpcHealth{kind: k, dialer: newDialer(k.Via, weBegin), address: k.To.String()}
	p.authority = k.Authority
	if k.Secure != nil {
		s, err := newSecure(*k.Secure, k.To.Host)
		if err != nil {
			return nil, err
		}
		if p.authority == "" {
			p.authority = k.Secure.Name
		}
		p.secure = s
	}
	return p, nil
}

// Try implements check.Probe.
func (p *grpcHealth) Try(ctx context.Context) check.Seen {
	start := time.Now()
	open := conns{dialer: p.dialer, look: ctx}
	defer open.end()
	creds := insecure.NewCredentials()
	var tls *secureRPC
	if p.secure != nil {
		tls = &secureRPC{TransportCredentials: credentials.NewTLS(p.secure.config), secure: p.secure}
		creds = tls
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return open.dial(ctx, p.address) }),
		// Nothing of the machine's environment changes whom is asked, and how.
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithDisableHealthCheck(),
		grpc.WithUserAgent("holdfast"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
	}
	if p.authority != "" {
		options = append(options, grpc.WithAuthority(p.authority))
	}
	client, err := grpc.NewClient("passthrough:///"+p.address, options...)
	if err != nil {
		return failed(start, err, "SERVING")
	}
	defer client.Close()
	reply, err := health.NewHealthClient(client).Check(ctx, &health.HealthCheckRequest{Service: p.kind.Service})
	if err != nil {
		early := open.dialFailure()
		if tls != nil && early == nil {
			wrong, failure := tls.refusal()
			if wrong != "" {
				return check.Failed(wrong)
			}
			early = failure
		}
		return p.refused(start, early, err)
	}
	text := reply.GetStatus().String() + " in " + took(start)
	if reply.GetStatus() != health.HealthCheckResponse_SERVING {
		return check.Failed(text + ", wanted SERVING")
	}
	if tls != nil {
		return warned(text, tls.warning())
	}
	return check.Passed(text)
}

// refused says what the code means here. early is why there was no connection.
func (p *grpcHealth) refused(start time.Time, early, err error) check.Seen {
	if early != nil {
		return failed(start, early, "SERVING")
	}
	s := status.Convert(err)
	switch s.Code() {
	case codes.DeadlineExceeded, codes.Canceled:
		return failed(start, context.DeadlineExceeded, "SERVING")
	case codes.Unimplemented:
		return check.Failed("a server without grpc.health.v1 in " + took(start) + ", wanted SERVING")
	case codes.NotFound:
		return check.Failed("an unknown service in " + took(start) + ", wanted SERVING")
	}
	return check.Failed(s.Code().String() + " (" + oneLine(s.Message()) + ") after " + took(start) + ", wanted SERVING")
}
