package proxy

import (
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// The examples are composed by hand from proxy-protocol.txt §2.1 and §2.2.
func TestHeader(t *testing.T) {
	for _, tt := range []struct{ from, to, v1, v2 string }{
		{
			"192.0.2.1:56324", "192.0.2.10:443", "PROXY TCP4 192.0.2.1 192.0.2.10 56324 443\r\n",
			"0d0a0d0a000d0a515549540a 21 11 000c c0000201 c000020a dc04 01bb",
		},
		{
			"[2001:db8::1]:65535", "[2001:db8::10]:1", "PROXY TCP6 2001:db8::1 2001:db8::10 65535 1\r\n",
			"0d0a0d0a000d0a515549540a 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000010 ffff 0001",
		},
	} {
		from, to := netip.MustParseAddrPort(tt.from), netip.MustParseAddrPort(tt.to)
		if got := string(appendHeaderV1(nil, from, to)); got != tt.v1 {
			t.Errorf("version 1: %q, want %q", got, tt.v1)
		}
		if got, want := hex.EncodeToString(appendHeaderV2(nil, from, to)), strings.ReplaceAll(tt.v2, " ", ""); got != want {
			t.Errorf("version 2: %s, want %s", got, want)
		}
	}
}

func TestHeader_ComesBeforeTheFirstByte(t *testing.T) {
	for _, h := range []balance.Header{balance.HeaderV1, balance.HeaderV2} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		s := newSite(t, balance.InTurn, ln.Addr().(*net.TCPAddr).AddrPort())
		s.apply(func(_ *balance.Plan, svc *balance.Service) { svc.Proxying.Header = h })
		c, err := net.Dial("tcp", s.at.String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "hello")
		_ = c.(*net.TCPConn).CloseWrite()
		b, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = b.SetDeadline(time.Now().Add(patience))
		got, err := io.ReadAll(b)
		_ = b.Close()
		local := c.LocalAddr().(*net.TCPAddr).AddrPort()
		_ = c.Close()
		want := appendHeaderV1(nil, local, s.at)
		if h == balance.HeaderV2 {
			want = appendHeaderV2(nil, local, s.at)
		}
		if err != nil || string(got) != string(want)+"hello" {
			t.Errorf("header %d: the backend read %q, %v", h, got, err)
		}
	}
}
