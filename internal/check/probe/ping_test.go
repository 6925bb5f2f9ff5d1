package probe

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/check"
)

func pings(host string, change func(*check.Ping)) check.Ping {
	k := check.DefaultPing()
	k.Host = host
	if change != nil {
		change(&k)
	}
	return k
}

// wire is an echo socket whose other end is the test's.
func wire(t *testing.T) (*echoSocket, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, peer := &echoSocket{file: os.NewFile(uintptr(fds[0]), "ours"), id: 7}, os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() {
		s.file.Close()
		peer.Close()
	})
	return s, peer
}

// answerSome answers requests as f says.
func answerSome(peer *os.File, f func(request *icmp.Message, seq int) [][]byte) {
	buf := make([]byte, 2048)
	for {
		n, err := peer.Read(buf)
		if err != nil {
			return
		}
		m, err := icmp.ParseMessage(1, buf[:n])
		if err != nil {
			return
		}
		seq := m.Body.(*icmp.Echo).Seq
		for _, out := range f(m, seq) {
			peer.Write(out)
		}
	}
}

func reply(m *icmp.Message, change func(*icmp.Echo)) []byte {
	body := *m.Body.(*icmp.Echo)
	body.Data = append([]byte(nil), body.Data...)
	if change != nil {
		change(&body)
	}
	b, _ := (&icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &body}).Marshal(nil)
	return b
}

func TestEchoes_CountsWhatIsAnswered(t *testing.T) {
	for _, c := range []struct {
		name    string
		need    int
		answer  func(*icmp.Message, int) [][]byte
		ok      bool
		atLeast int
	}{
		{"all", 5, func(m *icmp.Message, _ int) [][]byte { return [][]byte{reply(m, nil)} }, true, 5},
		{"enough", 3, func(m *icmp.Message, seq int) [][]byte {
			if seq%2 == 0 {
				return nil
			}
			return [][]byte{reply(m, nil)}
		}, true, 3},
		{"too few", 4, func(m *icmp.Message, seq int) [][]byte {
			if seq%2 == 0 {
				return nil
			}
			return [][]byte{reply(m, nil)}
		}, false, 3},
		{"the same one again", 2, func(m *icmp.Message, seq int) [][]byte {
			if seq > 1 {
				return nil
			}
			return [][]byte{reply(m, nil), reply(m, nil), reply(m, nil)}
		}, false, 1},
		{"somebody else's", 1, func(m *icmp.Message, _ int) [][]byte {
			request, _ := m.Marshal(nil)
			return [][]byte{
				{0},
				request,
				reply(m, func(e *icmp.Echo) { e.Data[0]++ }),
				reply(m, func(e *icmp.Echo) { e.Seq = 99 }),
				reply(m, func(e *icmp.Echo) { e.Seq = 0 }),
				reply(m, func(e *icmp.Echo) { e.Data = nil }),
			}
		}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, peer := wire(t)
			go answerSome(peer, c.answer)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if !c.ok {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer cancel()
			defer bound(ctx, s.file)()
			e := echoes{sock: s, count: 5, need: c.need, spacing: time.Millisecond, buf: make([]byte, 2048)}
			err := e.run(ctx, 56)
			if (err == nil) != c.ok || e.answered < c.atLeast || !c.ok && e.answered != c.atLeast {
				t.Errorf("%d of %d answered: %v", e.answered, e.sent, err)
			}
		})
	}
}

func TestPing_ThisMachine(t *testing.T) {
	if s, err := openEcho(loopback, check.Via{}); err != nil {
		t.Skipf("neither a ping socket nor a raw one is allowed here: %v", err)
	} else {
		s.file.Close()
	}
	sees(t, try(t, pings("127.0.0.1", nil)), true, "answered in ", " ms")
	sees(t, try(t, pings("::1", nil)), true, "answered in ")
	sees(t, try(t, pings("127.0.0.1", func(k *check.Ping) { k.Count, k.Spacing, k.Size = 5, time.Millisecond, 9000 })), true, "5 of 5 answered in ", " on average")
	sees(t, try(t, pings("localhost", func(k *check.Ping) { k.Via.Source = loopback })), true)
	if got := tryFor(t, pings("no-such-host.invalid", nil), 300*time.Millisecond); got.OK || !strings.Contains(got.Text, "wanted 1 answer") {
		t.Error(got.Text)
	}
}
