package proxy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

func TestPlane_JoinsInTurn(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	s := newSite(t, balance.InTurn, a.at, b.at)
	got := map[string]int{}
	for range 40 {
		c := s.mustDial()
		if err := c.echo("hello"); err != nil {
			t.Fatal(err)
		}
		got[c.name]++
		_ = c.Close()
	}
	// Every loop takes turns for itself, so the kernel's choice of the loop
	// makes a difference of one for each.
	if diff := got["a"] - got["b"]; diff < -len(s.plane.loops) || diff > len(s.plane.loops) {
		t.Errorf("spread %v", got)
	}
	s.until("all flows are over", func() bool { u := s.usage(); return u[1].Flows+u[2].Flows == 0 })
	if u := s.usage(); u[1].New+u[2].New != 40 || u[1].BytesIn+u[2].BytesIn != 40*6 || u[1].BytesOut+u[2].BytesOut != 40*8 {
		t.Errorf("counted %+v", u)
	}
}

// Large and small messages, both ways at once, with readers that stop for a
// while: every byte arrives, in order.
func TestPlane_CarriesEveryByte(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			c, err := s.dial()
			if err != nil {
				t.Error(err)
				return
			}
			rng := rand.New(rand.NewPCG(seed, 0))
			data := make([]byte, 4<<20+rng.IntN(1<<20))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			go func() {
				rest := data
				for len(rest) > 0 {
					n := min(len(rest), 1+rng.IntN(1<<rng.IntN(20)))
					if _, err := c.Write(rest[:n]); err != nil {
						t.Error(err)
						return
					}
					rest = rest[n:]
				}
				_ = c.Conn.(*net.TCPConn).CloseWrite()
			}()
			sum := sha256.New()
			for i := 0; ; i++ {
				if i == 10 {
					time.Sleep(50 * time.Millisecond) // the other side has to wait
				}
				n, err := io.CopyN(sum, c.r, 1<<19)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Error(n, err)
					return
				}
			}
			if want := sha256.Sum256(data); !bytes.Equal(sum.Sum(nil), want[:]) {
				t.Errorf("seed %d: other bytes came back", seed)
			}
		})
	}
	wg.Wait()
	s.until("all flows are over", func() bool { return s.usage()[1].Flows == 0 })
}

// A client that has said all may still be answered (RFC 9293 §3.6).
func TestPlane_KeepsHalfClosedConnections(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c) // ends with the client's half
		time.Sleep(20 * time.Millisecond)
		_, _ = c.Write(bytes.ToUpper(all))
	}()
	s := newSite(t, balance.InTurn, ln.Addr().(*net.TCPAddr).AddrPort())
	c, err := net.Dial("tcp", s.at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "question"); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "QUESTION" {
		t.Errorf("answer %q, %v", got, err)
	}
}

// An answer that was cut off must not look complete.
func TestPlane_PassesOnAReset(t *testing.T) {
	for _, who := range []string{"client", "server"} {
		t.Run(who, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			s := newSite(t, balance.InTurn, ln.Addr().(*net.TCPAddr).AddrPort())
			c, err := net.Dial("tcp", s.at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			b, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			from, to := c, b
			if who == "server" {
				from, to = b, c
			}
			_ = to.SetDeadline(time.Now().Add(patience))
			if _, err := from.Write([]byte("part")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(to, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			_ = from.(*net.TCPConn).SetLinger(0)
			_ = from.Close()
			if _, err := to.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the other side reads %v", err)
			}
		})
	}
}

func TestPlane_TriesAnotherTarget(t *testing.T) {
	a := newBackend(t, "a")
	dead := freePort(t)
	s := newSite(t, balance.InTurn, dead, a.at)
	for range 10 {
		if c := s.mustDial(); c.name != "a" {
			t.Fatal(c.name)
		}
	}
	if u := s.usage(); u[1].Dropped == 0 || u[1].Flows != 0 {
		t.Errorf("of the dead one: %+v", u[1])
	}
	s.apply(func(p *balance.Plan, svc *balance.Service) {
		p.Targets[1].Addr = dead
		p.Targets[1].ID = 3
		svc.Proxying.Retries = 3
	})
	if _, err := s.dial(); err == nil {
		t.Error("joined to nobody")
	}
	s.until("refused", func() bool { return s.usage()[0].Refused == 1 })
}

func TestPlane_LimitsAndQueues(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.Least, a.at)
	s.apply(func(p *balance.Plan, svc *balance.Service) { p.Targets[0].MaxFlows = 2; svc.Proxying.MaxQueue = 1 })
	first, _ := s.mustDial(), s.mustDial()
	if _, err := s.dial(); err == nil {
		t.Error("a third connection, with a limit of two and no queue")
	}
	if u := s.usage(); u[0].Limited != 1 {
		t.Errorf("limited %d", u[0].Limited)
	}
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Proxying.Queue = patience })
	got := make(chan error)
	go func() { _, err := s.dial(); got <- err }()
	waits := func() bool { return s.plane.services["web"].queued.Load() == 1 }
	s.until("one waits", waits)
	if _, err := s.dial(); err == nil {
		t.Error("a second one waits, where one may")
	}
	_ = first.Close()
	if err := <-got; err != nil {
		t.Errorf("who waited: %v", err)
	}

	// Who has waited for too long is sent away, and who goes is forgotten.
	go func() { _, err := s.dial(); got <- err }()
	s.until("one waits again", waits)
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Proxying.Queue = time.Millisecond })
	if err := <-got; err == nil {
		t.Error("joined beyond the limit")
	}
	s.until("nobody waits", func() bool { return s.plane.services["web"].queued.Load() == 0 })
}

