package probe

import (
	"net"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// answering answers each datagram by f; nil is silence.
func answering(t *testing.T, network string, f func([]byte) []byte) check.Endpoint {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "udp6" {
		address = "[::1]:0"
	}
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 70000)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := f(buf[:n]); out != nil {
				c.WriteTo(out, from)
			}
		}
	}()
	return endpoint(t, c.LocalAddr())
}

func TestUDP(t *testing.T) {
	echo := answering(t, "udp4", func(b []byte) []byte { return append([]byte("you said "), b...) })
	echo6 := answering(t, "udp6", func(b []byte) []byte { return append([]byte("you said "), b...) })
	silent := answering(t, "udp4", func([]byte) []byte { return nil })
	nobody := closed(t)
	for _, c := range []struct {
		name string
		kind check.UDP
		ok   bool
		want string
	}{
		{"answer", check.UDP{To: echo, Send: "hello", Expect: check.Pattern{Form: check.Contains, Text: "said hello"}}, true, "answered 14 bytes in "},
		{"IPv6", check.UDP{To: echo6, Send: "hello", Expect: check.Pattern{Form: check.Contains, Text: "said hello"}}, true, ""},
		{"an empty datagram", check.UDP{To: echo}, true, "answered 9 bytes in "},
		{"hex", check.UDP{To: echo, Expect: check.Pattern{Form: check.Hex, Text: "79 6f ?5"}}, true, ""},
		{"another answer", check.UDP{To: echo, Send: "hello", Expect: check.Pattern{Form: check.Hex, Text: "00"}}, false, `answered "you said hello" in `},
		{"silence fails", check.UDP{To: silent, Send: "hello"}, false, "nothing for "},
		{"silence passes", check.UDP{To: silent, Send: "hello", Silence: check.SilencePasses, Listen: 50 * time.Millisecond}, true, "not refused within "},
		{"silence passes at the deadline", check.UDP{To: silent, Send: "hello", Silence: check.SilencePasses, Listen: time.Hour}, true, "not refused within "},
		{"answer where silence passes", check.UDP{To: echo, Send: "hello", Silence: check.SilencePasses, Listen: time.Hour}, true, "answered 14 bytes in "},
		{"nobody", check.UDP{To: nobody, Send: "hello"}, false, "connection refused after "},
		{"nobody where silence passes", check.UDP{To: nobody, Send: "hello", Silence: check.SilencePasses, Listen: time.Hour}, false, "connection refused after "},
	} {
		t.Run(c.name, func(t *testing.T) { sees(t, tryFor(t, c.kind, 500*time.Millisecond), c.ok, c.want) })
	}
}
