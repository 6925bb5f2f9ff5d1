package interop

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/interop/peer"
)

const ms = time.Millisecond

// bfdBed is two hosts with a session between them: ours on a, a peer's on b.
type bfdBed struct {
	*bed
	kind          peer.Kind
	local, remote netip.Addr
	ours          *speaker
	theirs        peer.BFD
	session       peer.BFDSession // theirs
}

// The link-local addresses that the kernel makes of the hosts' MACs.
var link6 = map[string]netip.Addr{
	"a": netip.MustParseAddr("fe80::ff:fe00:a"),
	"b": netip.MustParseAddr("fe80::ff:fe00:b"),
}

// eachBFD runs a test against every peer, over both families.
func eachBFD(t *testing.T, f func(t *testing.T, b *bfdBed)) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.FRR, peer.BIRD} {
		for _, family := range []string{"IPv4", "IPv6"} {
			t.Run(string(kind)+" over "+family, func(t *testing.T) {
				t.Parallel()
				f(t, newBFDBed(t, kind, family))
			})
		}
	}
}

func newBFDBed(t *testing.T, kind peer.Kind, family string) *bfdBed {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if err := peer.HaveBFD(kind); err != nil {
		t.Skipf("needs %s, which `make test` installs: %v", kind, err)
	}
	b := &bfdBed{bed: newBed(t), kind: kind, local: prefix4["a"].Addr(), remote: prefix4["b"].Addr()}
	if family == "IPv6" {
		b.local, b.remote = link6["a"], link6["b"]
	}
	b.session = peer.BFDSession{Interface: "eth0", Local: b.remote, Remote: b.local, TX: 200 * ms, RX: 200 * ms, Multiplier: 5}
	return b
}

// startPeer starts their side. A failed test shows its log.
func (b *bfdBed) startPeer() {
	b.t.Helper()
	b.starts++
	p, err := peer.StartBFD(b.kind, b.b, filepath.Join(b.dir, fmt.Sprintf("bfd-%d", b.starts)), b.session)
	if err != nil {
		b.t.Fatal(err)
	}
	b.theirs = p
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("%s:\n%s", b.kind, ending(p.Log()))
		}
		if err := p.Kill(); err != nil {
			b.t.Error(err)
		}
	})
}

// startOurs starts our side, patient enough for a busy machine unless changed.
func (b *bfdBed) startOurs(change ...func(*bfd.Config)) {
	b.t.Helper()
	cfg := bfd.Config{Timing: bfd.Timing{DesiredMinTx: 200 * ms, RequiredMinRx: 200 * ms, DetectMult: 5}, Peer: b.remote}
	for _, f := range change {
		f(&cfg)
	}
	b.ours = speak(b.t, b.a, b.local, cfg)
}

// patience covers two slow handshakes and a busy machine.
const patience = 30 * time.Second

func (b *bfdBed) both(want string) {
	b.t.Helper()
	state := map[string]bfd.State{"up": bfd.Up, "down": bfd.Down}[want]
	b.within(patience, "our session is "+want, b.ours.is(state))
	b.peers(want)
}

// peers waits until the peer sees the session in a state.
func (b *bfdBed) peers(want string) {
	b.t.Helper()
	b.within(patience, fmt.Sprintf("%s's session is %s", b.kind, want), func() error {
		got, err := b.theirs.Status()
		if err == nil && got.State != want {
			err = fmt.Errorf("it is %q", got.State)
		}
		return err
	})
}

// agree waits until both sides reckon with the same times, each by its own
// account.
func (b *bfdBed) agree(weSend, theySend time.Duration, ourMult, theirMult int) {
	b.t.Helper()
	b.within(patience, "both sides reckon with the same times", func() (err error) {
		theirs, err := b.theirs.Status()
		if err != nil {
			return err
		}
		b.ours.look(func(s *bfd.Session) {
			for _, v := range []struct {
				what      string
				got, want time.Duration
			}{
				{"we send at", s.Interval(), weSend},
				{"they send at", theirs.Interval, theySend},
				{"we detect after", s.DetectionTime(), time.Duration(theirMult) * theySend},
				{"they detect after", theirs.Detection, time.Duration(ourMult) * weSend},
				{"we reckon that they detect after", s.PeerDetects(), time.Duration(ourMult) * weSend},
			} {
				if v.got != v.want {
					err = errors.Join(err, fmt.Errorf("%s %s, not %s", v.what, v.got, v.want))
				}
			}
		})
		return err
	})
}

