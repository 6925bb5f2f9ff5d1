package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// What a node said of itself stands for as long as nothing newer speaks against
// it: adverts that stopped do.
func TestDescribePeers_AnActiveNodeThatFellSilent(t *testing.T) {
	now := time.Unix(1000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, c := range map[string]struct {
		hello, advert time.Duration // how long ago
		state         group.State
		want          string
	}{
		"it goes on":                                {time.Second, 50 * time.Millisecond, group.Active, "active"},
		"its adverts stopped":                       {2 * time.Second, 1900 * time.Millisecond, group.Active, "silent"},
		"a hello in the time of an advert":          {time.Second, 1200 * time.Millisecond, group.Active, "silent"},
		"it says so still, and adverts do not come": {time.Second, 5 * time.Second, group.Active, "active"},
		"a backup, which was active once":           {time.Second, 5 * time.Second, group.Backup, "backup"},
		"long gone":                                 {10 * time.Second, 10 * time.Second, group.Active, "gone"},
	} {
		a := netip.MustParseAddr("192.0.2.1")
		r := &group.RouterView{Peers: []vrrp.Peer{{Addr: a, Priority: 100, Interval: 100 * time.Millisecond, LastHeard: ago(c.advert)}}}
		got := describePeers(now, r, []peer.Node{{Name: "a", Addr: a, State: uint8(c.state), Heard: ago(c.hello)}})
		if len(got) != 1 || got[0].State != c.want {
			t.Errorf("%s: %+v, not %s", name, got, c.want)
		}
	}
	// Who never sent adverts, as one of two nodes with a lease, is believed.
	got := describePeers(now, &group.RouterView{}, []peer.Node{{Name: "a", State: uint8(group.Active), Heard: ago(time.Second)}})
	if got[0].State != "active" {
		t.Errorf("without adverts: %+v", got)
	}
}
