package probe

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/holdfast-net/holdfast/internal/check"
)

// rpc is a real gRPC server; with is nil for one without the health service.
func rpc(t *testing.T, with *health.Server, options ...grpc.ServerOption) check.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(options...)
	if with != nil {
		healthpb.RegisterHealthServer(s, with)
	}
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return endpoint(t, l.Addr())
}

func TestGRPC(t *testing.T) {
	a := newAuthority(t)
	h := health.NewServer()
	h.SetServingStatus("shop.Cart", healthpb.HealthCheckResponse_SERVING)
	h.SetServingStatus("shop.Stock", healthpb.HealthCheckResponse_NOT_SERVING)
	plain := rpc(t, h)
	secured := rpc(t, h, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{a.issue("rpc.example.org", 30)}})))
	trust := func(change func(*check.Secure)) *check.Secure {
		s := &check.Secure{Verify: true, CA: a.file}
		if change != nil {
			change(s)
		}
		return s
	}
	for _, c := range []struct {
		name string
		kind check.GRPC
		ok   bool
		want string
	}{
		{"server", check.GRPC{To: plain}, true, "SERVING in "},
		{"service", check.GRPC{To: plain, Service: "shop.Cart"}, true, "SERVING in "},
		{"not serving", check.GRPC{To: plain, Service: "shop.Stock"}, false, "NOT_SERVING in "},
		{"unknown", check.GRPC{To: plain, Service: "shop.Till"}, false, "an unknown service in "},
		{"no health service", check.GRPC{To: rpc(t, nil)}, false, "a server without grpc.health.v1 in "},
		{"refused", check.GRPC{To: closed(t)}, false, "connection refused after "},
		{"TLS", check.GRPC{To: secured, Secure: trust(nil)}, true, "SERVING in "},
		{"TLS by name", check.GRPC{To: secured, Secure: trust(func(s *check.Secure) { s.Name = "rpc.example.org" })}, true, "SERVING in "},
		{"another name", check.GRPC{To: secured, Secure: trust(func(s *check.Secure) { s.Name = "example.net" })}, false, "certificate of another name (rpc.example.org)"},
		{"days", check.GRPC{To: secured, Secure: trust(func(s *check.Secure) { s.MinDays = 40 })}, false, "certificate of rpc.example.org expires in 30 days, wanted 40"},
		{"warned", check.GRPC{To: secured, Secure: trust(func(s *check.Secure) { s.WarnDays = 40 })}, true, ", but certificate of rpc.example.org expires in 30 days"},
		{"plain to TLS", check.GRPC{To: secured}, false, "wanted SERVING"},
		{"TLS to plain", check.GRPC{To: plain, Secure: trust(nil)}, false, "wanted SERVING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tryFor(t, c.kind, 5*time.Second)
			sees(t, got, c.ok, c.want)
			t.Log(got.Text)
		})
	}
}
