package check

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HTTP is up when every URL answers as wanted, one after the other, within
// the timeout of the check.
//
//	http: http://10.0.0.11/healthz
//	http: {url: "https://10.0.0.11/", host: www.example.org, status: "200-299,302", expect: {regexp: "ok|fine"}}
//	http: {urls: [http://10.0.0.11/a, http://10.0.0.11/b], version: 2, headers: {Authorization: {file: /etc/holdfast/token}}}
type HTTP struct {
	// URLs are http:// or https://, one or several.
	URLs []string
	// Connect overrides where the connection goes, not what is asked for:
	// the zero value follows the URL. Its Port may be 0: that of the URL.
	Connect Endpoint
	Method  string // default GET
	// Host overrides the Host header and, unless Secure.Name is given, the
	// name in TLS. "": that of the URL.
	Host    string
	Headers []Header // in addition; User-Agent is "holdfast" unless given
	Body    string   // of the request; "": none
	Status  StatusSet
	// Expect must be found in the body, Reject must not. The zero value of
	// either asks nothing. They see the first MaxBody bytes.
	Expect Pattern
	Reject Pattern
	// MaxBody is how many bytes of an answer's body are read, 0 to 16 MiB.
	MaxBody int
	Version HTTPVersion
	// Redirects is how many are followed, 0 to 10. With 0, which is the
	// default, a redirect is an answer like others, with its own status.
	Redirects int
	// KeepAlive keeps the connection for the next look; only with HTTP/1.1.
	// Default false: what is checked is that a new client would be served.
	KeepAlive bool
	Secure    Secure // for https; "tls:" in the file
	Via       Via
}

// Header is one line of a request's head.
type Header struct {
	Name  string
	Value Secret // often a token, so it is never shown
}

// HTTPVersion is the protocol spoken.
type HTTPVersion uint8

const (
	HTTP1 HTTPVersion = iota // HTTP/1.1
	HTTP2                    // HTTP/2 by TLS with ALPN; with http:// from the first byte (h2c, RFC 9113 §3.3)
)

// String is the word of the file.
func (v HTTPVersion) String() string { return [...]string{"1.1", "2"}[v] }

// ParseHTTPVersion reads the word of the file.
func ParseHTTPVersion(s string) (HTTPVersion, error) {
	switch s {
	case "1.1", "1":
		return HTTP1, nil
	case "2", "2.0":
		return HTTP2, nil
	}
	return 0, fmt.Errorf("%q is no version of HTTP that is spoken here: 1.1 or 2", s)
}

// Bounds of what an answer may cost.
const (
	DefaultMaxBody = 64 << 10
	mostBody       = 16 << 20
	mostRedirects  = 10
	mostURLs       = 32
)

// DefaultHTTP is a GET of nothing yet.
func DefaultHTTP() HTTP {
	return HTTP{Method: "GET", Status: DefaultStatus(), MaxBody: DefaultMaxBody, Secure: DefaultSecure()}
}

// Word implements Kind.
func (HTTP) Word() string { return "http" }

// Target implements Kind: without user, password and query, which may be
// secrets.
func (h HTTP) Target() string {
	if len(h.URLs) == 0 {
		return ""
	}
	target := plainURL(h.URLs[0])
	if n := len(h.URLs); n > 1 {
		target += fmt.Sprintf(" and %d more", n-1)
	}
	return target
}

func plainURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "an URL that cannot be read"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// Problems says what is wrong.
func (h HTTP) Problems() []Problem {
	var found problems
	if n := len(h.URLs); n == 0 || n > mostURLs {
		found.say("url", "write url: http://ADDRESS:PORT/PATH", "there are %d URLs: 1 to %d", n, mostURLs)
	}
	for i, s := range h.URLs {
		field := "url"
		if len(h.URLs) > 1 {
			field = fmt.Sprintf("urls.%d", i+1)
		}
		found.below(field, urlProblems(s))
	}
	if h.Connect != (Endpoint{}) {
		if err := checkHost(h.Connect.Host); err != nil {
			found.say("connect", "", "%s", err)
		}
	}
	if !isToken(h.Method) || h.Method == "CONNECT" {
		found.say("method", "GET, HEAD, OPTIONS or POST", "%q is no method that a check can use", h.Method)
	}
	if strings.ContainsFunc(h.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' }) {
		found.say("host", "", "%q is no name of a host", h.Host)
	}
	found.below("", headerProblems(h.Headers))
	found.below("", h.Status.problems())
	found.below("expect", h.Expect.Problems())
	found.below("reject", h.Reject.Problems())
	if h.MaxBody < 0 || h.MaxBody > mostBody {
		found.say("max_body", "", "%d bytes: 0 to %d", h.MaxBody, mostBody)
	}
	if h.Method == "HEAD" && h.Expect != (Pattern{}) {
		found.say("expect", "use method: GET", "an answer to HEAD has no body to look into")
	}
	if h.Redirects < 0 || h.Redirects > mostRedirects {
		found.say("redirects", "", "%d: 0 to %d", h.Redirects, mostRedirects)
	}
	if h.KeepAlive && h.Version != HTTP1 {
		found.say("keep_alive", "use version: 1.1", "connections of HTTP/2 are not kept")
	}
	if len(h.Secure.ALPN) > 0 {
		found.say("tls.alpn", "use version:", "the version of HTTP says what is offered")
	}
	found.below("tls", h.Secure.Problems())
	host := h.Connect.Host
	if host == "" && len(h.URLs) > 0 {
		if u, err := url.Parse(h.URLs[0]); err == nil {
			host = u.Hostname()
		}
	}
	found.below("", h.Via.problems(host))
	return found
}

// urlProblems never repeats the URL: there may be a password in it.
func urlProblems(s string) []Problem {
	var found problems
	u, err := url.Parse(s)
	if err != nil {
		found.say("", "write http://ADDRESS:PORT/PATH", "it cannot be read as an URL")
		return found
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		found.say("", "write http:// or https://", "%q is no scheme that a check can ask", u.Scheme)
		return found
	}
	if err := checkHost(u.Hostname()); err != nil {
		found.say("", "", "%s", err)
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			found.say("", "", "%q is no port: 1 to 65535", p)
		}
	}
	if u.User != nil {
		found.say("", "use headers: {Authorization: …}", "an URL is shown to people: no user and no password in it")
	}
	if u.Fragment != "" {
		found.say("", "", "what is after # is never sent")
	}
	return found
}

// headerProblems keeps out what would break the request's head apart, and what
// the request sets by itself.
func headerProblems(headers []Header) []Problem {
	var found problems
	own := []string{"host", "content-length", "transfer-encoding", "connection"}
	for _, h := range headers {
		field := "headers." + h.Name
		switch lower := strings.ToLower(h.Name); {
		case !isToken(h.Name):
			found.say("headers", "", "%q is no name of a header", h.Name)
		case lower == "host":
			found.say(field, "use host:", "this header has a field of its own")
		case slices.Contains(own, lower):
			found.say(field, "remove it", "this header follows from the request")
		case strings.ContainsFunc(string(h.Value), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			found.say(field, "", "its value has control characters in it")
		}
	}
	return found
}

// isToken: RFC 9110 §5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
