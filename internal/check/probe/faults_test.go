package probe

import (
	"context"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// badServers are those that a check meets sooner or later.
func badServers(t *testing.T) map[string]check.Endpoint {
	t.Helper()
	a := newAuthority(t)
	garbage := make([]byte, 4096)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(garbage)
	reset := func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }
	quietTLS, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue("x.example.org", 9)}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, quietTLS, func(c net.Conn) { io.Copy(io.Discard, c) })
	return map[string]check.Endpoint{
		"refuses":           closed(t),
		"answers nobody":    backlogFull(t),
		"closes":            listen(t, func(net.Conn) {}),
		"resets":            listen(t, reset),
		"hangs":             listen(t, func(c net.Conn) { io.Copy(io.Discard, c) }),
		"never reads":       listen(t, func(net.Conn) { time.Sleep(100 * time.Millisecond) }),
		"reads, then reset": listen(t, func(c net.Conn) { c.Read(make([]byte, 100)); reset(c) }),
		"garbage":           listen(t, func(c net.Conn) { c.Write(garbage); io.Copy(io.Discard, c) }),
		"garbage, then end": listen(t, func(c net.Conn) { c.Write(garbage) }),
		"half closes":       listen(t, func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c) }),
		"half an answer": listen(t, func(c net.Conn) {
			c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"))
			io.Copy(io.Discard, c)
		}),
		"floods": listen(t, func(c net.Conn) {
			for {
				if _, err := c.Write(garbage); err != nil {
					return
				}
			}
		}),
		"TLS, then hangs": endpoint(t, quietTLS.Addr()),
		"redirects":       listen(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") }),
		"speaks h2 badly": listen(t, func(c net.Conn) {
			c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\xff\xff\x07"))
			io.Copy(io.Discard, c)
		}),
	}
}

// allKinds look at one endpoint in every way there is.
func allKinds(to check.Endpoint) map[string]check.Kind {
	plain, secured := "http://"+to.String()+"/", "https://"+to.String()+"/"
	smtp, _ := check.Preset("smtp", check.Login{})
	polite, _ := check.Preset("postgresql", check.Login{})
	redis, _ := check.Preset("redis", check.Login{})
	secureRedis := redis
	secureRedis.Secure = &check.Secure{}
	pg := check.DefaultPostgres()
	pgTLS := pg
	pgTLS.SSLMode = "require"
	query := check.DefaultDNS()
	overTCP := query
	overTCP.Network = check.DNSTCP
	kinds := map[string]check.Kind{
		"tcp":   check.TCP{To: to},
		"tls":   check.TLS{To: to},
		"http":  get(func(k *check.HTTP) { k.Redirects = 3 }, plain),
		"kept":  get(func(k *check.HTTP) { k.KeepAlive = true }, plain),
		"h2c":   get(func(k *check.HTTP) { k.Version = check.HTTP2 }, plain),
		"https": get(func(k *check.HTTP) { k.Secure.Verify = false }, secured),
		"h2":    get(func(k *check.HTTP) { k.Version, k.Secure.Verify = check.HTTP2, false }, secured),
		"udp":   check.UDP{To: to, Send: "x", Silence: check.SilencePasses, Listen: 5 * time.Millisecond},
		"grpc":  check.GRPC{To: to},
		"grpcs": check.GRPC{To: to, Secure: &check.Secure{}},
	}
	for name, s := range map[string]*check.Script{"smtp": &smtp, "polite": &polite, "redis": &redis, "redis+tls": &secureRedis} {
		s.To = to
		kinds[name] = *s
	}
	for name, k := range map[string]*check.Postgres{"postgres": &pg, "postgres+tls": &pgTLS} {
		k.To = to
		kinds[name] = *k
	}
	for name, k := range map[string]*check.DNS{"dns": &query, "dns+tcp": &overTCP} {
		k.To = to
		kinds[name] = *k
	}
	return kinds
}

// TestFaults_LeaveNothingBehind: every kind against every bad server, thousands
// of looks, of which some end early because nobody wants to know any more.
func TestFaults_LeaveNothingBehind(t *testing.T) {
	const looks = 12 // of each kind at each server
	servers := badServers(t)
	var late, total atomic.Int64
	leavesNothing(t, func() {
		gate := make(chan struct{}, 64)
		var all sync.WaitGroup
		for _, to := range servers {
			for name, kind := range allKinds(to) {
				p, err := New(kind)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				all.Go(func() {
					gate <- struct{}{}
					defer func() { <-gate }()
					for i := range looks {
						lookOnce(t, p, i%4 == 3, &late)
						total.Add(1)
					}
					if c, ok := p.(io.Closer); ok {
						c.Close()
					}
				})
			}
		}
		all.Wait()
	})
	t.Logf("%d looks", total.Load())
	// Servers here hang until the client goes away: a probe that forgets its
	// deadline is late by far more than a busy machine is.
	if n := late.Load(); n > 0 {
		t.Errorf("%d of %d looks were late", n, total.Load())
	}
}

func lookOnce(t *testing.T, p check.Probe, early bool, late *atomic.Int64) {
	timeout := 30 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if early {
		defer time.AfterFunc(timeout/3, cancel).Stop()
	} else {
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	start := time.Now()
	seen := p.Try(ctx)
	if time.Since(start) > patience/4 {
		late.Add(1)
	}
	if seen.Text == "" {
		t.Errorf("%T says nothing", p)
	}
}
