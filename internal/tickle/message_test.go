package tickle

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/peer"
)

var (
	vip  = netip.MustParseAddr("192.0.2.10")
	vip6 = netip.MustParseAddr("2001:db8::10")
	noon = time.Unix(1_700_000_000, 0)
	key  = peer.Key{ID: 7, Keys: map[uint8][]byte{7: []byte("0123456789abcdef0123456789abcdef")}, Window: 5 * time.Second}
)

// client is the n-th client of an address.
func client(a netip.Addr, n int) Connection {
	remote := netip.AddrFrom4([4]byte{198, 51, byte(n >> 16), byte(n >> 8)})
	if a.Is6() {
		remote = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 9, byte(n >> 16), byte(n >> 8)})
	}
	return Connection{netip.AddrPortFrom(a, 5432), netip.AddrPortFrom(remote, uint16(1024+n))}
}

func clients(a netip.Addr, n int) []Connection {
	out := make([]Connection, n)
	for i := range out {
		out[i] = client(a, i)
	}
	return out
}

var compare = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func TestMessage_RoundTrip(t *testing.T) {
	for _, a := range []netip.Addr{vip, vip6} {
		for _, k := range []peer.Key{{}, key} {
			m := Message{
				From: "lb1", Addr: a, Sent: noon, List: noon.Add(-time.Minute), Buckets: 8, Bucket: 7, LeftOut: 3,
				Clients: clients(a, room(a, "lb1")),
			}
			b := m.Append(nil, k)
			if len(b) > maxSize {
				t.Errorf("a full message of %s has %d bytes", a, len(b))
			}
			got, err := Decode(b)
			if diff := cmp.Diff(m, got, compare, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if err := Verify(b, got, k, noon); err != nil {
				t.Error(err)
			}
			if about, ok := About(b); !ok || about != a {
				t.Errorf("it is about %s, %t", about, ok)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	m := Message{From: "lb1", Addr: vip, Sent: noon, List: noon, Buckets: 1, Clients: clients(vip, 2)}
	good := m.Append(nil, key)
	changed := append([]byte(nil), good...)
	changed[len(changed)-33] ^= 1 // of the last client's address
	other := key
	other.ID, other.Keys = 8, map[uint8][]byte{8: key.Keys[7]}
	for _, c := range []struct {
		name string
		b    []byte
		at   time.Time
		want error
	}{
		{"good", good, noon.Add(4 * time.Second), nil},
		{"not signed", m.Append(nil, peer.Key{}), noon, ErrUnsigned},
		{"another key", m.Append(nil, other), noon, ErrUnsigned},
		{"changed", changed, noon, ErrSignature},
		{"repeated later", good, noon.Add(6 * time.Second), ErrStale},
		{"from the future", good, noon.Add(-6 * time.Second), ErrStale},
	} {
		got, err := Decode(c.b)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := Verify(c.b, got, key, c.at); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Nobody can have a new holder send to hosts that are no clients.
func TestDecode_RefusesWhoIsNoClient(t *testing.T) {
	for _, a := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.18", "255.255.255.255", "::", "::1", "ff02::12", "fe80::1", "::ffff:192.0.2.1"} {
		remote := netip.MustParseAddr(a)
		local := vip
		if remote.Is6() {
			local = vip6
		}
		m := Message{From: "lb1", Addr: local, Sent: noon, List: noon, Buckets: 1, Clients: []Connection{
			{netip.AddrPortFrom(local, 80), netip.AddrPortFrom(remote, 1)},
		}}
		if _, err := Decode(m.Append(nil, peer.Key{})); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, a := range []netip.Addr{vip, vip6} {
		m := Message{From: "lb1", Addr: a, Sent: noon, List: noon, Buckets: 4, Bucket: 1, Clients: clients(a, 3)}
		f.Add(m.Append(nil, peer.Key{}))
		f.Add(m.Append(nil, key))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		_ = Verify(b, m, key, noon)
		again, err := Decode(m.Append(nil, peer.Key{}))
		if err != nil {
			t.Fatalf("it cannot be read again: %v", err)
		}
		if diff := cmp.Diff(m, again, compare, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
		// A machine takes whatever comes.
		x := New(Config{Node: "me"})
		x.Configure(noon, []Address{{Addr: m.Addr, Group: "web", Interface: "eth0"}}, nil)
		x.Step(noon, Heard("eth0", b), nil)
		x.Step(noon, Held(m.Addr), nil)
		x.Step(noon.Add(time.Second), Tick(), nil)
	})
}
