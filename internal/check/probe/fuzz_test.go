package probe

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/holdfast-net/holdfast/internal/check"
)

// oneHarmlessLine is what every text must be, whatever a server wrote.
func oneHarmlessLine(t *testing.T, text string) {
	t.Helper()
	if len(text) > 500 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("no harmless line: %q", text)
	}
}

func FuzzDNSAnswer(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("www.example.org.", dns.TypeA)
	q.Id = 1
	good := new(dns.Msg)
	good.SetReply(q)
	rr, _ := dns.NewRR("www.example.org. 60 IN A 192.0.2.10")
	good.Answer = append(good.Answer, rr)
	raw, _ := good.Pack()
	f.Add(raw)
	f.Add([]byte("\x00\x01\x80\x03\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x01\x00\x01"))
	pattern := check.Pattern{Form: check.Contains, Text: "192.0.2.10"}
	m, _ := pattern.Compile()
	f.Fuzz(func(t *testing.T, raw []byte) {
		reply := new(dns.Msg)
		if reply.Unpack(raw) != nil || !answers(reply, q) {
			return
		}
		seen := judgeDNS(reply, dns.TypeA, "NOERROR", &m, pattern, "1 ms", "NOERROR")
		oneHarmlessLine(t, seen.Text)
		if seen.OK && (reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0) {
			t.Errorf("passes: %s", reply)
		}
	})
}

func FuzzEchoReply(f *testing.F) {
	mark := []byte("12345678")
	b, _ := (&icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{ID: 1, Seq: 2, Data: append(mark, 0, 0)}}).Marshal(nil)
	f.Add(b, false, false)
	f.Add(append([]byte{0x45, 19: 0}, b...), false, true)
	f.Add([]byte{129, 0, 0, 0}, true, false)
	f.Fuzz(func(t *testing.T, b []byte, six, header bool) {
		s := &echoSocket{six: six, header: header && !six}
		if seq, ok := s.reply(b, mark); ok && (seq < 0 || seq > 0xffff || !strings.Contains(string(b), string(mark))) {
			t.Errorf("%x is reply %d", b, seq)
		}
	})
}

// FuzzScript: whatever a server says, a step ends and the text is harmless.
func FuzzScript(f *testing.F) {
	f.Add(uint8(check.Contains), "+PONG\r\n", `^-`, []byte("+PONG\r\n"))
	f.Add(uint8(check.Regexp), `(?m)^220 .*\n`, `(?m)^[45]`, []byte("220-a\r\n220 b\r\n"))
	f.Add(uint8(check.Hex), "?? ?? ?? 00 0a", `^E`, []byte("J\x00\x00\x00\x0a8.0"))
	f.Fuzz(func(t *testing.T, form uint8, expect, fail string, answer []byte) {
		k := check.Script{MaxRead: 256, Steps: []check.Step{{
			Expect: check.Pattern{Form: check.PatternForm(form%3) + 1, Text: expect}, Fail: check.Pattern{Form: check.Regexp, Text: fail},
		}}}
		p, err := newScript(k)
		if err != nil {
			return
		}
		ours, theirs := pipe(answer)
		defer ours.Close()
		defer theirs.Close()
		seen := p.take(ours, start, 0)
		oneHarmlessLine(t, strings.ReplaceAll(seen.Text, k.Steps[0].Expect.String(), ""))
		if len(p.buf) > k.MaxRead {
			t.Errorf("%d bytes were read", len(p.buf))
		}
	})
}

// start is when the looks of the fuzzers began.
var start = time.Now()

// pipe is a connection whose other end says something and closes.
func pipe(answer []byte) (ours, theirs net.Conn) {
	ours, theirs = net.Pipe()
	go func() {
		theirs.Write(answer)
		theirs.Close()
	}()
	return ours, theirs
}
