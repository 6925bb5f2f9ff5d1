package guardian

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/vrrp"
)

var compareAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// message is an advert of VRID 51, or what it is made of.
func message(vrid, priority byte) []byte {
	a := vrrp.Advert{Version: 3, VRID: vrid, Priority: priority, Interval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}}
	return a.Append(nil, netip.MustParseAddr("192.0.2.1"), vrrp.Group4, vrrp.ChecksumAuto)
}

func sample(id uint32) Voice {
	return Voice{
		ID: id, Interface: "eth0", SrcMAC: [6]byte{0, 0, 0x5e, 0, 1, 51}, KeyID: 3, Key: []byte("a key"), Heir: "lb2",
		Sent: vrrp.Sent{Family: vrrp.IPv4, Src: netip.MustParseAddr("192.0.2.1"), Dst: vrrp.Group4, Message: message(51, 100)},
	}
}

func six(id uint32) Voice {
	v := sample(id)
	v.Key, v.Sent = nil, vrrp.Sent{Family: vrrp.IPv6, Src: netip.MustParseAddr("fe80::1"), Dst: vrrp.Group6, Message: make([]byte, 5000)}
	return v
}

var samples = []Record{
	Hello{Dir: "/run/holdfast", Name: "holdfast.sock", Priority: 50, Deaths: 3, Restart: true, Node: "lb1", Argv: []string{"holdfast", "run", "", "-c"}, Program: "/usr/bin/holdfast"},
	sample(7), six(1 << 30),
	Silence{ID: 7},
	Farewell{},
	Farewell{LivesOn: true},
	Ready{Trouble: "no memory locked"},
}

func TestRecords_AreReadAsTheyWereWritten(t *testing.T) {
	var b []byte
	for _, r := range samples {
		b = Append(b, r)
	}
	got, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(samples, got, compareAddr); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

func TestParse_SaysWhatIsWrong(t *testing.T) {
	good := Append(nil, sample(7))
	broken := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	for name, tt := range map[string]struct {
		b    []byte
		want string
	}{
		"nothing":        {nil, "another version"},
		"another build":  {broken(0, version+1), "another version"},
		"another kind":   {broken(1, 99), "nobody knows it"},
		"cut off":        {good[:len(good)-1], "cut off"},
		"too long":       {append([]byte{version, kindSilence, 0, 5}, 1, 2, 3, 4, 5), "longer"},
		"too short":      {append([]byte{version, kindSilence, 0, 3}, 1, 2, 3), "cut off"},
		"another family": {broken(20, 6), "wrong family"},
	} {
		if _, err := Parse(tt.b); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// What can be read can be written again and read the same.
func FuzzParse(f *testing.F) {
	for _, r := range samples {
		f.Add(Append(nil, r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := Parse(b)
		if err != nil {
			return
		}
		var again []byte
		var vs Voices
		for _, r := range records {
			again = Append(again, r)
			vs.Take(r)
		}
		vs.Routers()
		vs.Retract(time.Unix(0x68000000, 0), nowhere)
		if len(records) == 0 {
			return
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records, back, compareAddr); diff != "" {
			t.Errorf("(-read +again)\n%s", diff)
		}
	})
}
