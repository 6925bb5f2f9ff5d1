package mirror

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/holdfast-net/holdfast/internal/balance"
)

var plain = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}, balance.Endpoint{}), cmpopts.EquateEmpty()}

func someChanges() []balance.Change {
	six := balance.Endpoint{AddrPort: netip.MustParseAddrPort("[2001:db8::10]:53"), Proto: balance.UDP}
	c6, b6 := netip.MustParseAddrPort("[2001:db8:1::9]:4000"), netip.MustParseAddrPort("[2001:db8:2::1]:5353")
	b4 := netip.MustParseAddrPort("10.0.0.11:8080")
	return []balance.Change{
		{Flow: balance.Flow{Listen: web, Client: client(1), Backend: b4, Source: client(1), Ends: 9, Idle: 1500 * time.Millisecond}},
		{Flow: balance.Flow{Listen: web, Client: client(2), Backend: b4, Source: netip.MustParseAddrPort("192.0.2.10:1024")}},
		{Flow: balance.Flow{Listen: web, Client: client(3), Backend: b4}, Gone: true},
		{Flow: balance.Flow{Listen: web, Client: client(4)}, Gone: true},
		{Flow: balance.Flow{Listen: six, Client: c6, Backend: b6, Source: netip.MustParseAddrPort("[2001:db8::10]:40000"), Idle: 200 * time.Hour}},
		{Flow: balance.Flow{Listen: six, Client: c6, Backend: b4}},
	}
}

func TestChanges_ComeBack(t *testing.T) {
	want := someChanges()
	b := appendChanges(nil, want)
	got, err := parseChanges(b)
	if diff := cmp.Diff(want, got, plain); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for i := range b { // cut anywhere, it is either fewer flows or an error
		if got, err := parseChanges(b[:i]); err == nil && len(got) >= len(want) {
			t.Errorf("%d bytes are %d flows", i, len(got))
		}
	}
	run := make([]balance.Change, 1000)
	for i := range run {
		run[i] = want[1]
	}
	if each := float64(len(appendChanges(nil, run))) / 1000; each > 25 {
		t.Errorf("a flow of IPv4 with full NAT takes %.1f bytes", each)
	}
}

func TestGreeting_OnlyWhoHasTheKeyIsHeard(t *testing.T) {
	caller := Greeting{Node: "lb1", Key: PrintOf([]byte("secret")), Nonce: Nonce{1}}
	answerer := Greeting{Node: "lb2", Key: caller.Key, Nonce: Nonce{2}}
	got, err := ReadGreeting(bytes.NewReader(caller.Append(nil)))
	if err != nil || got != caller {
		t.Fatalf("%+v, %v", got, err)
	}
	a := Agree([]byte("secret"), caller, answerer)
	if err := a.Check(bytes.NewReader(a.Proof(Caller)), Caller); err != nil {
		t.Error(err)
	}
	other := answerer
	other.Nonce = Nonce{3}
	for name, proof := range map[string][]byte{
		"the other side's":       a.Proof(Answerer),
		"of another key":         Agree([]byte("guess"), caller, answerer).Proof(Caller),
		"of another connection":  Agree([]byte("secret"), caller, other).Proof(Caller),
		"of an unsigned session": Agree(nil, caller, answerer).Proof(Caller),
	} {
		if err := a.Check(bytes.NewReader(proof), Caller); !errors.Is(err, ErrKey) {
			t.Errorf("the proof %s: %v", name, err)
		}
	}
	if bytes.Contains(caller.Append(nil), []byte("secret")) {
		t.Error("the key is on the wire")
	}
}

func TestSeal_NothingIsChangedLeftOutOrSaidTwice(t *testing.T) {
	a := Agree([]byte("secret"), Greeting{Node: "lb1"}, Greeting{Node: "lb2"})
	s := a.Seal(Caller)
	one := s.Append(nil, FramePulse, []byte("first"))
	two := s.Append(nil, FrameAck, []byte("second"))
	read := func(streams ...[]byte) (out []Frame, err error) {
		r, seal := bytes.NewReader(bytes.Join(streams, nil)), a.Seal(Caller)
		for {
			f, err := seal.Read(r)
			if err != nil {
				return out, err
			}
			out = append(out, f)
		}
	}
	got, err := read(one, two)
	want := []Frame{{1, FramePulse, []byte("first")}, {2, FrameAck, []byte("second")}}
	if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, io.EOF) {
		t.Errorf("%v\n%s", err, diff)
	}
	changed := bytes.Clone(one)
	changed[frameHead] ^= 1
	for name, c := range map[string]struct {
		streams [][]byte
		err     error
	}{
		"a changed frame":         {[][]byte{changed}, ErrTag},
		"one that is missing":     {[][]byte{two}, ErrOrder},
		"one that is there twice": {[][]byte{one, one}, ErrOrder},
		"of the other side":       {[][]byte{a.Seal(Answerer).Append(nil, FramePulse, nil)}, ErrTag},
	} {
		if _, err := read(c.streams...); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What arrives is either understood and said again in the same bytes, or
// refused; and the machine takes anything.
func FuzzBodies(f *testing.F) {
	f.Add(uint8(FrameChanges), appendChanges(nil, someChanges()))
	f.Add(uint8(FrameHolds), appendEndpoints(nil, []balance.Endpoint{web, mail}))
	f.Add(uint8(FrameBegin), begin{7, []balance.Endpoint{web}}.append(nil))
	f.Add(uint8(FrameEnd), end{7, 1000}.append(nil))
	f.Add(uint8(FrameAck), ack{7, 1000}.append(nil))
	f.Add(uint8(FrameAsk), appendEndpoints(nil, []balance.Endpoint{web}))
	f.Add(uint8(FramePulse), pulse{time.Second, [2]uint16{16384, 28671}, true}.append(nil))
	v, err := view{web, balance.View{Backends: []balance.Standing{{Why: "it is up"}}}}.append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(FrameView), v)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		if changes, err := parseChanges(body); err == nil {
			again, err := parseChanges(appendChanges(nil, changes))
			if diff := cmp.Diff(changes, again, plain); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		}
		if x, err := parseBegin(body); err == nil && !bytes.Equal(x.append(nil), body) {
			t.Error("another beginning")
		}
		if x, err := parseEnd(body); err == nil && !bytes.Equal(x.append(nil), body) {
			t.Error("another end")
		}
		m := New("lb1")
		m.Step(epoch, Configured{
			Services: []Service{{Name: "web", Group: "g", Listen: []balance.Endpoint{web}, Flows: true}},
			Peers:    []Peer{{Addr: addrOf(1)}},
		}, nil)
		m.Step(epoch, Dialed{Peer: Peer{Addr: addrOf(1)}, Conn: 1, Node: "lb2"}, nil)
		m.Step(epoch, Accepted{Conn: 2, Node: "lb2"}, nil)
		for seq := range uint64(2) {
			for conn := range Conn(2) {
				m.Step(epoch, Heard{Conn: conn + 1, Frame: Frame{seq + 1, FrameKind(kind), bytes.Clone(body)}}, nil)
			}
		}
		m.Report(epoch)
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add(Greeting{Node: "lb1", Nonce: Nonce{1}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ReadGreeting(bytes.NewReader(b))
		if err == nil && !bytes.HasPrefix(b, g.Append(nil)) {
			t.Errorf("%+v", g)
		}
	})
}
