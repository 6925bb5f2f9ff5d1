package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// What a look costs, the server in the same process included.
func BenchmarkTry(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
				}
			}()
		}
	}()
	to, err := check.ParseEndpoint(l.Addr().String(), 0)
	if err != nil {
		b.Fatal(err)
	}
	for name, kind := range map[string]check.Kind{"tcp": check.TCP{To: to}, "http": get(nil, "http://"+to.String()+"/")} {
		b.Run(name, func(b *testing.B) {
			p, err := New(kind)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
				seen := p.Try(ctx)
				cancel()
				if !seen.OK {
					b.Fatal(seen.Text)
				}
			}
		})
	}
}
