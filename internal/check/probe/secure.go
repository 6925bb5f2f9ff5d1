package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// secure speaks TLS as a check asks for, and judges how long the certificate
// is good.
type secure struct {
	config   *tls.Config
	min      int
	warn     int
	verifies bool
}

// newSecure reads the files. host is what is connected to.
func newSecure(s check.Secure, host string) (*secure, error) {
	c := &tls.Config{ServerName: s.Name, InsecureSkipVerify: !s.Verify, NextProtos: s.ALPN, MinVersion: tls.VersionTLS12}
	if c.ServerName == "" {
		c.ServerName = host
	}
	if s.CA != "" {
		pem, err := os.ReadFile(s.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificates to trust: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the certificates to trust: there is no PEM certificate in %s", s.CA)
		}
	}
	if s.Cert != "" {
		key := s.Key
		if key == "" {
			key = s.Cert
		}
		pair, err := tls.LoadX509KeyPair(s.Cert, key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the client's certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return &secure{config: c, min: s.MinDays, warn: s.WarnDays, verifies: s.Verify}, nil
}

// speak does the handshake within the deadline of conn. Every look does a full
// one: a resumed session would not show the certificate that a new client gets.
func (s *secure) speak(conn net.Conn) (*tls.Conn, error) {
	t := tls.Client(conn, s.config)
	// Handshake and not HandshakeContext: the deadline of conn ends it, without
	// a goroutine.
	if err := t.Handshake(); err != nil {
		return nil, err
	}
	if len(s.config.NextProtos) > 0 && t.ConnectionState().NegotiatedProtocol == "" {
		return nil, errNoProtocol
	}
	return t, nil
}

var errNoProtocol = errors.New("the server took none of the protocols offered (ALPN)")

// days says how long the certificate is good. wrong is why that is not enough,
// warn that it soon will not be.
func (s *secure) days(state tls.ConnectionState, now time.Time) (wrong, warn string) {
	c := s.firstToExpire(state)
	if c == nil {
		return "no certificate", ""
	}
	left := int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
	switch {
	case now.After(c.NotAfter), now.Before(c.NotBefore):
		return expiry(c, now), ""
	case left < s.min:
		return fmt.Sprintf("certificate of %s expires in %s, wanted %d", names(c), counted(left, "day"), s.min), ""
	case left < s.warn:
		return "", fmt.Sprintf("certificate of %s expires in %s", names(c), counted(left, "day"))
	}
	return "", ""
}

// firstToExpire is the certificate whose end ends the trust: of each verified
// chain the first to expire, and of the chains the one that holds longest.
// Where nothing is verified that is the server's own.
func (s *secure) firstToExpire(state tls.ConnectionState) *x509.Certificate {
	if !s.verifies || len(state.VerifiedChains) == 0 {
		if len(state.PeerCertificates) == 0 {
			return nil
		}
		return state.PeerCertificates[0]
	}
	var best *x509.Certificate
	for _, chain := range state.VerifiedChains {
		first := chain[0]
		for _, c := range chain[1:] {
			if c.NotAfter.Before(first.NotAfter) {
				first = c
			}
		}
		if best == nil || first.NotAfter.After(best.NotAfter) {
			best = first
		}
	}
	return best
}
