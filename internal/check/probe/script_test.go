package probe

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// preset makes a script of a preset.
func preset(t *testing.T, word string, who check.Login, to check.Endpoint) check.Script {
	t.Helper()
	s, err := check.Preset(word, who)
	if err != nil {
		t.Fatal(err)
	}
	s.To = to
	return s
}

// smtp speaks RFC 5321 as far as a check does, and says whether QUIT came.
func smtp(greeting, ehlo string, quit chan<- bool) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, greeting)
		in := bufio.NewScanner(c)
		for in.Scan() {
			switch word, _, _ := strings.Cut(in.Text(), " "); word {
			case "EHLO":
				io.WriteString(c, ehlo)
			case "QUIT":
				io.WriteString(c, "221 Bye\r\n")
				if quit != nil {
					quit <- true
				}
				return
			}
		}
	}
}

func TestScript_SMTP(t *testing.T) {
	quit := make(chan bool, 1)
	ehlo := "250-mx.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
	sees(t, try(t, preset(t, "smtp", check.Login{}, listen(t, smtp("220-mx\r\n220 mx.example.org ESMTP\r\n", ehlo, quit)))), true, `answered "250-mx.example.org`)
	select {
	case <-quit:
	case <-time.After(patience):
		t.Error("nobody said goodbye")
	}
	for _, c := range []struct{ name, greeting, ehlo, want string }{
		{"busy", "421 too many connections\r\n", "", `answered "421 too many connections\r\n" in `},
		{"refuses", "220 mx ESMTP\r\n", "550 go away\r\n", `answered "550 go away\r\n" in `},
		{"greets only", "220 mx ESMTP\r\n", "", "nothing for "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tryFor(t, preset(t, "smtp", check.Login{}, listen(t, smtp(c.greeting, c.ehlo, nil))), 500*time.Millisecond)
			sees(t, got, false, c.want, "wanted /(?m)^2")
		})
	}
}

func TestScript_MySQL(t *testing.T) {
	greet := func(b string) check.Endpoint {
		return listen(t, func(c net.Conn) {
			io.WriteString(c, b)
			c.Read(make([]byte, 1))
		})
	}
	sees(t, try(t, preset(t, "mysql", check.Login{}, greet("\x4a\x00\x00\x00\x0a8.0.36\x00"))), true)
	sees(t, try(t, preset(t, "mysql", check.Login{}, greet("\x17\x00\x00\x00\xff\x10\x04Too many connections"))), false, "Too many connections")
	sees(t, try(t, preset(t, "mysql", check.Login{}, greet("SSH-2.0"))), false, "wanted hex ?? ?? ?? 00 0a")
}

func TestScript_PostgreSQLSpokenByTheBook(t *testing.T) {
	// A server's first message, RFC-like in the manual's chapter on the protocol.
	server := func(answer string) check.Endpoint {
		return listen(t, func(c net.Conn) {
			var n uint32
			if binary.Read(c, binary.BigEndian, &n) != nil || n < 8 || n > 1000 {
				return
			}
			io.ReadFull(c, make([]byte, n-4))
			io.WriteString(c, answer)
			io.Copy(io.Discard, c)
		})
	}
	sees(t, try(t, preset(t, "postgresql", check.Login{}, server("R\x00\x00\x00\x08\x00\x00\x00\x03"))), true)
	starting := "E\x00\x00\x00\x2fSFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
	sees(t, try(t, preset(t, "postgresql", check.Login{}, server(starting))), false, "57P03", "wanted hex 52")
	sees(t, try(t, preset(t, "postgresql-tls", check.Login{}, server("S"))), true)
	sees(t, try(t, preset(t, "postgresql-tls", check.Login{}, server("N"))), false, `answered "N"`)
}

func TestScript_OverTLS(t *testing.T) {
	a := newAuthority(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{a.issue("mx.example.org", 30)}})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, smtp("220 mx ESMTP\r\n", "250 mx\r\n", nil))
	s := preset(t, "smtp", check.Login{}, endpoint(t, l.Addr()))
	s.Secure = &check.Secure{Verify: true, CA: a.file, WarnDays: 40}
	got := try(t, s)
	sees(t, got, true, "expires in 30 days")
	if !got.Warn {
		t.Error("no warning")
	}
	s.Polite = true
	sees(t, try(t, s), true)
	s.Secure = &check.Secure{Verify: true}
	sees(t, try(t, s), false, "certificate of an unknown authority")
}

func TestScript_Matching(t *testing.T) {
	contains := func(s string) check.Pattern { return check.Pattern{Form: check.Contains, Text: s} }
	in := func(parts ...string) check.Endpoint {
		return listen(t, func(c net.Conn) {
			for _, p := range parts {
				io.WriteString(c, p)
				time.Sleep(time.Millisecond) // so that they are segments of their own, mostly
			}
			c.Read(make([]byte, 1))
		})
	}
	flood := listen(t, func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	})
	for _, c := range []struct {
		name  string
		to    check.Endpoint
		steps []check.Step
		ok    bool
		want  string
	}{
		{"in pieces", in("he", "ll", "o wor", "ld"), []check.Step{{Expect: contains("hello world")}}, true, `answered "hello world" in `},
		{"hex in pieces", in("\x01", "\x02\x7f", "\x03"), []check.Step{{Expect: check.Pattern{Form: check.Hex, Text: "01 02 7? 03"}}}, true, ""},
		{"hex differs", in("\x01\x03"), []check.Step{{Expect: check.Pattern{Form: check.Hex, Text: "01 02 7? 03"}}}, false, `wanted hex 01 02 7? 03`},
		{"two steps of one answer", in("a b"), []check.Step{{Expect: contains("a")}, {Expect: contains("b")}}, true, ""},
		{"too much", flood, []check.Step{{Expect: contains("y")}}, false, `16384 bytes without "y", beginning with "xxx`},
		{"half, then silence", in("hel"), []check.Step{{Expect: contains("hello")}}, false, `answered "hel" and then nothing for `},
		{"half, then the end", listen(t, func(c net.Conn) { io.WriteString(c, "hel") }), []check.Step{{Expect: contains("hello")}}, false, `answered "hel" and then connection closed by the other side, wanted "hello"`},
		{"only sending", in(), []check.Step{{Send: "x"}}, true, "1 step in "},
		{"the second step", in("a"), []check.Step{{Expect: contains("a")}, {Send: "q", Expect: contains("b")}}, false, `wanted "b" in step 2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := check.Script{To: c.to, Steps: c.steps, MaxRead: check.DefaultMaxRead}
			sees(t, tryFor(t, k, time.Second), c.ok, c.want)
		})
	}
}
