package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// site is a real server with pages to look at.
func site(t *testing.T, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "all is well\n") })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "database is gone", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "late")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s agent=%s token=%s close=%v body=%s", r.Method, r.Proto, r.Host, r.UserAgent(), r.Header.Get("X-Token"), r.Close, body)
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("and so on ", 1000)); err != nil {
				return
			}
		}
	})
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	if change != nil {
		change(s)
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func get(change func(*check.HTTP), urls ...string) check.HTTP {
	k := check.DefaultHTTP()
	k.URLs = urls
	if change != nil {
		change(&k)
	}
	return k
}

func TestHTTP(t *testing.T) {
	u := site(t, nil).URL
	host := strings.TrimPrefix(u, "http://")
	for _, c := range []struct {
		name   string
		path   string
		change func(*check.HTTP)
		ok     bool
		want   []string
	}{
		{"200", "/ok", nil, true, []string{"HTTP 200 in "}},
		{"204", "/empty", nil, true, []string{"HTTP 204 in "}},
		{"503", "/bad", nil, false, []string{"HTTP 503 in ", ", wanted 200-299"}},
		{"503 is wanted", "/bad", func(k *check.HTTP) { k.Status = check.StatusSet{{From: 500, To: 599}} }, true, nil},
		{"body", "/ok", func(k *check.HTTP) { k.Expect = check.Pattern{Form: check.Contains, Text: "well"} }, true, nil},
		{"body without", "/ok", func(k *check.HTTP) { k.Expect = check.Pattern{Form: check.Contains, Text: "fine"} }, false, []string{`HTTP 200 in `, `, wanted "fine" in the body (12 bytes read)`}},
		{"body regexp", "/ok", func(k *check.HTTP) { k.Expect = check.Pattern{Form: check.Regexp, Text: `^all .* (well|fine)\s*$`} }, true, nil},
		{"body rejected", "/ok", func(k *check.HTTP) { k.Reject = check.Pattern{Form: check.Regexp, Text: `(?i)WELL`} }, false, []string{"with /(?i)WELL/ in the body"}},
		{"redirect is an answer", "/moved", nil, false, []string{"HTTP 302", "wanted 200-299"}},
		{"redirect is followed", "/moved", func(k *check.HTTP) { k.Redirects = 1 }, true, []string{"HTTP 200"}},
		{"redirects without end", "/round", func(k *check.HTTP) { k.Redirects = 3 }, false, []string{"HTTP 302"}},
		{"interim answer", "/early", func(k *check.HTTP) { k.Expect = check.Pattern{Form: check.Contains, Text: "late"} }, true, []string{"HTTP 200"}},
		{"request", "/echo", func(k *check.HTTP) {
			k.Method, k.Host, k.Body = "POST", "www.example.org", "hello"
			k.Headers = []check.Header{{Name: "X-Token", Value: "s3cret"}}
			k.Expect = check.Pattern{Form: check.Contains, Text: "POST HTTP/1.1 www.example.org agent=holdfast token=s3cret close=true body=hello"}
		}, true, nil},
		{"h2c", "/echo", func(k *check.HTTP) {
			k.Version, k.Host, k.Method, k.Body = check.HTTP2, "www.example.org", "POST", "hello"
			k.Expect = check.Pattern{Form: check.Contains, Text: "POST HTTP/2.0 www.example.org agent=holdfast"}
		}, true, nil},
		{"h2c 503", "/bad", func(k *check.HTTP) { k.Version = check.HTTP2 }, false, []string{"HTTP 503"}},
		{"h2c redirect", "/moved", func(k *check.HTTP) { k.Version, k.Redirects = check.HTTP2, 1 }, true, []string{"HTTP 200"}},
		{"endless", "/endless", func(k *check.HTTP) { k.MaxBody = 1000 }, true, []string{"HTTP 200"}},
		{"endless h2c", "/endless", func(k *check.HTTP) { k.Version, k.MaxBody = check.HTTP2, 100_000 }, true, []string{"HTTP 200"}},
		{"no body", "/ok", func(k *check.HTTP) { k.MaxBody = 0 }, true, []string{"HTTP 200"}},
		{"head", "/ok", func(k *check.HTTP) { k.Method = "HEAD" }, true, []string{"HTTP 200"}},
	} {
		t.Run(c.name, func(t *testing.T) { sees(t, try(t, get(c.change, u+c.path)), c.ok, c.want...) })
	}
	t.Run("connects elsewhere", func(t *testing.T) {
		to, _ := check.ParseEndpoint(host, 0)
		k := get(func(k *check.HTTP) {
			k.Connect = to
			k.Expect = check.Pattern{Form: check.Contains, Text: "GET HTTP/1.1 www.example.org "}
		}, "http://www.example.org/echo")
		sees(t, try(t, k), true)
	})
	t.Run("several", func(t *testing.T) {
		sees(t, try(t, get(nil, u+"/ok", u+"/empty")), true, "2 URLs well in ")
		sees(t, try(t, get(nil, u+"/ok", u+"/bad?token=s3cret", u+"/empty")), false, "HTTP 503 from "+u+"/bad in ")
	})
}

func TestHTTP_OverTLS(t *testing.T) {
	a := newAuthority(t)
	s := site(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{a.issue("www.example.org", 30)}}
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	for _, c := range []struct {
		name   string
		change func(*check.HTTP)
		ok     bool
		want   string
	}{
		{"1.1", func(k *check.HTTP) { k.Expect = check.Pattern{Form: check.Contains, Text: "HTTP/1.1"} }, true, ""},
		{"2", func(k *check.HTTP) {
			k.Version, k.Expect = check.HTTP2, check.Pattern{Form: check.Contains, Text: "HTTP/2.0"}
		}, true, ""},
		{"Host is the name", func(k *check.HTTP) { k.Host = "www.example.org" }, true, ""},
		{"Host is another name", func(k *check.HTTP) { k.Host = "example.net" }, false, "certificate of another name (www.example.org)"},
		{"2, another name", func(k *check.HTTP) { k.Version, k.Host = check.HTTP2, "example.net" }, false, "certificate of another name (www.example.org)"},
		{"a name of its own", func(k *check.HTTP) { k.Host, k.Secure.Name = "example.net", "www.example.org" }, true, ""},
		{"unknown authority", func(k *check.HTTP) { k.Secure.CA = "" }, false, "certificate of an unknown authority"},
		{"days", func(k *check.HTTP) { k.Secure.MinDays = 60 }, false, ", but certificate of www.example.org expires in 30 days, wanted 60"},
		{"2, days", func(k *check.HTTP) { k.Version, k.Secure.MinDays = check.HTTP2, 60 }, false, "expires in 30 days, wanted 60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := get(nil, s.URL+"/echo")
			k.Secure.CA = a.file
			c.change(&k)
			sees(t, try(t, k), c.ok, c.want)
		})
	}
}

