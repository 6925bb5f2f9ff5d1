package engine

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/vrrp"
)

// The groups of a target, by VRID.
const (
	plainID   = 1 // whoever speaks is believed
	signedID  = 2 // with HMAC
	guardedID = 3 // by a majority, and watched by BFD
	passID    = 4 // VRRP version 2 with a password
)

// target is an engine with a group of every kind and the only node that there
// is, so that whatever it hears is forged. Its wire, hands and gate are values,
// and time passes when the test says so.
type target struct {
	*Engine
	quietWire
	t     testing.TB
	hands quietHands
	now   time.Time
	doors map[Slot]Hold
	spoke map[Slot]Instant // when the last advert with a priority passed
}

func (x *target) Now() Instant { return Instant(x.now.UnixNano()) }

func (x *target) OpenVotes(netip.Addr, uint16) (Port, error) { return 2, nil }

func (x *target) Close(Port) error { return nil }

func slotOf(vrid uint8, f vrrp.Family) Slot { return Slot(vrid)<<8 | Slot(f) }

func (x *target) Set(s Slot, h Hold) {
	x.doors[s] = h
	if s>>8 == guardedID && h.Announced > x.Now() {
		x.t.Error("the guarded group holds without a majority")
	}
	if most := x.spoke[s].Add(hold.Term(time.Second, 3)); h.Announced > x.Now() && h.Announced > most {
		x.t.Errorf("slot %#x is held %s longer than its last advert allows", s, h.Announced.Sub(most))
	}
}

func (x *target) Send(out []Outgoing) {
	for _, o := range out {
		if o.Kind != Advert || o.Data[2] == 0 {
			continue
		}
		f := vrrp.IPv4
		if o.Dst.Is6() {
			f = vrrp.IPv6
		}
		if s := slotOf(o.Data[1], f); x.Now() < max(x.doors[s].Announced, x.doors[s].Advertised) {
			x.spoke[s] = x.Now()
		}
	}
}

var forgedKey = slices.Repeat([]byte{7}, 32)

func newTarget(t testing.TB) *target {
	x := &target{t: t, now: time.Unix(1_800_000_000, 0), doors: map[Slot]Hold{}, spoke: map[Slot]Instant{}}
	x.Engine = New(Options{
		Wire: x, Hands: &x.hands, Gate: x, Polls: x, Clock: func() time.Time { return x.now },
		NewAgent: func(*config.Config) (*vote.Agent, error) {
			return vote.NewAgent(vote.Config{
				Name: "lb1", Keys: [][]byte{forgedKey}, Seed: slices.Repeat([]byte{9}, 32), Session: 1,
				Voters: []vote.VoterAddr{
					{Name: "lb1", Addr: netip.MustParseAddrPort("192.0.2.1:9113")},
					{Name: "lb2", Addr: netip.MustParseAddrPort("192.0.2.2:9113")},
					{Name: "w", Addr: netip.MustParseAddrPort("192.0.2.3:9113"), Witness: true},
				},
			})
		},
	})
	x.changed(x.now, Change{Link: Link{
		Name: "eth0", Index: 2, Up: true,
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("fe80::1/64")},
	}})
	cfg := manyGroups(4, 100, time.Second)
	cfg.Node = "lb1"
	cfg.Cluster = &config.Cluster{Nodes: []config.Voter{{Name: "lb1"}, {Name: "lb2"}}}
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		switch g.VRRP.ID {
		case plainID, signedID:
			g.Addresses = append(g.Addresses, netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: 0x70 + g.VRRP.ID}), 64))
		case guardedID:
			g.Guard.Kind = config.GuardMajority
			g.VRRP.BFD = &config.BFD{Interval: 10 * time.Millisecond, Multiplier: 3}
		case passID:
			g.VRRP.Version, g.VRRP.Auth.Pass = 2, config.NewSecret([]byte("password"))
		}
		if g.VRRP.ID == signedID {
			g.VRRP.Auth.HMAC = &config.HMAC{Keys: map[uint8]config.Secret{1: config.NewSecret(forgedKey)}, Active: 1, Window: time.Minute}
		}
	}
	if err := x.apply(x.now, cfg); err != nil {
		t.Fatal(err)
	}
	x.round(nil)
	return x
}

// round is one of the loop, with what was heard.
func (x *target) round(d *Datagram) {
	n := 0
	if d != nil {
		x.in[0], n = *d, 1
	}
	x.turn(n, x.now)
	ops := x.hands.ops
	x.hands.ops = nil
	for _, op := range ops {
		x.carried(x.now, Result{Op: op, Slot: slotOf(op.VRID, op.Family)})
	}
	x.send()
	for _, u := range x.units {
		for _, r := range u.routers {
			if x.Now() < x.doors[r.slot].Announced && u.set.State() != group.Active {
				x.t.Fatalf("%s is %s, and answers", u.groups[0].Name, u.set.State())
			}
		}
	}
}

// pass lets time go by, with a round at each deadline.
func (x *target) pass(d time.Duration) {
	end := x.now.Add(d)
	for rounds := 0; ; rounds++ {
		at := x.wake(x.now)
		if at.IsZero() || at.After(end) {
			x.now = end
			return
		}
		if at.After(x.now) {
			x.now, rounds = at, 0
		}
		if rounds > 100 {
			x.t.Fatalf("the loop spins at %s", x.now)
		}
		x.round(nil)
	}
}

func (x *target) state(vrid uint8) group.State {
	for _, u := range x.units {
		if u.groups[0].VRRP.ID == vrid {
			return u.set.State()
		}
	}
	return group.Init
}

