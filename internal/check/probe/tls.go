package probe

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// handshake is up when TLS is spoken with the right certificate.
type handshake struct {
	dialer  *dialer
	address string
	secure  *secure
}

func newTLS(k check.TLS) (*handshake, error) {
	s, err := newSecure(k.Secure, k.To.Host)
	if err != nil {
		return nil, err
	}
	return &handshake{dialer: newDialer(k.Via, weBegin), address: k.To.String(), secure: s}, nil
}

// Try implements check.Probe.
func (p *handshake) Try(ctx context.Context) check.Seen {
	start := time.Now()
	conn, release, err := p.dialer.dial(ctx, "tcp", p.address)
	if err != nil {
		return failed(start, err, "a TLS handshake")
	}
	defer conn.Close()
	defer release()
	t, err := p.secure.speak(conn)
	if err != nil {
		return failed(start, err, "a TLS handshake")
	}
	state := t.ConnectionState()
	text := tls.VersionName(state.Version) + " in " + took(start)
	wrong, warn := p.secure.days(state, time.Now())
	// The other side is told that nothing is missing (RFC 8446 §6.1).
	t.Close()
	if wrong != "" {
		return check.Failed(text + ": " + wrong)
	}
	return warned(text, warn)
}

// warned passes, with a warning where there is one.
func warned(text, warn string) check.Seen {
	if warn == "" {
		return check.Passed(text)
	}
	return check.Seen{OK: true, Warn: true, Text: text + ", but " + warn}
}
