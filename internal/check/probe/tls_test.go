package probe

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/holdfast-net/holdfast/internal/check"
)

// tlsServer does handshakes.
func tlsServer(t *testing.T, c *tls.Config) check.Endpoint {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, func(c net.Conn) {
		if c.(*tls.Conn).Handshake() == nil {
			c.Read(make([]byte, 1))
		}
	})
	return endpoint(t, l.Addr())
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	server := func(name string, days int, change func(*tls.Config)) check.Endpoint {
		c := &tls.Config{Certificates: []tls.Certificate{a.issue(name, days)}}
		if change != nil {
			change(c)
		}
		return tlsServer(t, c)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	good := server("www.example.org", 30, nil)
	expired := server("old.example.org", -3, nil)
	strict := server("www.example.org", 30, func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs, c.MaxVersion = tls.RequireAndVerifyClientCert, clients, tls.VersionTLS12
	})
	picky := server("www.example.org", 30, func(c *tls.Config) {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if h.ServerName != "www.example.org" {
				return nil, net.ErrClosed
			}
			return nil, nil
		}
		c.NextProtos = []string{"h2"}
	})
	cert, key := a.files(a.issue("client", 30))
	for _, c := range []struct {
		name   string
		to     check.Endpoint
		secure check.Secure
		ok     bool
		warn   bool
		want   []string
	}{
		{"verified", good, check.Secure{Verify: true, CA: a.file}, true, false, []string{"TLS 1.3 in "}},
		{"its name", good, check.Secure{Verify: true, CA: a.file, Name: "www.example.org"}, true, false, nil},
		{"another name", good, check.Secure{Verify: true, CA: a.file, Name: "example.net"}, false, false, []string{"certificate of another name (www.example.org) after "}},
		{"unknown authority", good, check.Secure{Verify: true}, false, false, []string{"certificate of an unknown authority"}},
		{"unverified", good, check.Secure{Name: "example.net"}, true, false, nil},
		{"enough days", good, check.Secure{Verify: true, CA: a.file, MinDays: 30}, true, false, nil},
		{"too few days", good, check.Secure{Verify: true, CA: a.file, MinDays: 31}, false, false, []string{"certificate of www.example.org expires in 30 days, wanted 31"}},
		{"warned", good, check.Secure{CA: "", WarnDays: 40}, true, true, []string{", but certificate of www.example.org expires in 30 days"}},
		{"expired", expired, check.Secure{Verify: true, CA: a.file}, false, false, []string{"certificate of old.example.org expired on "}},
		{"expired, unverified", expired, check.Secure{}, false, false, []string{"certificate of old.example.org expired on "}},
		{"client certificate", strict, check.Secure{Verify: true, CA: a.file, Cert: cert, Key: key}, true, false, []string{"TLS 1.2"}},
		{"no client certificate", strict, check.Secure{Verify: true, CA: a.file}, false, false, []string{"TLS alert: "}},
		{"SNI and ALPN", picky, check.Secure{Verify: true, CA: a.file, Name: "www.example.org", ALPN: []string{"h2", "http/1.1"}}, true, false, nil},
		{"no SNI", picky, check.Secure{Verify: true, CA: a.file}, false, false, []string{"TLS alert: "}},
		{"other ALPN", picky, check.Secure{Verify: true, CA: a.file, Name: "www.example.org", ALPN: []string{"imap"}}, false, false, []string{"no application protocol"}},
		{"no ALPN", good, check.Secure{Verify: true, CA: a.file, ALPN: []string{"h2"}}, false, false, []string{"the server took none of the protocols offered"}},
		{"plain", listen(t, func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad\r\n\r\n")) }), check.Secure{}, false, false, []string{"no TLS"}},
		{"closed", listen(t, func(net.Conn) {}), check.Secure{}, false, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := try(t, check.TLS{To: c.to, Secure: c.secure})
			sees(t, got, c.ok, c.want...)
			if got.Warn != c.warn {
				t.Errorf("warn is %v: %s", got.Warn, got.Text)
			}
		})
	}
}

func TestNew_SaysWhichFileCannotBeRead(t *testing.T) {
	a := newAuthority(t)
	for _, s := range []check.Secure{
		{Verify: true, CA: "/no/such/ca.pem"},
		{Verify: true, Cert: "/no/such/cert.pem"},
		{Verify: true, Cert: a.file, Key: a.file},
	} {
		if p, err := New(check.TLS{To: check.Endpoint{Host: "127.0.0.1", Port: 1}, Secure: s}); err == nil {
			t.Errorf("%+v made %T", s, p)
		} else {
			t.Log(err)
		}
	}
}
