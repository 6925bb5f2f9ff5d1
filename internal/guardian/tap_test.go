package guardian

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// mouth is a wire that notes what the guardian knew when a packet left.
type mouth struct {
	in   []engine.Datagram
	knew func() int
	had  []int
}

func (m *mouth) Open(string) (engine.Port, error)          { return 1, nil }
func (m *mouth) Close(engine.Port) error                   { return nil }
func (m *mouth) OpenBFD(engine.Port) error                 { return nil }
func (m *mouth) OpenAnswers(engine.Port, netip.Addr) error { return nil }
func (m *mouth) CloseAnswers(engine.Port, netip.Addr)      {}
func (m *mouth) Wait(_ time.Time, in []engine.Datagram) (int, time.Time, error) {
	return copy(in, m.in), time.Now(), nil
}
func (m *mouth) Wake()                  {}
func (m *mouth) Send([]engine.Outgoing) { m.had = append(m.had, m.knew()) }

// ear is the other end of a Tap.
type ear struct {
	t      *testing.T
	line   *line
	theirs *line
	voices Voices
	said   []Record
}

func listenTo(t *testing.T, tap *Tap) *ear {
	t.Helper()
	l, theirs, err := newLine()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := theirs.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{t: t, line: l, theirs: &line{file: theirs, raw: raw}}
	t.Cleanup(func() { l.close(); e.theirs.close() })
	tap.use(l)
	return e
}

// listen reads what is there.
func (e *ear) listen() {
	e.t.Helper()
	b := make([]byte, maxDatagram)
	for {
		_ = e.theirs.file.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := e.theirs.receive(b)
		if err != nil {
			return
		}
		records, err := Parse(b[:n])
		if err != nil {
			e.t.Fatal(err)
		}
		for _, r := range records {
			e.said = append(e.said, r)
			e.voices.Take(r)
		}
	}
}

func (e *ear) knows() int {
	e.t.Helper()
	e.listen()
	return e.voices.Len()
}

func advert(vrid, priority byte, dst netip.Addr) engine.Outgoing {
	return engine.Outgoing{Port: 1, Kind: engine.Advert, Src: netip.MustParseAddr("192.0.2.1"), Dst: dst, Data: message(vrid, priority)}
}

func tapped(t *testing.T) (*Tap, *mouth, *ear) {
	t.Helper()
	m := &mouth{}
	tap := NewTap(m, func(string, vrrp.Family, uint8) *vrrp.HMAC { return nil }, spoken)
	e := listenTo(t, tap)
	m.knew = e.knows
	if _, err := tap.Open("eth0"); err != nil {
		t.Fatal(err)
	}
	return tap, m, e
}

// spoken is a QuietFunc: nothing is kept quiet.
func spoken(string, uint8) bool { return false }

// Of a router whose node has taken more than addresses the guardian never hears,
// so that it cannot say that all of it was let go.
func TestTap_KeepsQuiet(t *testing.T) {
	tap, _, e := tapped(t)
	tap.quiet = func(ifname string, vrid uint8) bool { return ifname == "eth0" && vrid == 51 }
	for range 2 {
		tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4), advert(51, 90, vrrp.Group4), advert(52, 100, vrrp.Group4)})
		if n := e.knows(); n != 1 || e.voices.list[0].Sent.Message[vridAt] != 52 {
			t.Errorf("it knows of %d voices: %+v", n, e.voices.list)
		}
		e.theirs.close()
		tap.use(nil)
		e = listenTo(t, tap)
	}
}

// The guardian knows of a router before its first advert leaves, and until
// after its priority 0 did.
func TestTap_TellsBeforeAndForgetsAfter(t *testing.T) {
	tap, m, e := tapped(t)
	b2, b3 := netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4), advert(52, 100, b2), advert(52, 100, b3)})
	tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4), {Port: 1, Kind: engine.Message, Data: make([]byte, 20)}})
	tap.Send([]engine.Outgoing{advert(52, 0, b2), advert(52, 0, b3)})
	if want := []int{3, 3, 3}; !slices.Equal(m.had, want) {
		t.Errorf("when packets left it knew of %v voices, want %v", m.had, want)
	}
	if n := e.knows(); n != 1 {
		t.Errorf("it knows of %d voices afterwards", n)
	}
	if len(e.said) != 5 {
		t.Errorf("it was told %d things: %v", len(e.said), e.said)
	}
	if v := e.voices.list[0]; v.Interface != "eth0" || v.Sent.Message[vridAt] != 51 {
		t.Errorf("it knows %+v", v)
	}
}

func TestTap_TellsWhatChanged(t *testing.T) {
	tap, _, e := tapped(t)
	for _, priority := range []byte{100, 100, 90, 90} {
		tap.Send([]engine.Outgoing{advert(51, priority, vrrp.Group4)})
	}
	o := advert(51, 90, vrrp.Group4)
	o.SrcMAC = [6]byte{1}
	tap.Send([]engine.Outgoing{o})
	if e.knows() != 1 || len(e.said) != 3 || e.voices.list[0].SrcMAC != o.SrcMAC {
		t.Errorf("it was told %v", e.said)
	}
}

