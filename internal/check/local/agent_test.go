package local

import (
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/check"
)

func TestReadAgent(t *testing.T) {
	for _, tt := range []struct {
		line string
		want check.Seen
		ok   bool
	}{
		{"up", check.Seen{OK: true, Text: `it says "up"`}, true},
		{"UP 100%", check.Seen{OK: true, Share: 100, Shared: true, Text: `it says "UP 100%"`}, true},
		{"75%", check.Seen{OK: true, Share: 75, Shared: true, Text: `it says "75%"`}, true},
		{"0%", check.Seen{OK: true, Shared: true, Text: `it says "0%"`}, true},
		{"1000%", check.Seen{OK: true, Share: 256, Shared: true, Text: `it says "1000%"`}, true},
		{"ready,up,50%", check.Seen{OK: true, Share: 50, Shared: true, Text: `it says "ready,up,50%"`}, true},
		{"drain", check.Seen{OK: true, Shared: true, Text: `it says "drain"`}, true},
		{"drain 50%", check.Seen{OK: true, Shared: true, Text: `it says "drain 50%"`}, true},
		{"drain ready 50%", check.Seen{OK: true, Share: 50, Shared: true, Text: `it says "drain ready 50%"`}, true},
		{"maint", check.Seen{Text: `it says "maint", wanted up`}, true},
		{"maint up", check.Seen{Text: `it says "maint up", wanted up`}, true},
		{"ready down", check.Seen{Text: `it says "ready down", wanted up`}, true},
		{"down", check.Seen{Text: `it says "down", wanted up`}, true},
		{"down 80%", check.Seen{Text: `it says "down 80%", wanted up`}, true},
		{"failed #disk full, sorry", check.Seen{Text: `it says "failed": disk full, sorry, wanted up`}, true},
		{"stopped", check.Seen{Text: `it says "stopped", wanted up`}, true},
		{"fail", check.Seen{Text: `it says "fail", wanted up`}, true},
		{"up maxconn:30 what?", check.Seen{OK: true, Text: `it says "up maxconn:30 what?"`}, true},
		{"maxconn:30", check.Seen{}, false},
		{"", check.Seen{}, false},
		{"%", check.Seen{}, false},
		{"-5%", check.Seen{}, false},
		{"HTTP/1.1 400 Bad Request", check.Seen{}, false},
		{"#up", check.Seen{}, false},
	} {
		got, ok := readAgent(tt.line)
		if !ok && !tt.ok {
			continue
		}
		if diff := cmp.Diff(tt.want, got); ok != tt.ok || diff != "" {
			t.Errorf("%q: %t (-want +got):\n%s", tt.line, ok, diff)
		}
	}
}

func FuzzReadAgent(f *testing.F) {
	for _, s := range []string{"up 50%", "drain,maint\tready", "down#\x1b[2J", "\xff%", "99999999999999999999%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		seen, ok := readAgent(line)
		switch {
		case !utf8.ValidString(seen.Text) || strings.ContainsFunc(seen.Text, func(r rune) bool { return r < ' ' || r == 0x7f }):
			t.Errorf("text %q", seen.Text)
		case seen.Share < 0 || seen.Share > maxShare:
			t.Errorf("share %d", seen.Share)
		case !seen.OK && !ok:
			t.Errorf("%q is a failure without a word for it", line)
		}
	})
}

// agent is one that serves each connection.
func agent(t *testing.T, serve func(net.Conn)) check.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return check.Endpoint{Host: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port)}
}

func TestAgent(t *testing.T) {
	says := func(s string) func(net.Conn) { return func(c net.Conn) { _, _ = c.Write([]byte(s)) } }
	hangs := func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }
	slowly := func(c net.Conn) {
		for _, b := range []byte("up 40%\r\nand more") {
			_, _ = c.Write([]byte{b})
			time.Sleep(time.Millisecond)
		}
		hangs(c) // the line is enough
	}
	echo := func(c net.Conn) {
		buf := make([]byte, 4)
		n, _ := c.Read(buf)
		_, _ = c.Write(append(buf[:n], " \n"...))
	}
	for _, tt := range []struct {
		name    string
		serve   func(net.Conn)
		kind    check.Agent
		timeout time.Duration
		want    check.Seen
	}{
		{"a line", says("up 75%\n"), check.Agent{}, long, check.Seen{OK: true, Share: 75, Shared: true, Text: `it says "up 75%"`}},
		{"no line end", says("down #x"), check.Agent{}, long, check.Seen{Text: `it says "down": x, wanted up`}},
		{"byte by byte", slowly, check.Agent{}, long, check.Seen{OK: true, Share: 40, Shared: true, Text: `it says "up 40%"`}},
		{"sends", echo, check.Agent{Send: "33% "}, long, check.Seen{OK: true, Share: 33, Shared: true, Text: `it says "33%"`}},
		{"nothing", says(""), check.Agent{}, long, check.Seen{Mute: true, Text: "no line: EOF after "}},
		{"nothing, required", says(""), check.Agent{Required: true}, long, check.Seen{Text: "no line: EOF after "}},
		{"nonsense", says("hello\n"), check.Agent{}, long, check.Seen{Mute: true, Text: `it says "hello", wanted up, down, drain, maint or a percentage`}},
		{"a flood", says(strings.Repeat("x", 1<<20)), check.Agent{}, long, check.Seen{Mute: true, Text: `it says "xxxxx`}},
		{"hangs", hangs, check.Agent{}, 100 * time.Millisecond, check.Seen{Mute: true, Text: "no line: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.kind.To = agent(t, tt.serve)
			got := try(t, newAgent(tt.kind), tt.timeout)
			if !strings.HasPrefix(got.Text, tt.want.Text) {
				t.Errorf("%q, want %q", got.Text, tt.want.Text)
			}
			got.Text = tt.want.Text
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		l.Close()
		got := try(t, newAgent(check.Agent{To: check.Endpoint{Host: "127.0.0.1", Port: port}}), long)
		if !got.Mute || got.OK || !strings.Contains(got.Text, "connection refused") {
			t.Errorf("%+v", got)
		}
	})
}
