package probe

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-net/holdfast/internal/check"
)

// zone is a real name server, by UDP and TCP on one port, for example.org. It
// counts the questions by TCP.
func zone(t *testing.T) (to check.Endpoint, byTCP *atomic.Int32) {
	t.Helper()
	byTCP = new(atomic.Int32)
	records := map[string]string{
		"www.example.org. A":    "www.example.org. 60 IN A 192.0.2.10",
		"www.example.org. AAAA": "www.example.org. 60 IN AAAA 2001:db8::10",
		"web.example.org. A":    "web.example.org. 60 IN CNAME www.example.org.\nwww.example.org. 60 IN A 192.0.2.10",
		"example.org. SOA":      "example.org. 60 IN SOA ns.example.org. admin.example.org. 2026112101 3600 600 86400 60",
		"example.org. TXT":      `example.org. 60 IN TXT "v=spf1 -all"`,
		"www.example.org. MX":   "",
	}
	for i := range 100 {
		records["big.example.org. A"] += fmt.Sprintf("big.example.org. 60 IN A 10.0.0.%d\n", i)
	}
	handle := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		question := q.Question[0]
		_, overTCP := w.RemoteAddr().(*net.TCPAddr)
		if overTCP {
			byTCP.Add(1)
		}
		text, ok := records[strings.ToLower(question.Name)+" "+dns.TypeToString[question.Qtype]]
		switch {
		case strings.HasPrefix(question.Name, "refused."):
			m.Rcode = dns.RcodeRefused
		case strings.HasPrefix(question.Name, "stray."):
			// An attacker guesses, or a late answer comes.
			stray := m.Copy()
			stray.Id++
			w.WriteMsg(stray)
			other := m.Copy()
			other.Question[0].Name = "other.example.org."
			w.WriteMsg(other)
		case strings.HasPrefix(question.Name, "garbage."):
			w.Write([]byte("this is no DNS at all"))
			return
		case strings.HasPrefix(question.Name, "silent."):
			return
		case !ok:
			m.Rcode = dns.RcodeNameError
		}
		for line := range strings.SplitSeq(text, "\n") {
			if rr, err := dns.NewRR(line); err == nil && rr != nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !overTCP {
			m.Truncate(512)
		}
		w.WriteMsg(m)
	})
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		t.Skipf("the TCP port of the same number is taken: %v", err)
	}
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handle}, {Listener: listener, Handler: handle}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go s.ActivateAndServe()
		<-ready
		t.Cleanup(func() { s.Shutdown() })
	}
	return endpoint(t, packets.LocalAddr()), byTCP
}

func TestDNS(t *testing.T) {
	to, byTCP := zone(t)
	contains := func(s string) check.Pattern { return check.Pattern{Form: check.Contains, Text: s} }
	for _, c := range []struct {
		name string
		kind check.DNS
		ok   bool
		tcp  int32
		want []string
	}{
		{"address", check.DNS{Name: "www.example.org", Type: "A", RCode: "NOERROR", Answer: contains("192.0.2.10")}, true, 0, []string{"NOERROR, 192.0.2.10 in "}},
		{"another address", check.DNS{Name: "www.example.org", Type: "A", RCode: "NOERROR", Answer: contains("192.0.2.11")}, false, 0, []string{"NOERROR, 192.0.2.10 in ", `, wanted NOERROR with "192.0.2.11"`}},
		{"IPv6", check.DNS{Name: "WWW.example.ORG.", Type: "AAAA", RCode: "NOERROR", Answer: contains("2001:db8::10")}, true, 0, nil},
		{"by way of another name", check.DNS{Name: "web.example.org", Type: "A", RCode: "NOERROR", Answer: contains("192.0.2.10")}, true, 0, nil},
		{"SOA", check.DNS{Name: "example.org", Type: "SOA", RCode: "NOERROR", Answer: check.Pattern{Form: check.Regexp, Text: `\b2026\d{6}\b`}}, true, 0, nil},
		{"TXT", check.DNS{Name: "example.org", Type: "TXT", RCode: "NOERROR", Answer: contains("v=spf1")}, true, 0, nil},
		{"no record", check.DNS{Name: "www.example.org", Type: "MX", RCode: "NOERROR"}, true, 0, []string{"NOERROR in "}},
		{"no record where one is wanted", check.DNS{Name: "www.example.org", Type: "MX", RCode: "NOERROR", Answer: contains("mail")}, false, 0, nil},
		{"no name", check.DNS{Name: "nowhere.example.org", Type: "A", RCode: "NOERROR"}, false, 0, []string{"NXDOMAIN in ", ", wanted NOERROR"}},
		{"no name is wanted", check.DNS{Name: "nowhere.example.org", Type: "A", RCode: "NXDOMAIN"}, true, 0, nil},
		{"refused", check.DNS{Name: "refused.example.org", Type: "A", RCode: "NOERROR"}, false, 0, []string{"REFUSED in "}},
		{"TCP", check.DNS{Name: "www.example.org", Type: "A", RCode: "NOERROR", Network: check.DNSTCP}, true, 1, nil},
		{"too big for a datagram", check.DNS{Name: "big.example.org", Type: "A", RCode: "NOERROR", Answer: contains("10.0.0.99")}, true, 1, nil},
		{"strays", check.DNS{Name: "stray.example.org", Type: "A", RCode: "NXDOMAIN"}, false, 0, nil},
		{"garbage", check.DNS{Name: "garbage.example.org", Type: "A", RCode: "NOERROR"}, false, 0, nil},
		{"silent", check.DNS{Name: "silent.example.org", Type: "A", RCode: "NOERROR"}, false, 0, []string{"nothing for "}},
		{"garbage by TCP", check.DNS{Name: "garbage.example.org", Type: "A", RCode: "NOERROR", Network: check.DNSTCP}, false, 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			byTCP.Store(0)
			c.kind.To = to
			got := tryFor(t, c.kind, time.Second)
			sees(t, got, c.ok, c.want...)
			if n := byTCP.Load(); n != c.tcp {
				t.Errorf("%d questions by TCP, wanted %d", n, c.tcp)
			}
			t.Log(got.Text)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		k := check.DefaultDNS()
		k.To = closed(t)
		sees(t, try(t, k), false, "connection refused after ", ", wanted NOERROR")
	})
}
