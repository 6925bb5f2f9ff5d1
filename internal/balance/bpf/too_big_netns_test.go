package bpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// sum16 is the Internet checksum (RFC 1071) of what is summed up already and b.
func sum16(n uint32, b []byte) uint16 {
	for i := 0; i < len(b); i += 2 {
		n += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// Who sends what does not fit is told how much would, in the service's name.
func TestTooBigIsAnswered(t *testing.T) {
	for _, f := range families {
		for _, way := range []struct {
			forward balance.Forward
			mtu     [2]uint32 // by family
		}{{balance.NAT, [2]uint32{1500, 1500}}, {balance.DSR, [2]uint32{1500, 1500}}, {balance.Tunnel, [2]uint32{1472, 1452}}} {
			t.Run(fmt.Sprint(f.name, " ", way.forward), func(t *testing.T) {
				b := newBench(t, TC)
				must(t, b.plane.Apply([]*balance.Plan{f.plan(1, func(p *balance.Plan) {
					p.Service.Forward, p.Service.Encapsulation = way.forward, balance.GUE
				})}))
				p := packets.Packet{
					From: clientMAC, To: ownMAC, Src: netip.AddrPortFrom(f.client, 40000), Dst: netip.AddrPortFrom(f.vip, 80),
					Proto: packets.TCP, Flags: packets.SYN, Payload: make([]byte, 1600),
				}
				got, out := b.run(p.Frame())
				if got != model.Send {
					t.Fatalf("the program would %s, want an answer (%v)", got, b.drops())
				}
				if [6]byte(out) != clientMAC {
					t.Errorf("the answer goes to % x", out[:6])
				}
				ip, src, dst := out[14:], p.Dst.Addr().AsSlice(), p.Src.Addr().AsSlice()
				if f.vip.Is4() {
					if string(ip[12:16]) != string(src) || string(ip[16:20]) != string(dst) || ip[9] != 1 || len(ip) != int(binary.BigEndian.Uint16(ip[2:])) {
						t.Errorf("the header of the answer is % x", ip[:20])
					}
					if sum16(0, ip[:20]) != 0xffff || sum16(0, ip[20:]) != 0xffff {
						t.Error("a checksum is wrong")
					}
					if ip[20] != 3 || ip[21] != 4 || binary.BigEndian.Uint32(ip[24:]) != way.mtu[0] {
						t.Errorf("the answer is % x", ip[20:28])
					}
					if string(ip[28:]) != string(p.Frame()[14:14+quoted]) {
						t.Errorf("it quotes % x", ip[28:])
					}
					return
				}
				if string(ip[8:24]) != string(src) || string(ip[24:40]) != string(dst) || ip[6] != 58 || len(ip) != 40+int(binary.BigEndian.Uint16(ip[4:])) {
					t.Errorf("the header of the answer is % x", ip[:40])
				}
				pseudo := uint32(sum16(0, ip[8:40])) + 58 + uint32(len(ip)-40)
				if sum16(pseudo, ip[40:]) != 0xffff {
					t.Error("the checksum is wrong")
				}
				if ip[40] != 2 || ip[41] != 0 || binary.BigEndian.Uint32(ip[44:]) != way.mtu[1] {
					t.Errorf("the answer is % x", ip[40:48])
				}
				if string(ip[48:]) != string(p.Frame()[14:14+quoted]) {
					t.Errorf("it quotes % x", ip[48:])
				}
			})
		}
	}
}

// quoted is QUOTED of bpf/too_big.h.
const quoted = 128
