package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// took is the time since start, for people: "0.4 ms", "12 ms", "1.2 s".
func took(start time.Time) string { return inWords(time.Since(start)) }

func inWords(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 9.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
}

// failed is what was seen where an error came, after a time, in the place of
// what was wanted.
func failed(start time.Time, err error, wanted string) check.Seen {
	why := cause(err)
	// A deadline that has passed is said as what it is: silence.
	if isTimeout(err) {
		return check.Failed("nothing for " + took(start) + ", wanted " + wanted)
	}
	return check.Failed(why + " after " + took(start) + ", wanted " + wanted)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &ne) && ne.Timeout() && !errors.Is(err, syscall.ETIMEDOUT)
}

// errnoWords are the errors that a probe meets, in words that say who said so.
var errnoWords = map[syscall.Errno]string{
	syscall.ECONNREFUSED:  "connection refused",
	syscall.ECONNRESET:    "connection reset",
	syscall.EPIPE:         "connection closed by the other side",
	syscall.EHOSTUNREACH:  "host unreachable",
	syscall.ENETUNREACH:   "network unreachable",
	syscall.ETIMEDOUT:     "connection timed out",
	syscall.ENODEV:        "no such interface",
	syscall.EPERM:         "not permitted (a packet filter of this machine, or a missing capability)",
	syscall.EACCES:        "not permitted (a packet filter of this machine, or a missing capability)",
	syscall.EADDRNOTAVAIL: "the source address is not on this machine, or no port is left",
	syscall.EMFILE:        "no file descriptor is left for this process",
	syscall.ENFILE:        "no file descriptor is left on this machine",
	syscall.EMSGSIZE:      "the packet is too big for the way",
	syscall.EPROTO:        "protocol error",
	syscall.ENOPROTOOPT:   "protocol unreachable",
}

// cause is the innermost reason of an error, in a few words: one line, and
// nothing that a server wrote without quotes.
func cause(err error) string {
	var way *wayError
	var errno syscall.Errno
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var remote *net.OpError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &way):
		return oneLine("cannot " + way.what + ": " + cause(way.err))
	case errors.As(err, &dns):
		return oneLine("cannot resolve " + dns.Name + ": " + dns.Err)
	case errors.As(err, &unknown):
		return "certificate of an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return expiry(invalid.Cert, time.Now())
	case errors.As(err, &name):
		return oneLine("certificate of another name (" + names(name.Certificate) + ")")
	case errors.As(err, &remote) && remote.Op == "remote error": // crypto/tls has no type for it
		return oneLine("TLS alert: " + strings.TrimPrefix(remote.Err.Error(), "tls: "))
	case errors.As(err, &record):
		return "no TLS"
	case errors.As(err, &errno):
		if w, ok := errnoWords[errno]; ok {
			return w
		}
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the other side"
	case isTimeout(err):
		return "no answer"
	}
	return oneLine(innermost(err).Error())
}

func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// expiry says when a certificate that is not valid now was, or will be.
func expiry(c *x509.Certificate, now time.Time) string {
	if now.Before(c.NotBefore) {
		return "certificate of " + names(c) + " is not valid before " + c.NotBefore.UTC().Format(time.DateTime) + " UTC"
	}
	return "certificate of " + names(c) + " expired on " + c.NotAfter.UTC().Format(time.DateOnly)
}

// names are whom a certificate is for, the first of them.
func names(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return oneLine(c.DNSNames[0])
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	case c.Subject.CommonName != "":
		return oneLine(c.Subject.CommonName)
	}
	return "nobody"
}

// lineLength is how much of somebody else's text is shown.
const lineLength = 120

// oneLine makes somebody else's text harmless: short, printable, one line.
func oneLine(s string) string {
	cut := len(s) > lineLength
	if cut {
		s = s[:lineLength]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || !strconv.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
	if cut {
		s += "…"
	}
	return s
}

// quoteLength is how much of an answer is quoted.
const quoteLength = 60

// quote shows the beginning of an answer.
func quote(b []byte) string {
	if len(b) == 0 {
		return "nothing"
	}
	if len(b) > quoteLength {
		return strconv.QuoteToASCII(string(b[:quoteLength])) + "…"
	}
	return strconv.QuoteToASCII(string(b))
}

// counted is "1 byte", "2 bytes".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