// The sources of what is forged: strangers, a unicast peer, this node itself.
var forgers = [...][2]netip.Addr{
	{netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("fe80::9")},
	{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("fe80::2")},
	{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")},
	{netip.MustParseAddr("192.0.2.0"), netip.IPv6Unspecified()},
}

// forge turns the head of a script into a datagram: how, which, source and
// time to live, the number of bytes, the bytes. What has a checksum gets a
// right one, half of the time, or nothing would come further than that.
func forge(how, which, from, size byte, data []byte, at time.Time) Datagram {
	d := Datagram{Port: 1, Family: vrrp.IPv4, TTL: 255, Data: slices.Clone(data)}
	if how&0x80 != 0 {
		d.Family = vrrp.IPv6
	}
	six := int(how >> 7)
	d.Src, d.Dst = forgers[from&3][six], d.Family.Group()
	if from&4 != 0 {
		d.Dst = forgers[2][six]
	}
	if from&8 != 0 {
		d.TTL = 64
	}
	d.Lost = from&16 != 0
	var key peer.Key
	if from&32 != 0 { // signed, with a key of the forger's own
		key = peer.Key{ID: 1, Keys: map[uint8][]byte{1: slices.Repeat([]byte{size}, 32)}}
	}
	sent := at.Add(time.Duration(int8(size)) * time.Second)
	name := [...]string{"lb2", "lb1", "x", string(data)}[which>>6]
	switch how & 7 {
	case 0:
		d.Kind = Advert
	case 1, 2: // an advert that looks like one
		d.Kind = Advert
		a := vrrp.Advert{
			Version: 2 + which&1, VRID: 1 + which>>1&3, Priority: size,
			Interval: time.Second, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 3, 1 + which>>1&3})},
		}
		if six == 1 {
			a.Version, a.Addresses = 3, []netip.Addr{netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: 0x71 + which>>1&3})}
		}
		if len(data) >= 2 && how&8 != 0 {
			a.Interval = time.Duration(binary.BigEndian.Uint16(data)&0xfff) * 10 * time.Millisecond
		}
		d.Data = append(a.Append(nil, d.Src, d.Dst, vrrp.ChecksumAuto), data...)
	case 3:
		d.Kind, d.Dst = Message, d.Family.Group()
	case 4:
		d.Kind = Message
		c := peer.Call{
			Kind: peer.KindTake + peer.Kind(which&3), Family: d.Family, VRID: 1 + which>>2&3, Priority: size,
			From: name, To: [...]string{"lb1", "lb2", "x", ""}[which>>4&3], Sent: sent,
		}
		d.Data = c.Append(nil, key)
	case 5:
		d.Kind = Message
		h := peer.Hello{Family: d.Family, From: name, New: which&1 != 0, Sent: sent}
		if which&2 != 0 {
			h.Hears = []string{"lb1"}
		}
		for id := range uint8(4) {
			h.Entries = append(h.Entries, peer.Entry{VRID: 1 + id, State: which >> 2 & 3, Priority: size})
		}
		d.Data = h.Append(nil)
	case 6:
		d.Kind = BFD
	default:
		d.Kind, d.Port, d.SrcPort = Vote, 2, 9113
	}
	return d
}

// FuzzEngine_Datagrams lets an engine hear anything from anybody, while it
// claims, while it holds and while it waits: nothing of it opens a hold that its
// own adverts do not carry, nothing ends that of a group with a key, and when
// it ends every group comes back.
func FuzzEngine_Datagrams(f *testing.F) {
	for how := range byte(8) {
		for _, which := range []byte{0, 1, 5, 0x46, 0x8b, 0xc3} {
			bytes := []byte{0x31, signedID, 200, 1, 0, 100, 0, 0, 192, 0, 3, 2}
			f.Add(false, append([]byte{how, which, 0, 200, byte(len(bytes)), 5}, bytes...))
			f.Add(true, append([]byte{how | 0x80, which, 33, 200, byte(len(bytes)), 200}, bytes...))
		}
	}
	f.Add(true, []byte{6, 0, 1, 0, 24, 0, 0x20, 0xc8, 3, 24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10, 0, 0, 0, 0})
	f.Add(true, append([]byte{7, 0, 1, 0, 40, 0}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, held bool, script []byte) {
		if len(script) > 1500 {
			return
		}
		x := newTarget(t)
		if held {
			x.pass(10 * time.Second)
			if x.state(plainID) != group.Active || x.state(signedID) != group.Active || x.state(passID) != group.Active {
				t.Fatalf("not every group is held without being disturbed")
			}
		}
		for len(script) >= 6 {
			head := [6]byte(script)
			script = script[6:]
			n := min(int(head[4]), len(script))
			d := forge(head[0], head[1], head[2], head[3], script[:n], x.now)
			script = script[n:]
			x.round(&d)
			x.pass(time.Duration(head[5]) * 10 * time.Millisecond)
			if held && x.state(signedID) != group.Active {
				t.Fatal("the group with a key was moved")
			}
			if s := slotOf(signedID, vrrp.IPv4); held && x.doors[s].Announced <= x.Now() {
				t.Fatal("the group with a key lapsed")
			}
		}
		// The longest that a forged advert is believed is its interval, of
		// 40.95 seconds, three times and a skew.
		x.pass(200 * time.Second)
		for _, id := range []uint8{plainID, signedID, passID} {
			if x.state(id) != group.Active {
				t.Errorf("group %d is %s when all is over", id, x.state(id))
			}
		}
	})
}
