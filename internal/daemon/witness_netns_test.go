package daemon_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// booth is a LAN with the real witness on one host, and votes cast by hand on
// the others: a and b are the nodes, and the client is who wishes them ill.
type booth struct {
	*site
	w   *node
	key []byte
}

const voteTerm = 3 * time.Second

// newBooth starts the witness, as a user without any right.
func newBooth(t *testing.T) *booth {
	b := &booth{site: newSite(t), key: []byte(strings.Repeat("0f", 16))}
	b.w = b.add("w", 3)
	secret := filepath.Join(b.w.dir, "key")
	b.must(os.WriteFile(secret, b.key, 0o600))
	b.must(os.Chown(secret, int(daemonUser.Uid), int(daemonUser.Gid)))
	b.must(os.WriteFile(b.w.file(), fmt.Appendf(nil, "node: w\nstate: %s\ncontrol: {socket: %s}\nwitness: {key: {file: %s}}\n",
		b.w.state(), b.w.socket(), secret), 0o644))
	b.must(os.Chown(b.w.dir, int(daemonUser.Uid), int(daemonUser.Gid)))
	cmd := exec.Command(binary.path, "run", "-c", b.w.file())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: daemonUser}
	b.w.run(cmd)
	return b
}

func (b *booth) counters() map[string]uint64 {
	b.t.Helper()
	s, err := b.w.status()
	b.must(err)
	if s.Witness == nil {
		b.t.Fatalf("%+v is not the status of a witness", s)
	}
	return s.Witness.Counters
}

// grows waits until the witness has counted so many more.
func (b *booth) grows(counter string, from, by uint64) {
	b.t.Helper()
	b.within(fmt.Sprintf("the witness counts %d more %s", by, counter), func() error {
		if got := b.counters()[counter]; got < from+by {
			return fmt.Errorf("it has counted %d", got-from)
		}
		return nil
	})
}

// socket opens a UDP socket in a host.
func (b *booth) socket(h *lab.Host, port int) *net.UDPConn {
	b.t.Helper()
	var c *net.UDPConn
	b.must(h.Do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		return err
	}))
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}

// elector is a node of the cluster without a kernel: an Agent on a socket.
type elector struct {
	mu      sync.Mutex
	agent   *vote.Agent
	subject vote.Subject
	conn    *net.UDPConn
	sent    [][]byte // to the witness
	least   time.Duration
	closed  bool
}

func now() vote.Instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return vote.Instant(ts.Nano())
}

func (b *booth) agent(name string, key []byte) *vote.Agent {
	b.t.Helper()
	cfg := vote.Config{Name: name, Keys: [][]byte{key}, Session: uint64(now()) | 1, Seed: fmt.Appendf(nil, "%s %020d", name, now())}
	for i, n := range []string{"a", "b", "w"} {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), vote.Port)
		cfg.Voters = append(cfg.Voters, vote.VoterAddr{Name: n, Addr: addr, Witness: n == "w"})
	}
	a, err := vote.NewAgent(cfg)
	b.must(err)
	return a
}

// elector starts one on a node's host.
func (b *booth) elector(n *node) *elector {
	e := &elector{agent: b.agent(n.name, b.key), conn: b.socket(n.host, vote.Port)}
	e.subject = e.agent.Open(1, voteTerm)
	go e.listen()
	go e.tick()
	b.t.Cleanup(e.stop)
	return e
}

func (e *elector) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	_ = e.conn.Close()
}

func (e *elector) listen() {
	buf := make([]byte, 2*vote.MaxSize)
	for {
		n, src, err := e.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		e.step(vote.Event{Kind: vote.Heard, Src: src, Data: buf[:n]})
	}
}

func (e *elector) tick() {
	for e.step(vote.Event{Kind: vote.Tick}) {
		time.Sleep(5 * time.Millisecond)
	}
}

func (e *elector) step(ev vote.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	var out vote.Out
	at := now()
	if left := time.Duration(e.agent.Until(e.subject) - at); left < e.least {
		e.least = left
	}
	e.agent.Step(at, ev, &out)
	for _, p := range out.Packets {
		if p.To.Addr().As4()[3] == 3 {
			e.sent = append(e.sent, append([]byte(nil), p.Data...))
		}
		_, _ = e.conn.WriteToUDPAddrPort(p.Data, p.To)
	}
	return true
}

func (e *elector) want() { e.step(vote.Event{Kind: vote.Want, Subject: e.subject, Rank: 100}) }

// left is how long it may hold.
func (e *elector) left() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Duration(e.agent.Until(e.subject) - now())
}

// leastFrom begins to note the least time that it had left.
func (e *elector) leastFrom() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.least = time.Hour
}

func (e *elector) leastLeft() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.least
}

func (b *booth) holds(e *elector, what string) {
	b.t.Helper()
	b.within(what, func() error {
		if e.left() <= 0 {
			return errNotYet
		}
		return nil
	})
}

