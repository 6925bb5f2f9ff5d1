package vrrp

import (
	"testing"
	"time"
)

func pass(s string) func(*Config) { return func(c *Config) { c.Pass = s } }

// A version 2 password: both sides need the same.
//
//conformance:3768-5.3.6-authtype positive
//conformance:3768-5.3.6-authtype negative
//conformance:3768-7.1-authtype positive
//conformance:3768-7.1-authtype negative
//conformance:3768-5.3.10-zero negative
//conformance:3768-5.3.10-ignore negative
//conformance:unh-4.6 positive
//conformance:unh-4.6 negative
func TestPass(t *testing.T) {
	const differs = "report: peer authenticates differently: "
	for _, c := range []struct {
		name         string
		ours, theirs Config
		drop         Drop
		want         []string
	}{
		{"same", version2(pass("secret")), version2(pass("secret")), DropNone, nil},
		{"eight bytes", version2(pass("12345678")), version2(pass("12345678")), DropNone, nil},
		{
			"other", version2(pass("secret")), version2(pass("Secret")), DropAuthFailed,
			[]string{differs + "authentication failed (192.0.2.20 priority 200)"},
		},
		{
			"a beginning only", version2(pass("secret")), version2(pass("secre")), DropAuthFailed,
			[]string{differs + "authentication failed (192.0.2.20 priority 200)"},
		},
		{
			"theirs missing", version2(pass("secret")), version2(), DropAuthType,
			[]string{differs + "wrong authentication type (192.0.2.20 priority 200)"},
		},
		{
			"ours missing", version2(), version2(pass("secret")), DropAuthType,
			[]string{differs + "wrong authentication type (192.0.2.20 priority 200)"},
		},
		{"none", version2(), version2(), DropNone, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.theirs.Source = higher
			peer := place(t, c.theirs)
			n := backup(t, c.ours)
			n.wait(time.Second)
			b := peer.AppendAdvert(nil, peer.now, Group4, 200)
			n.do(Received(&Packet{Src: higher, Dst: Group4, TTL: 255, Payload: b}), c.want...)
			if c.drop == DropNone {
				n.due(down100)
			} else if got := n.Counters().Dropped[c.drop]; got != 1 {
				t.Errorf("counted %d drops for %s", got, c.drop)
			}
		})
	}
}
