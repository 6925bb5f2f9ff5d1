package flowhash

import (
	"math"
	"math/rand"
	"net/netip"
	"testing"
)

const (
	tcp = 6
	udp = 17
)

// counting is the key of the paper's own test vectors (appendix A).
var counting = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// The vectors were made by another implementation, which gives the vectors of
// the paper for SipHash-2-4 and the hashes of CPython, whose bytes are hashed
// by SipHash-1-3. A program in the kernel has to give the same.
func TestFlow_Vectors(t *testing.T) {
	for _, v := range []struct {
		key      [16]byte
		src, dst string
		proto    uint8
		want     uint64
		slot     uint32 // of 65537
	}{
		{[16]byte{}, "198.51.100.7:40000", "192.0.2.10:443", tcp, 0xc20f471863ba87a9, 49680},
		{[16]byte{}, "198.51.100.7:40001", "192.0.2.10:443", tcp, 0x079310e977733f80, 1939},
		{[16]byte{}, "198.51.100.7:40000", "192.0.2.10:443", udp, 0xc7a2abdf68245130, 51107},
		{[16]byte{}, "[2001:db8::7]:40000", "[2001:db8:1::10]:443", tcp, 0xa34e18f30055518a, 41806},
		{[16]byte{}, "0.0.0.0:0", "0.0.0.0:0", tcp, 0xbbdfbe25158d9fbf, 48096},
		{[16]byte{}, "255.255.255.255:65535", "255.255.255.255:65535", udp, 0xaff618426e874a09, 45046},
		{counting, "198.51.100.7:40000", "192.0.2.10:443", tcp, 0x2b6f8f8414a201c9, 11119},
		{counting, "198.51.100.7:40001", "192.0.2.10:443", tcp, 0x5d9fdbba92b36f70, 23968},
		{counting, "198.51.100.7:40000", "192.0.2.10:443", udp, 0xa9c4385c3755e710, 43460},
		{counting, "[2001:db8::7]:40000", "[2001:db8:1::10]:443", tcp, 0x0469ff28c66740b1, 1130},
		{counting, "0.0.0.0:0", "0.0.0.0:0", tcp, 0xdea875a0e0460faa, 57001},
		{counting, "255.255.255.255:65535", "255.255.255.255:65535", udp, 0x36d19221429066a7, 14033},
	} {
		got := Flow(v.key, netip.MustParseAddrPort(v.src), netip.MustParseAddrPort(v.dst), v.proto)
		if got != v.want || Slot(got, 65537) != v.slot {
			t.Errorf("Flow(%x, %s, %s, %d) = %016x in slot %d, want %016x in %d",
				v.key, v.src, v.dst, v.proto, got, Slot(got, 65537), v.want, v.slot)
		}
	}
}

func TestSource_Vectors(t *testing.T) {
	for _, v := range []struct {
		key  [16]byte
		src  string
		bits [2]uint8
		want uint64
	}{
		{[16]byte{}, "198.51.100.7", [2]uint8{}, 0xc1c5c09cfd961a37},
		{[16]byte{}, "198.51.100.7", [2]uint8{24, 64}, 0x11cdc4487ff57ca5},
		{[16]byte{}, "::ffff:198.51.100.7", [2]uint8{24, 64}, 0x11cdc4487ff57ca5},
		{[16]byte{}, "198.51.100.200", [2]uint8{24, 64}, 0x11cdc4487ff57ca5},
		{[16]byte{}, "2001:db8::7", [2]uint8{24, 0}, 0x28e5e43b67ea81e1},
		{[16]byte{}, "2001:db8::7", [2]uint8{24, 200}, 0x28e5e43b67ea81e1},
		{[16]byte{}, "2001:db8:0:0:1::7", [2]uint8{24, 64}, 0xd1b3627a9fcf9fe0},
		{[16]byte{}, "2001:db8::", [2]uint8{0, 56}, 0xd1b3627a9fcf9fe0},
		{counting, "198.51.100.7", [2]uint8{32, 128}, 0x8950b4dd76b31e4a},
		{counting, "198.51.100.7", [2]uint8{24, 64}, 0xc52ab82e36d19cc3},
		{counting, "2001:db8::7", [2]uint8{}, 0xb265ca446aecf92e},
		{counting, "2001:db8:0:0:1::7", [2]uint8{24, 64}, 0xc668df69bbb51a68},
	} {
		if got := Source(v.key, netip.MustParseAddr(v.src), v.bits); got != v.want {
			t.Errorf("Source(%x, %s, %d) = %016x, want %016x", v.key, v.src, v.bits, got, v.want)
		}
	}
}

// A client that may choose only its port must reach all slots alike: 200,000
// flows over 1,000 slots, by the chi-squared test.
func TestSlot_PortsOfOneClientAreSpreadEvenly(t *testing.T) {
	const slots, flows = 1000, 200_000
	var in [slots]int
	for i := range flows {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i >> 15)}), uint16(1024+i&0x7fff))
		in[Slot(Flow(counting, src, netip.MustParseAddrPort("192.0.2.10:443"), tcp), slots)]++
	}
	chi := 0.0
	for _, n := range in {
		chi += math.Pow(float64(n)-flows/slots, 2) / (flows / slots)
	}
	// 999 degrees of freedom: mean 999, deviation √(2·999) = 44.7; the keys are
	// fixed, so a bound of five deviations fails always or never.
	if math.Abs(chi-999) > 5*44.7 {
		t.Errorf("chi-squared of the slots is %.0f, want about 999", chi)
	}
}

func TestSlot_StaysInTheTable(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 100_000 {
		n := 1 + uint32(r.Intn(131_072))
		if s := Slot(r.Uint64(), n); s >= n {
			t.Fatalf("slot %d of %d", s, n)
		}
	}
	if s := Slot(math.MaxUint64, 65537); s != 65536 {
		t.Errorf("the greatest hash is in slot %d", s)
	}
}

func BenchmarkFlow(b *testing.B) {
	src, dst := netip.MustParseAddrPort("[2001:db8::7]:40000"), netip.MustParseAddrPort("[2001:db8:1::10]:443")
	b.ReportAllocs()
	for b.Loop() {
		Flow(counting, src, dst, tcp)
	}
}
