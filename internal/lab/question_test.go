package lab

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func frame(parts ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestAnswerFor(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")
	ethernet := "ffffffffffff 020000000002"
	arp := func(op, sender string) string {
		return "0806 0001 0800 06 04 " + op + "00005e000133" + sender + "020000000001 c0000264"
	}
	ipv6 := "86dd 60000000 0020 3a ff 20010db8000000000000000000000002 20010db8000000000000000000000064"
	target := "20010db8000000000000000000000010"

	for _, c := range []struct {
		name  string
		addr  netip.Addr
		frame []byte
		want  string
	}{
		{"ARP reply", four, frame(ethernet, arp("0002", "c000020a")), "00:00:5e:00:01:33"},
		{"ARP request", four, frame(ethernet, arp("0001", "c000020a")), ""},
		{"ARP reply for another", four, frame(ethernet, arp("0002", "c000020b")), ""},
		{"short ARP", four, frame(ethernet, arp("0002", "c000020a"))[:41], ""},
		{"advertisement", six, frame(ethernet, ipv6, "8800 0000 60000000", target, "0201 00005e000233"), "00:00:5e:00:02:33"},
		{"advertisement, another option first", six, frame(ethernet, ipv6, "8800 0000 60000000", target, "0e01 000000000000 0201 00005e000233"), "00:00:5e:00:02:33"},
		{"advertisement without the option", six, frame(ethernet, ipv6, "8800 0000 60000000", target), "02:00:00:00:00:02"},
		{"advertisement, option of no size", six, frame(ethernet, ipv6, "8800 0000 60000000", target, "0e00 000000000000"), "02:00:00:00:00:02"},
		{"advertisement, option cut short", six, frame(ethernet, ipv6, "8800 0000 60000000", target, "0e02 000000000000"), "02:00:00:00:00:02"},
		{"advertisement for another", six, frame(ethernet, ipv6, "8800 0000 60000000", "20010db8000000000000000000000011"), ""},
		{"short advertisement", six, frame(ethernet, ipv6, "8800 0000 60000000"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := answerFor(c.addr, c.frame)
			if diff := cmp.Diff(c.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestQuestion(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	for _, c := range []struct {
		name, source, target string
		want                 []byte
	}{
		{
			"RFC 826 request", "192.0.2.100", "192.0.2.10",
			frame("ffffffffffff 020000000001 0806", "0001 0800 06 04 0001", "020000000001 c0000264", "000000000000 c000020a"),
		},
		{
			"RFC 4861 §4.3 solicitation", "2001:db8::64", "2001:db8::10",
			frame("3333ff000010 020000000001 86dd", "60000000 0020 3a ff",
				"20010db8000000000000000000000064", "ff0200000000000000000001ff000010",
				"8700 1ba8 00000000", "20010db8000000000000000000000010", "0101 020000000001"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Question(mac, netip.MustParseAddr(c.source), netip.MustParseAddr(c.target))
			if diff := cmp.Diff(hex.EncodeToString(c.want), hex.EncodeToString(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
