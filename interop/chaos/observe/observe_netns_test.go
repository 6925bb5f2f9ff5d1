package observe

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

// bed is a LAN with two nodes that may have the address, and two observers.
type bed struct {
	t         *testing.T
	lan       *lab.LAN
	vip       netip.Prefix
	a, b      *lab.Host
	start     time.Time
	tap       *Tap
	observers []*Observer
}

var vips = map[string]netip.Prefix{
	"IPv4": netip.MustParsePrefix("192.0.2.10/24"),
	"IPv6": netip.MustParsePrefix("2001:db8::10/64"),
}

// newBed gives both nodes the same MAC, as a virtual router does.
func newBed(t *testing.T, vip netip.Prefix) *bed {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	lan, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, lan: lan, vip: vip, start: time.Now()}
	t.Cleanup(func() {
		if err := lan.Close(); err != nil {
			t.Error(err)
		}
	})
	mac := net.HardwareAddr{0, 0, 0x5e, 0, 1, 51}
	for i, host := range []**lab.Host{&b.a, &b.b} {
		*host, err = lan.Add(lab.HostConfig{Name: string(rune('a' + i)), MAC: mac, Addresses: []netip.Prefix{
			netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1)), netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", i+1)),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if b.tap, err = StartTap(lan, []string{"a", "b"}, vip.Addr(), b.start); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		eye, err := lan.Add(lab.HostConfig{Name: fmt.Sprintf("eye%d", i), Addresses: Asking(i, vip.Addr())})
		if err != nil {
			t.Fatal(err)
		}
		o, err := StartObserver(eye, vip.Addr(), i, 2, b.start)
		if err != nil {
			t.Fatal(err)
		}
		b.observers = append(b.observers, o)
	}
	return b
}

func (b *bed) address(host *lab.Host, change func(netlink.Link, *netlink.Addr) error) {
	b.t.Helper()
	if err := host.Do(func() error {
		eth0, err := netlink.LinkByName(lab.Interface)
		if err != nil {
			return err
		}
		return change(eth0, &netlink.Addr{IPNet: &net.IPNet{IP: b.vip.Addr().AsSlice(), Mask: net.CIDRMask(b.vip.Bits(), b.vip.Addr().BitLen())}})
	}); err != nil {
		b.t.Fatal(err)
	}
}

// answering waits until exactly these answer.
func (b *bed) answering(want ...string) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := b.tap.Answering(30 * time.Millisecond)
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%v answer, want %v", got, want)
		}
	}
}

func (b *bed) stop() (all, heard measure.Recording) {
	b.t.Helper()
	var receipts []measure.Receipt
	for _, o := range b.observers {
		got, err := o.Stop()
		if err != nil {
			b.t.Error(err)
		}
		receipts = append(receipts, got...)
	}
	all, err := b.tap.Stop()
	if err != nil {
		b.t.Error(err)
	}
	return all, all.Heard(receipts)
}

// Two hosts have the address and the same MAC for a known time: this is what
// no daemon must let happen, and the observer has to see.
func TestTwoHoldersAreSeen(t *testing.T) {
	for name, vip := range vips {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, vip)
			b.address(b.a, netlink.AddrAdd)
			b.answering("a")
			b.address(b.b, netlink.AddrAdd)
			from := b.tap.Now()
			b.answering("a", "b")
			time.Sleep(300 * time.Millisecond)
			to := b.tap.Now()
			b.address(b.a, netlink.AddrDel)
			until := b.tap.Now()
			b.answering("b")
			all, heard := b.stop()

			got := measure.Total(heard.Overlaps())
			// What a busy machine keeps from being asked ends a run.
			if most := until - from + 5*time.Millisecond; got > most || got < (to-from)/2 {
				t.Errorf("two hosts answered for %v, seen are %v", to-from, got)
			}
			if diff := measure.Total(all.Overlaps()) - got; diff > got/10 {
				t.Errorf("all of it was heard, and yet %v is not", diff)
			}
		})
	}
}

// An address that moves, with nobody in between, is no overlap.
func TestOneHolderIsNotTwo(t *testing.T) {
	for name, vip := range vips {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, vip)
			b.address(b.a, netlink.AddrAdd)
			b.answering("a")
			for range 5 {
				b.address(b.a, netlink.AddrDel)
				b.address(b.b, netlink.AddrAdd)
				b.answering("b")
				b.address(b.b, netlink.AddrDel)
				b.address(b.a, netlink.AddrAdd)
				b.answering("a")
			}
			all, _ := b.stop()
			if got := all.Overlaps(); len(got) > 0 {
				t.Errorf("there was one holder at a time, and these overlaps are seen: %+v", got)
			}
			for _, node := range []string{"a", "b"} {
				if len(all.Runs(node)) < 5 {
					t.Errorf("%s is seen to answer %d times, want 5 at least", node, len(all.Runs(node)))
				}
			}
		})
	}
}

// A node that nobody hears is one of two holders, but not for any client.
func TestAMuteHolderIsUnheard(t *testing.T) {
	b := newBed(t, vips["IPv4"])
	if err := b.a.Cut(lab.Mute); err != nil {
		t.Fatal(err)
	}
	b.address(b.a, netlink.AddrAdd)
	b.address(b.b, netlink.AddrAdd)
	b.answering("a", "b")
	time.Sleep(200 * time.Millisecond)
	all, heard := b.stop()
	if measure.Total(all.Overlaps()) < 50*time.Millisecond {
		t.Error("two nodes answered, and it is not seen")
	}
	if got := heard.Overlaps(); len(got) > 0 {
		t.Errorf("no client could hear both, and these overlaps are heard: %+v", got)
	}
}