func TestHTTP_KeepsAConnectionOnlyWhenAsked(t *testing.T) {
	var made atomic.Int32
	s := site(t, func(s *httptest.Server) {
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				made.Add(1)
			}
		}
		s.Start()
	})
	for _, c := range []struct {
		name string
		keep bool
		want int32
	}{{"by default", false, 5}, {"kept", true, 1}} {
		t.Run(c.name, func(t *testing.T) {
			made.Store(0)
			p, err := New(get(func(k *check.HTTP) { k.KeepAlive = c.keep }, s.URL+"/ok"))
			if err != nil {
				t.Fatal(err)
			}
			defer p.(io.Closer).Close()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for range 5 {
				sees(t, p.Try(ctx), true)
			}
			if got := made.Load(); got != c.want {
				t.Errorf("%d connections, wanted %d", got, c.want)
			}
			// A connection that the server has closed meanwhile is no failure.
			s.CloseClientConnections()
			sees(t, p.Try(ctx), true)
			sees(t, p.Try(ctx), true)
		})
	}
}

// TestHTTP_SaysWhatIsWrongWithAnAnswer: servers that are none.
func TestHTTP_SaysWhatIsWrongWithAnAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string
		hang   bool
		want   string
	}{
		{"nothing", "", false, "closed by the other side without an answer after "},
		{"silence", "", true, "nothing for "},
		{"garbage", "SSH-2.0-OpenSSH_9.2\r\n", false, "no HTTP (malformed HTTP"},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n", false, "connection closed in the middle of the headers"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", false, "but the body ended after 4 bytes: connection closed by the other side"},
		{"body hangs", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", true, "but the body ended after 4 bytes: no answer"},
		{"head without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 100), true, "more than 64 KiB of headers"},
		{"interim without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100), true, "interim answers without end"},
		{"101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", true, "HTTP 101 in "},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := listen(t, func(conn net.Conn) {
				http.ReadRequest(bufio.NewReader(conn))
				io.WriteString(conn, c.answer)
				if c.hang {
					conn.Read(make([]byte, 1))
				}
			})
			got := tryFor(t, get(nil, "http://"+to.String()+"/"), time.Second)
			sees(t, got, false, c.want)
		})
	}
	t.Run("refused", func(t *testing.T) {
		sees(t, try(t, get(nil, "http://"+closed(t).String()+"/")), false, "connection refused after ", ", wanted HTTP 200-299")
	})
}
