package interop

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/bfd"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// The rates that failover in milliseconds wants: 10ms three times with both,
// and 5ms with BIRD, as FRR takes nothing below 10ms. How long a busy machine
// keeps up with that is not asked: only that both sides agree on it, and that
// a dead peer is noticed by its silence.
func TestBFD_Fast(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind   peer.Kind
		family string
		rate   time.Duration
	}{
		{peer.FRR, "IPv4", 10 * ms},
		{peer.FRR, "IPv6", 10 * ms},
		{peer.BIRD, "IPv4", 10 * ms},
		{peer.BIRD, "IPv6", 10 * ms},
		{peer.BIRD, "IPv4", 5 * ms},
		{peer.BIRD, "IPv6", 5 * ms},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind)+" over "+tt.family+" at "+tt.rate.String(), func(t *testing.T) {
			t.Parallel()
			b := newBFDBed(t, tt.kind, tt.family)
			b.session.TX, b.session.RX, b.session.Multiplier = tt.rate, tt.rate, 3
			b.startOurs(func(c *bfd.Config) {
				c.Timing = bfd.Timing{DesiredMinTx: tt.rate, RequiredMinRx: tt.rate, DetectMult: 3}
			})
			b.startPeer()
			b.agree(tt.rate, tt.rate, 3, 3)
			killed := time.Now()
			if err := b.theirs.Kill(); err != nil {
				t.Fatal(err)
			}
			b.within(patience, "our session is down", b.ours.is(bfd.Down))
			// It cannot have come up again since, so the last fall is the one
			// that counts; those before it were the machine's.
			fell := b.ours.fell()
			if last := fell[len(fell)-1]; last.Reason != bfd.ReasonExpired && last.Reason != bfd.ReasonNeighbourDown {
				t.Errorf("fell because %s", last.Reason)
			}
			t.Logf("missed %s after it was told to die; falls before, of this machine: %d", fell[len(fell)-1].at.Sub(killed), len(fell)-1)
		})
	}
}

// BIRD's two ways of SHA1, both keys and types matching or not.
func TestBFD_Authentication(t *testing.T) {
	t.Parallel()
	keyed := func(kind bfd.AuthType, key string) func(*bfd.Config) {
		return func(c *bfd.Config) {
			c.Auth = &bfd.Auth{Type: kind, Keys: map[uint8][]byte{1: []byte(key)}, Active: 1}
		}
	}
	tests := []struct {
		name   string
		theirs string // BIRD's words
		ours   func(*bfd.Config)
		drop   bfd.Drop // of their packets; DropNone: the session comes up
	}{
		{"keyed sha1", "keyed sha1", keyed(bfd.AuthSHA1, "a secret of 20 bytes"), bfd.DropNone},
		{"meticulous keyed sha1", "meticulous keyed sha1", keyed(bfd.AuthSHA1Strict, "a secret of 20 bytes"), bfd.DropNone},
		{"another key", "keyed sha1", keyed(bfd.AuthSHA1, "another"), bfd.DropAuthFailed},
		{"another kind of sha1", "keyed sha1", keyed(bfd.AuthSHA1Strict, "a secret of 20 bytes"), bfd.DropAuthType},
		{"md5", "meticulous keyed md5", keyed(bfd.AuthSHA1Strict, "a secret of 20 b"), bfd.DropAuthType},
		{"a password", "simple", keyed(bfd.AuthSHA1, "a secret of 20 b"), bfd.DropAuthType},
		{"only theirs", "keyed sha1", func(*bfd.Config) {}, bfd.DropAuthUnexpected},
		{"only ours", "", keyed(bfd.AuthSHA1, "a secret of 20 bytes"), bfd.DropAuthMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBFDBed(t, peer.BIRD, "IPv4")
			b.session.Auth, b.session.Key = tt.theirs, "a secret of 20 bytes"
			if tt.theirs == "meticulous keyed md5" || tt.theirs == "simple" {
				b.session.Key = "a secret of 20 b" // 16 is their most
			}
			b.startOurs(tt.ours)
			b.startPeer()
			if tt.drop != bfd.DropNone {
				b.within(patience, "their packets are dropped: "+tt.drop.String(), func() (err error) {
					b.ours.look(func(s *bfd.Session) {
						if s.Counters().Dropped[tt.drop] < 3 {
							err = errNotYet
						}
					})
					return err
				})
				if err := b.ours.is(bfd.Down)(); err != nil {
					t.Error(err)
				}
				return
			}
			b.both("up")
			// Many packets further the numbers still agree.
			b.within(patience, "50 packets are accepted", func() (err error) {
				b.ours.look(func(s *bfd.Session) {
					if s.Counters().Received < 50 {
						err = errNotYet
					}
				})
				return err
			})
			b.both("up")
			b.ours.look(func(s *bfd.Session) {
				for d, n := range s.Counters().Dropped {
					if n > 0 {
						t.Errorf("%d packets dropped: %s", n, bfd.Drop(d))
					}
				}
			})
		})
	}
}