// lost waits until our session has gone down for the n-th time, and checks why.
func (b *bfdBed) lost(n int, why bfd.Reason) {
	b.t.Helper()
	b.within(patience, fmt.Sprintf("our session falls for the %d. time", n), func() error {
		if got := len(b.ours.fell()); got < n {
			return fmt.Errorf("it fell %d times", got)
		}
		return nil
	})
	fell := b.ours.fell()
	if len(fell) != n || fell[n-1].Reason != why {
		b.t.Errorf("our session fell as %v, want %d times and last because %s", fell, n, why)
	}
}

// Both sides come up, whoever is first, and go by the slower of what one sends
// and the other one hears, in each direction by itself.
func TestBFD_Negotiates(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.session.TX, b.session.RX, b.session.Multiplier = 150*ms, 350*ms, 4
		b.startPeer()
		b.startOurs(func(c *bfd.Config) {
			c.Timing = bfd.Timing{DesiredMinTx: 300 * ms, RequiredMinRx: 250 * ms, DetectMult: 6}
		})
		b.both("up")
		b.agree(350*ms, 250*ms, 6, 4)

		// Both sides change what they want while the session is up.
		b.ours.do(bfd.Retime(bfd.Timing{DesiredMinTx: 500 * ms, RequiredMinRx: 200 * ms, DetectMult: 5}))
		b.agree(500*ms, 200*ms, 5, 4)
		b.ours.do(bfd.Retime(bfd.Timing{DesiredMinTx: 200 * ms, RequiredMinRx: 400 * ms, DetectMult: 7}))
		b.agree(350*ms, 400*ms, 7, 4)
		b.session.TX, b.session.RX = 600*ms, 200*ms
		if err := b.theirs.Set(b.session); err != nil {
			t.Fatal(err)
		}
		b.agree(200*ms, 600*ms, 7, 4)
		b.session.TX, b.session.RX = 200*ms, 450*ms
		if err := b.theirs.Set(b.session); err != nil {
			t.Fatal(err)
		}
		b.agree(450*ms, 400*ms, 7, 4)
		for _, fall := range b.ours.fell() {
			if fall.Reason != bfd.ReasonExpired { // that would be a busy machine
				t.Errorf("our session fell: %s", fall)
			}
		}
	})
}

// We wait for the peer's first packet.
func TestBFD_WeArePassive(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.startOurs(func(c *bfd.Config) { c.Passive = true })
		b.startPeer()
		b.both("up")
	})
}

// The peer waits for ours.
func TestBFD_PeerIsPassive(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.session.Passive = true
		b.startPeer()
		b.startOurs()
		b.both("up")
	})
}

// The peer dies: silence. Its next life has another discriminator, and comes up.
func TestBFD_PeerDies(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.startOurs()
		b.startPeer()
		b.both("up")
		if err := b.theirs.Kill(); err != nil {
			t.Fatal(err)
		}
		b.lost(1, bfd.ReasonExpired)
		b.startPeer()
		b.both("up")
	})
}

// The peer starts anew so fast that we do not miss it: it says itself that it
// is down.
func TestBFD_PeerRestarts(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		patient := func(c *bfd.Config) { c.RequiredMinRx = 4 * time.Second }
		b.startOurs(patient)
		b.startPeer()
		b.both("up")
		if err := b.theirs.Kill(); err != nil {
			t.Fatal(err)
		}
		b.startPeer()
		b.lost(1, bfd.ReasonNeighbourDown)
		b.both("up")
	})
}

// We die, and the peer notices; we come back with another discriminator.
func TestBFD_WeDie(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.startOurs()
		b.startPeer()
		b.both("up")
		b.ours.vanish()
		b.peers("down")
		b.startOurs()
		b.both("up")
	})
}

// Our operator switches the session off and on.
func TestBFD_WeAreDisabled(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.startOurs(func(c *bfd.Config) { c.DetectMult = 100 }) // silence would take 20s
		b.startPeer()
		b.both("up")
		began := time.Now()
		b.ours.do(bfd.Disable())
		b.peers("down")
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("%s noticed after %s: by our silence, not by our word", b.kind, took)
		}
		b.ours.do(bfd.Enable())
		b.both("up")
	})
}

// The peer's operator switches it off and on. FRR says so; BIRD falls silent.
func TestBFD_PeerIsDisabled(t *testing.T) {
	eachBFD(t, func(t *testing.T, b *bfdBed) {
		b.startOurs()
		b.startPeer()
		b.both("up")
		if err := b.theirs.Disable(); err != nil {
			t.Fatal(err)
		}
		b.lost(1, map[peer.Kind]bfd.Reason{peer.FRR: bfd.ReasonNeighbourAdminDown, peer.BIRD: bfd.ReasonExpired}[b.kind])
		if err := b.theirs.Enable(); err != nil {
			t.Fatal(err)
		}
		b.both("up")
	})
}