// Who gives way says nothing; a port that closes is silent; a claim that is
// called off ends without a word.
func TestTap_ForgetsWhoIsSilent(t *testing.T) {
	for name, do := range map[string]func(*Tap){
		"gave way": func(tap *Tap) { tap.Left("eth0", 51) },
		"closed":   func(tap *Tap) { _ = tap.Close(1) },
		"fell silent": func(tap *Tap) {
			for _, v := range tap.voices {
				v.at = v.at.Add(-4 * time.Second)
			}
			tap.tidied = time.Time{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tap, _, e := tapped(t)
			tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4)})
			if e.knows() != 1 {
				t.Fatal("it does not know")
			}
			do(tap)
			tap.Send([]engine.Outgoing{{Port: 1, Kind: engine.Frame}})
			if e.knows() != 0 {
				t.Errorf("it still knows")
			}
		})
	}
}

func TestTap_TellsAnotherGuardianEverything(t *testing.T) {
	tap, _, first := tapped(t)
	tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4), advert(52, 100, vrrp.Group4), advert(53, 100, vrrp.Group4)})
	first.theirs.close()
	tap.use(nil)
	tap.Send([]engine.Outgoing{advert(53, 0, vrrp.Group4)})
	second := listenTo(t, tap)
	tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4)})
	if n := second.knows(); n != 2 {
		t.Errorf("it knows of %d voices", n)
	}
}

// A guardian that does not listen for a while is told later: thousands of
// voices do not fit, and none is lost.
func TestTap_TellsLaterWhatDoesNotFit(t *testing.T) {
	tap, m, e := tapped(t)
	m.knew = func() int { return 0 }
	var out []engine.Outgoing
	for i := range 40000 {
		out = append(out, advert(1, 100, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})))
	}
	tap.Send(out)
	if !tap.news {
		t.Skip("it all fitted")
	}
	for range 100 {
		e.listen()
		tap.Send(out[:1])
	}
	if n := e.knows(); n != len(out) || tap.news {
		t.Errorf("it knows of %d voices, %t", n, tap.news)
	}
}

// A signed advert whose key is not known yet is asked about again: the file is
// in force a moment after its first advert.
func TestTap_AsksAgainForAKey(t *testing.T) {
	cfg := vrrp.Config{
		VRID: 51, Family: vrrp.IPv4, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, Source: netip.MustParseAddr("192.0.2.1"),
		HMAC: &vrrp.HMAC{Keys: map[uint8][]byte{4: make([]byte, 32)}, Active: 4},
	}
	r, err := vrrp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	tap := NewTap(&mouth{knew: func() int { return 0 }}, func(_ string, _ vrrp.Family, vrid uint8) *vrrp.HMAC {
		if asked++; asked < 3 || vrid != 51 {
			return nil
		}
		return cfg.HMAC
	}, spoken)
	e := listenTo(t, tap)
	for range 5 {
		tap.Send([]engine.Outgoing{{
			Port: 1, Kind: engine.Advert, Src: cfg.Source, Dst: vrrp.Group4, Data: r.AppendAdvert(nil, time.Now(), vrrp.Group4, 100),
		}})
	}
	if e.knows() != 1 || asked != 3 || len(e.voices.list[0].Key) != 32 || len(e.said) != 3 {
		t.Errorf("asked %d times, told %d times", asked, len(e.said))
	}
}

// The heir is the backup of the highest priority that says it is there.
func TestTap_NamesTheHeir(t *testing.T) {
	tap, m, e := tapped(t)
	tap.Send([]engine.Outgoing{advert(51, 100, vrrp.Group4)})
	hello := func(from string, last byte, state group.State, priority uint8) {
		h := peer.Hello{Family: vrrp.IPv4, From: from, Sent: time.Now(), Entries: []peer.Entry{{VRID: 51, State: uint8(state), Priority: priority}, {VRID: 99, State: 1}}}
		m.in = append(m.in, engine.Datagram{Port: 1, Kind: engine.Message, Family: vrrp.IPv4, TTL: 255, Src: netip.AddrFrom4([4]byte{192, 0, 2, last}), Data: h.Append(nil)})
	}
	hello("low", 2, group.Backup, 50)
	hello("heir", 3, group.Backup, 80)
	hello("unfit", 4, group.Fault, 90)
	m.in = append(m.in, engine.Datagram{Port: 1, Kind: engine.Message, TTL: 255, Data: []byte("noise")})
	if n, _, err := tap.Wait(time.Time{}, make([]engine.Datagram, 8)); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	tap.tidied = time.Time{}
	tap.Send(nil)
	if e.knows() != 1 || e.voices.list[0].Heir != "heir" {
		t.Errorf("it knows %+v", e.voices.list)
	}
	if len(tap.others) != 1 {
		t.Errorf("it remembers %d routers", len(tap.others))
	}
}

// When nothing changes, an advert allocates nothing.
func TestTap_AllocatesNothing(t *testing.T) {
	tap, m, _ := tapped(t)
	m.knew = func() int { return 0 }
	m.had = make([]int, 0, 4096)
	out := []engine.Outgoing{advert(51, 100, vrrp.Group4), advert(52, 100, vrrp.Group4)}
	tap.Send(out)
	if n := testing.AllocsPerRun(100, func() { tap.Send(out) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTap(b *testing.B) {
	tap := NewTap(&mouth{knew: func() int { return 0 }, had: make([]int, 0, 1<<24)}, func(string, vrrp.Family, uint8) *vrrp.HMAC { return nil }, spoken)
	out := make([]engine.Outgoing, 255)
	for i := range out {
		out[i] = advert(byte(i+1), 100, vrrp.Group4)
	}
	b.ReportAllocs()
	for b.Loop() {
		tap.Send(out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(out)), "ns/advert")
}
