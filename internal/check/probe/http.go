package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// web is up when every URL answers as wanted.
type web struct {
	kind           check.HTTP
	urls           []*url.URL
	expect, reject check.Matcher
	dialer         *dialer
	secure         *secure
	line           *line  // the connection of HTTP/1.1, and what is kept of it between looks
	body           []byte // reused
}

func newHTTP(k check.HTTP) (*web, error) {
	p := &web{kind: k, dialer: newDialer(k.Via, weBegin), line: &line{}, body: make([]byte, 0, 512)}
	for _, s := range k.URLs {
		u, err := url.Parse(s)
		if err != nil {
			return nil, errors.New("the URL cannot be read")
		}
		p.urls = append(p.urls, u)
	}
	var err error
	if p.expect, err = k.Expect.Compile(); err != nil {
		return nil, err
	}
	if p.reject, err = k.Reject.Compile(); err != nil {
		return nil, err
	}
	s := k.Secure
	if k.Version == check.HTTP2 {
		s.ALPN = []string{"h2"}
	}
	p.secure, err = newSecure(s, "")
	return p, err
}

// Close ends a connection that was kept.
func (p *web) Close() error {
	p.line.close()
	return nil
}

// Try implements check.Probe.
func (p *web) Try(ctx context.Context) check.Seen {
	start := time.Now()
	var seen check.Seen
	warn := ""
	for _, u := range p.urls {
		seen = p.visit(ctx, u)
		if !seen.OK {
			return seen
		}
		if seen.Warn {
			warn = seen.Text
		}
	}
	if len(p.urls) > 1 {
		seen = check.Passed(fmt.Sprintf("%d URLs well in %s", len(p.urls), took(start)))
		if warn != "" {
			seen.Warn, seen.Text = true, seen.Text+", "+warn
		}
	}
	return seen
}

// visit asks for one URL.
func (p *web) visit(ctx context.Context, u *url.URL) check.Seen {
	start := time.Now()
	t := &trip{web: p, conns: conns{dialer: p.dialer, look: ctx}, host: u.Host}
	clean := false
	defer func() { t.done(clean) }()
	resp, err := t.ask(ctx, p.request(ctx, u))
	if err != nil {
		return failed(start, err, "HTTP "+p.kind.Status.String()+p.from(u))
	}
	whole, err := p.read(resp.Body)
	clean = whole && err == nil && !resp.Close
	text := fmt.Sprintf("HTTP %d%s in %s", resp.StatusCode, p.from(u), took(start))
	return p.judge(resp, err, text)
}

// from names the URL where there are several.
func (p *web) from(u *url.URL) string {
	if len(p.urls) == 1 {
		return ""
	}
	return " from " + u.Scheme + "://" + u.Host + u.EscapedPath()
}

func (p *web) request(ctx context.Context, u *url.URL) *http.Request {
	req := &http.Request{Method: p.kind.Method, URL: u, Host: p.kind.Host, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	req.Header.Set("User-Agent", "holdfast")
	for _, h := range p.kind.Headers {
		req.Header.Set(h.Name, string(h.Value))
	}
	if p.kind.Body != "" {
		text := p.kind.Body
		req.ContentLength = int64(len(text))
		req.Body = io.NopCloser(strings.NewReader(text))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	}
	return req.WithContext(ctx)
}

// read fills p.body as far as the check reads. whole says that nothing is left.
func (p *web) read(body io.Reader) (whole bool, err error) {
	p.body = p.body[:0]
	for len(p.body) < p.kind.MaxBody {
		if len(p.body) == cap(p.body) {
			p.body = append(p.body, 0)[:len(p.body)]
		}
		n, err := body.Read(p.body[len(p.body):min(cap(p.body), p.kind.MaxBody)])
		p.body = p.body[:len(p.body)+n]
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// judge compares an answer with what is wanted. short is why its body could
// not be read.
func (p *web) judge(resp *http.Response, short error, text string) check.Seen {
	k := p.kind
	if !k.Status.Has(resp.StatusCode) {
		return check.Failed(text + ", wanted " + k.Status.String())
	}
	if short != nil {
		return check.Failed(text + ", but the body ended after " + counted(len(p.body), "byte") + ": " + cause(short))
	}
	if k.Expect.Form != check.NoPattern && p.expect.Match(p.body) != check.Found {
		return check.Failed(text + ", wanted " + k.Expect.String() + " in the body (" + counted(len(p.body), "byte") + " read)")
	}
	if k.Reject.Form != check.NoPattern && p.reject.Match(p.body) == check.Found {
		return check.Failed(text + ", with " + k.Reject.String() + " in the body")
	}
	if resp.TLS == nil {
		return check.Passed(text)
	}
	wrong, warn := p.secure.days(*resp.TLS, time.Now())
	if wrong != "" {
		return check.Failed(text + ", but " + wrong)
	}
	return warned(text, warn)
}

// trip asks for one URL, and for what it redirects to.
type trip struct {
	web   *web
	conns conns
	host  string // of the first URL
}

func (t *trip) ask(ctx context.Context, req *http.Request) (*http.Response, error) {
	if t.web.kind.Redirects == 0 {
		return t.RoundTrip(req)
	}
	client := http.Client{Transport: t, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > t.web.kind.Redirects {
			return http.ErrUseLastResponse // and its status is judged
		}
		return nil
	}}
	return client.Do(req)
}

// RoundTrip implements http.RoundTripper: one request and its answer.
func (t *trip) RoundTrip(req *http.Request) (*http.Response, error) {
	address := t.address(req.URL)
	if t.web.kind.Version == check.HTTP2 {
		return t.http2(req, address)
	}
	return t.http1(req, address)
}

// address is where the connection goes. The override is for the URL itself: a
// redirect to another host goes there.
func (t *trip) address(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	if c := t.web.kind.Connect; c.Host != "" && u.Host == t.host {
		host = c.Host
		if c.Port != 0 {
			return c.String()
		}
	}
	return net.JoinHostPort(host, port)
}

// speak does the handshake under the name of the URL, or the one that the
// check gives.
func (t *trip) speak(conn net.Conn, u *url.URL) (*tls.Conn, error) {
	s := *t.web.secure
	if t.web.kind.Secure.Name == "" || u.Host != t.host {
		s.config = s.config.Clone()
		s.config.ServerName = u.Hostname()
		if h := t.web.kind.Host; h != "" && u.Host == t.host {
			s.config.ServerName = hostOnly(h)
		}
	}
	return s.speak(conn)
}

// hostOnly is a Host header without its port.
func hostOnly(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return strings.Trim(s, "[]")
}