// Nothing that is forged, repeated, cut off or touched moves the witness, and
// its own status tells of each.
func TestWitness_Forgeries(t *testing.T) {
	b := newBooth(t)
	a := b.elector(b.a)
	a.want() // b is not there: a needs the witness, which abstains at first
	b.holds(a, "a holds by the vote of the witness")
	if s, err := b.w.status(); err != nil || len(s.Witness.Askers) != 1 || s.Witness.Askers[0].Node != "a" || s.Witness.Askers[0].Promises != 1 {
		t.Errorf("the witness says %+v, %v", s.Witness, err)
	}
	a.mu.Lock()
	recorded := append([][]byte(nil), a.sent...)
	a.mu.Unlock()

	evil := b.socket(b.client, 0)
	witness := netip.MustParseAddrPort("192.0.2.3:9113")
	send := func(data []byte) {
		if _, err := evil.WriteToUDPAddrPort(data, witness); err != nil {
			t.Fatal(err)
		}
	}
	before := b.counters()
	last := recorded[len(recorded)-1]
	for _, r := range recorded { // what was said once
		send(r)
	}
	for n := range last { // what is cut off; the kernel keeps what is not even a name
		send(last[:n])
	}
	for i := range last { // and touched
		x := append([]byte(nil), last...)
		x[i] ^= 1
		send(x)
	}
	forger := b.agent("b", []byte("another key, of thirty-two bytes."))
	var out vote.Out
	forger.Step(now(), vote.Event{Kind: vote.Want, Subject: forger.Open(1, voteTerm), Rank: 255}, &out)
	for _, p := range out.Packets {
		send(p.Data)
	}
	b.grows("dropped_signature", before["dropped_signature"], uint64(len(last)/2))
	b.grows("dropped_malformed", before["dropped_malformed"], 10)
	b.grows("late", before["late"], 1)
	b.within("the witness warns", func() error {
		if got := b.w.cli("status"); !strings.Contains(got.out, "HF2120") || got.code != 20 {
			return fmt.Errorf("it says %q", got.out)
		}
		return nil
	})
	if a.left() <= 0 {
		t.Error("a holds no more")
	}
	// What a node says comes back to nobody but the node: the forger gets no
	// answer that helps.
	b.must(evil.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	buf := make([]byte, 2*vote.MaxSize)
	for {
		n, err := evil.Read(buf)
		if err != nil {
			break
		}
		if n > len(last) {
			t.Errorf("%d bytes in answer to %d", n, len(last))
		}
	}
	b.w.end()
	b.w.said(time.Time{}, "", "node a asks")
}

// flood sends forged votes at a rate, until stop is closed, and returns how
// many.
func (b *booth) flood(rate int, data []byte, stop <-chan struct{}) <-chan int {
	b.t.Helper()
	const burst = 200
	conn := ipv4.NewPacketConn(b.socket(b.client, 0))
	dst := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 3), Port: vote.Port}
	messages := make([]ipv4.Message, burst)
	for i := range messages {
		messages[i] = ipv4.Message{Buffers: [][]byte{data}, Addr: dst}
	}
	done := make(chan int, 1)
	go func() {
		total, start := 0, time.Now()
		for {
			select {
			case <-stop:
				done <- total
				return
			default:
			}
			due := int(time.Since(start).Seconds()*float64(rate)) - total
			if due < burst {
				time.Sleep(time.Millisecond)
				continue
			}
			n, err := conn.WriteBatch(messages, 0)
			if err != nil {
				done <- total
				return
			}
			if total += n; due > rate/2 { // it cannot: do not make up for it for ever
				start = time.Now().Add(-time.Duration(float64(total) / float64(rate) * float64(time.Second)))
			}
		}
	}()
	return done
}

// 100,000 forged votes a second, of the right form: neither does the holder
// lose the witness, nor does its successor wait for it.
func TestWitness_Flood(t *testing.T) {
	b := newBooth(t)
	a := b.elector(b.a)
	a.want()
	b.holds(a, "a holds by the vote of the witness")

	forger := b.agent("a", []byte("another key, of thirty-two bytes."))
	var out vote.Out
	forger.Step(now(), vote.Event{Kind: vote.Want, Subject: forger.Open(1, voteTerm), Rank: 255}, &out)
	before := b.counters()
	stop := make(chan struct{})
	start := time.Now()
	done := b.flood(100_000, out.Packets[len(out.Packets)-1].Data, stop)

	a.leastFrom()
	for time.Since(start) < 2*voteTerm {
		time.Sleep(50 * time.Millisecond) // a time to be flooded in, not to wait for something
	}
	least := a.leastLeft()
	if least <= 0 {
		t.Errorf("a lost its majority for %s", -least)
	}
	successor := b.elector(b.b)
	successor.want()
	a.stop()
	gone := time.Now()
	b.holds(successor, "b follows")
	took := time.Since(gone)
	close(stop)
	sent, lasted := <-done, time.Since(start)
	after := b.counters()
	t.Logf("%d forged a second for %s, of which the witness looked at %d; a had at least %s left of %s; b followed after %s",
		int(float64(sent)/lasted.Seconds()), lasted.Round(100*time.Millisecond), after["dropped_signature"]-before["dropped_signature"],
		least.Round(time.Millisecond), voteTerm, took.Round(time.Millisecond))
	if after["dropped_signature"] == before["dropped_signature"] {
		t.Error("there was no flood")
	}
}

// A witness without a key is refused, and so is a node's command.
func TestWitness_Refuses(t *testing.T) {
	b := newBooth(t)
	for _, args := range [][]string{{"maintenance", "on"}, {"handover", "web"}} {
		if got := b.w.cli(args...); got.code == 0 {
			t.Errorf("%v: %q", args, got.out)
		}
	}
	var s *api.Status
	s, err := b.w.status()
	b.must(err)
	if s.Witness.Abstains <= 0 || s.Health() != api.Healthy {
		t.Errorf("%+v", s)
	}
	b.must(os.WriteFile(b.w.file(), []byte("witness: {}\n"), 0o644))
	if got := b.w.ends(exec.Command(binary.path, "run", "-c", b.w.file())); got.code != 3 || !strings.Contains(got.err, "witness has no key") {
		t.Errorf("it ended with %d: %s", got.code, got.err)
	}
}
