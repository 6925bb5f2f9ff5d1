package interop

import (
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// An independent decoder reads everything that holdfast sends while it becomes
// active, is active and leaves, and finds nothing wrong with it.
func TestTshark_FindsNothingWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		router func(r peer.Router) peer.Router
		form   wire.Form
		want   []string // fields with values that have to be among the frames
	}{
		{
			name: "version 2", router: func(r peer.Router) peer.Router {
				r.Version, r.Interval, r.Pass = 2, time.Second, "s3cret"
				return r
			},
			form: wire.PseudoHeader,
			want: []string{"vrrp.version=2", "vrrp.auth_string=s3cret", "vrrp.ip_addr=192.0.2.10", "vrrp.prio=0", "arp.opcode=1"},
		},
		{
			name: "version 3", router: func(r peer.Router) peer.Router { return r },
			form: wire.PseudoHeader,
			want: []string{"vrrp.version=3", "vrrp.prio=100", "vrrp.short_adver_int=20", "vrrp.ip_addr=192.0.2.10", "vrrp.prio=0", "arp.opcode=1"},
		},
		{
			name: "version 3, checksum over the message", router: func(r peer.Router) peer.Router {
				r.Checksum = "rfc9568"
				return r
			},
			form: wire.MessageOnly,
			want: []string{"vrrp.version=3", "vrrp.prio=100"},
		},
		{
			name: "version 3 with IPv6", router: func(r peer.Router) peer.Router {
				r.Addresses = []netip.Prefix{local, vip6}
				return r
			},
			form: wire.PseudoHeader,
			want: []string{"vrrp.version=3", "vrrp.ipv6_addr=2001:db8::10", "vrrp.prio=0", "icmpv6.type=136", "icmpv6.nd.na.target_address=2001:db8::10"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			need(t, product())
			if _, err := exec.LookPath("tshark"); err != nil {
				t.Skipf("needs tshark, which `make test` installs: %v", err)
			}
			t.Parallel()
			bed := newBed(t)
			r := tt.router(router4(100))
			node := bed.start(product(), bed.a, r)
			bed.state(node, peer.Active)
			bed.answers(r.Addresses[len(r.Addresses)-1], bed.a)
			bed.steady(3*r.Interval, "it stays active", holds(node, peer.Active))
			bed.stop(node)

			var fields []string
			for _, w := range tt.want {
				field, _, _ := strings.Cut(w, "=")
				if !slices.Contains(fields, field) {
					fields = append(fields, field)
				}
			}
			verdicts, err := wire.Tshark(t.TempDir(), bed.sentBy("a"), tt.form, fields...)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range verdicts {
				if len(v.Problems) > 0 {
					t.Errorf("frame %d (%s): %s", i+1, v.Protocols, strings.Join(v.Problems, "; "))
				}
			}
			for _, w := range tt.want {
				field, value, _ := strings.Cut(w, "=")
				if !slices.ContainsFunc(verdicts, func(v wire.Verdict) bool { return slices.Contains(v.Fields[field], value) }) {
					t.Errorf("none of %d frames has %s", len(verdicts), w)
				}
			}
		})
	}
}

// sentBy are the frames of a host under any MAC: all but those under the other
// hosts' own.
func (b *bed) sentBy(name string) []wire.Frame {
	var others []string
	for host, mac := range macs {
		if host != name {
			others = append(others, mac.String())
		}
	}
	var out []wire.Frame
	for _, f := range b.capture.Frames() {
		eth, ok := gopacket.NewPacket(f.Data, layers.LayerTypeEthernet, gopacket.Lazy).LinkLayer().(*layers.Ethernet)
		if ok && !slices.Contains(others, eth.SrcMAC.String()) {
			out = append(out, f)
		}
	}
	return out
}