func TestPlane_ChangesWithThePlan(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	s := newSite(t, balance.InTurn, a.at, b.at)
	var onA, onB *through
	for onA == nil || onB == nil {
		if c := s.mustDial(); c.name == "a" {
			onA = c
		} else {
			onB = c
		}
	}
	// Drained: it keeps what it has and gets nothing new.
	s.apply(func(p *balance.Plan, _ *balance.Service) { p.Targets[0].State, p.Table = balance.Drain, []uint16{1} })
	for range 6 {
		if c := s.mustDial(); c.name != "b" {
			t.Fatal("a new connection to one that is drained")
		}
	}
	if err := onA.echo("still here"); err != nil {
		t.Errorf("an old connection to one that is drained: %v", err)
	}
	// Down: its connections are reset, the others' are not.
	s.apply(func(p *balance.Plan, svc *balance.Service) {
		p.Targets[0].State, svc.OnDown = balance.Down, balance.Reset
	})
	if _, err := onA.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection to one that is down: %v", err)
	}
	if err := onB.echo("here too"); err != nil {
		t.Error(err)
	}
	// Another address; the old one is closed, its connections go on.
	old, next := s.at, freePort(t)
	s.apply(func(_ *balance.Plan, svc *balance.Service) {
		svc.Listen = []balance.Endpoint{{AddrPort: next, Proto: balance.TCP}}
	})
	if c, err := net.Dial("tcp", old.String()); err == nil {
		_ = c.Close()
		t.Error("the old address is open")
	}
	s.at = next
	s.mustDial()
	if err := onB.echo("and still"); err != nil {
		t.Error(err)
	}
	// Nobody: new connections are refused.
	s.apply(func(p *balance.Plan, _ *balance.Service) { p.Table = nil })
	if _, err := s.dial(); err == nil {
		t.Error("joined to nobody")
	}
	// Gone.
	if err := s.plane.Apply(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := onB.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection of a service that is gone: %v", err)
	}
	s.until("backends see nobody", func() bool { return a.connections()+b.connections() == 0 })
}

func TestPlane_SaysWhereItCannotListen(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	taken, err := net.Listen("tcp", "127.0.0.1:0") // without SO_REUSEPORT
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other := *s.plan.Service
	other.Name = "other"
	other.Listen = []balance.Endpoint{{AddrPort: taken.Addr().(*net.TCPAddr).AddrPort(), Proto: balance.TCP}}
	plan := s.plan
	plan.Service = &other
	err = s.plane.Apply([]*balance.Plan{&plan, &s.plan})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot serve other: cannot listen at 127.0.0.1:") {
		t.Errorf("error %v", err)
	}
	s.mustDial() // the other service is served
	_ = taken.Close()
	if err := s.plane.Apply([]*balance.Plan{&plan, &s.plan}); err != nil {
		t.Errorf("once it is free: %v", err)
	}
}

func TestPlane_ForgetsIdleConnections(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	idle, busy := s.mustDial(), s.mustDial()
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Timeouts.Established = 2 * time.Second })
	stop := time.Now().Add(4 * time.Second)
	for time.Now().Before(stop) {
		if err := busy.echo("busy"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the idle one: %v", err)
	}
}

func TestPlane_KeepsClientsWhereTheyWere(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	s := newSite(t, balance.InTurn, a.at, b.at)
	s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Affinity = time.Minute })
	first := s.mustDial().name
	for range 10 {
		if c := s.mustDial(); c.name != first {
			t.Fatal("a client was sent elsewhere")
		}
	}
	gone := uint16(map[string]int{"a": 0, "b": 1}[first])
	s.apply(func(p *balance.Plan, _ *balance.Service) {
		p.Targets[gone].State, p.Table = balance.Drain, []uint16{1 - gone}
	})
	if c := s.mustDial(); c.name == first {
		t.Error("a client was sent to one that is drained")
	}
}

func TestPlane_AllowsWhoMay(t *testing.T) {
	a := newBackend(t, "a")
	s := newSite(t, balance.InTurn, a.at)
	s.apply(func(_ *balance.Plan, svc *balance.Service) {
		svc.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	if _, err := s.dial(); err == nil {
		t.Error("joined from 127.0.0.1")
	}
	s.apply(func(_ *balance.Plan, svc *balance.Service) {
		svc.Allow = append(svc.Allow, netip.MustParsePrefix("127.0.0.0/8"))
	})
	s.mustDial()
}
