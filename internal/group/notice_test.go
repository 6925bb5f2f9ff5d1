package group

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// TestNotices shows every sentence about a disagreement with a peer.
func TestNotices(t *testing.T) {
	var text strings.Builder
	cfg := vrrp.Config{VRID: 51, Version: 3}
	seen := map[string]vrrp.Notice{}
	for n := vrrp.NoticeDrop; n <= vrrp.NoticeDuplicatePriority; n++ {
		code, sentence := noticeText(vrrp.Action{
			Notice: n, Drop: vrrp.DropChecksum, Peer: netip.MustParseAddr("192.0.2.9"), PeerPriority: 90,
			Got: 2 * time.Second, Want: time.Second,
		}, cfg)
		if o, twice := seen[code]; twice {
			t.Errorf("%s and %s have the code %s", o, n, code)
		}
		seen[code] = n
		fmt.Fprintf(&text, "%s %s: %s\n", code, n, sentence)
	}
	for _, c := range []struct {
		a   vrrp.Action
		cfg vrrp.Config
	}{
		{vrrp.Action{Notice: vrrp.NoticeAuth, Drop: vrrp.DropAuthFailed}, vrrp.Config{VRID: 51, Version: 2, Pass: "secret"}},
		{vrrp.Action{Notice: vrrp.NoticeAuth}, vrrp.Config{VRID: 51}},
		{vrrp.Action{Notice: vrrp.NoticeDrop, Drop: vrrp.DropTTL}, vrrp.Config{Hops: 255, Peers: []netip.Addr{addr(vrrp.IPv6, 9)}}},
	} {
		c.a.Peer = netip.MustParseAddr("192.0.2.9")
		code, sentence := noticeText(c.a, c.cfg)
		fmt.Fprintf(&text, "%s %s: %s\n", code, c.a.Notice, sentence)
	}
	golden(t, "notices.txt", text.String())
}

// A notice names the group of the router that made it.
func TestNotice_NamesItsGroup(t *testing.T) {
	b := backup(t, web(), dns())
	b.compare("another interval", b.feed(Received(2, b.packet(2, higher, 150, func(a *vrrp.Advert) { a.Interval *= 2 }))), []string{
		"dns: notice HF2010: 192.0.2.20 advertises every 2s, this node every 1s: set the same interval on both",
	})
	if got := b.View().Routers[2].Interval; got != 2*time.Second {
		t.Errorf("the interval learnt is %s", got)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Init.String(): "init", Backup.String(): "backup", Active.String(): "active", Fault.String(): "fault",
		State(9).String(): "state 9", Install.String(): "install", Remove.String(): "remove",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
