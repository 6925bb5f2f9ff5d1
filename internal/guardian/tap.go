package guardian

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Tap is an engine.Wire that tells the guardian what the engine says by
// another one. A virtual router is known to the guardian before its first
// advert leaves and until its priority 0 has left. What other holdfast nodes
// say of themselves it hears, too: one of them is the heir.
//
// All methods but Use belong to the engine's loop. When nothing changes, an
// advert costs one look into a map.
type Tap struct {
	engine.Wire
	key   KeyFunc
	quiet QuietFunc

	line   atomic.Pointer[line] // to the guardian that is there now; nil: none
	told   *line                // to the one that was told last
	names  map[engine.Port]string
	voices map[voiceKey]*voice
	others map[routerKey]*peer.Table // of what was ever a voice
	last   uint32                    // id given
	gone   []uint32                  // voices that fell silent, not told yet
	news   bool                      // something has not been told yet
	tidied time.Time
	buf    []byte

	entries []peer.Entry // what a hello is decoded into
}

// KeyFunc finds the keys of a virtual router; nil: it has none.
type KeyFunc func(ifname string, family vrrp.Family, vrid uint8) *vrrp.HMAC

// QuietFunc reports whether nothing may be said for a virtual router whose daemon
// is dead, because what the node took beside its addresses outlives the daemon:
// the others must not think that it has let go.
type QuietFunc func(ifname string, vrid uint8) bool

// voiceKey tells voices apart.
type voiceKey struct {
	port engine.Port
	dst  netip.Addr
	vrid uint8
}

// routerKey tells virtual routers apart.
type routerKey struct {
	port   engine.Port
	family vrrp.Family
	vrid   uint8
}

// voice is what the guardian is told, and when it was heard.
type voice struct {
	Voice
	at       time.Time
	interval time.Duration
	keyless  bool // it is signed, and the key was not found yet
	quiet    bool // the guardian never hears of it
	told     bool
}

// An advert begins with version and type, VRID and priority, RFC 9568 §5.1.
const (
	vridAt     = 1
	priorityAt = 2
	shortest   = 8
)

// NewTap makes a Tap before a wire.
func NewTap(w engine.Wire, key KeyFunc, quiet QuietFunc) *Tap {
	return &Tap{Wire: w, key: key, quiet: quiet, names: map[engine.Port]string{}, voices: map[voiceKey]*voice{}, others: map[routerKey]*peer.Table{}}
}

// use makes the Tap tell the guardian at the end of a line, from the next
// packet on. It may be called from any goroutine.
func (t *Tap) use(l *line) { t.line.Store(l) }

// Open implements engine.Wire.
func (t *Tap) Open(ifname string) (engine.Port, error) {
	p, err := t.Wire.Open(ifname)
	if err == nil {
		t.names[p] = ifname
	}
	return p, err
}

// Close implements engine.Wire.
func (t *Tap) Close(p engine.Port) error {
	for k := range t.voices {
		if k.port == p {
			t.forget(k)
		}
	}
	delete(t.names, p)
	t.tell()
	return t.Wire.Close(p)
}

// Send implements engine.Wire.
func (t *Tap) Send(out []engine.Outgoing) {
	now := time.Now()
	leaving := false
	for i := range out {
		o := &out[i]
		if o.Kind != engine.Advert || len(o.Data) < shortest || !o.Src.IsValid() || !o.Dst.IsValid() {
			continue
		}
		if o.Data[priorityAt] == 0 {
			leaving = true
			continue
		}
		t.hear(now, o)
	}
	if t.line.Load() != t.told {
		t.changeLine()
	}
	t.tell()
	t.Wire.Send(out)
	if leaving {
		for i := range out {
			if o := &out[i]; o.Kind == engine.Advert && len(o.Data) >= shortest && o.Data[priorityAt] == 0 {
				t.forget(keyOf(o))
			}
		}
	}
	if now.Sub(t.tidied) >= time.Second {
		t.tidy(now)
	}
	t.tell()
}

func keyOf(o *engine.Outgoing) voiceKey { return voiceKey{o.Port, o.Dst, o.Data[vridAt]} }

// hear takes note of an advert.
func (t *Tap) hear(now time.Time, o *engine.Outgoing) {
	k := keyOf(o)
	v := t.voices[k]
	family := vrrp.IPv4
	if o.Dst.Is6() {
		family = vrrp.IPv6
	}
	sent := vrrp.Sent{Family: family, Src: o.Src, Dst: o.Dst, Message: o.Data}
	if v == nil {
		t.last++
		v = &voice{Voice: Voice{ID: t.last, Interface: t.names[o.Port]}}
		v.quiet = t.quiet(v.Interface, k.vrid)
		t.voices[k] = v
	} else if v.quiet || v.SrcMAC == o.SrcMAC && !v.keyless && v.Sent.Same(sent) {
		v.at = now
		return
	}
	sent.Message = clone(o.Data)
	v.Sent, v.SrcMAC, v.KeyID, v.Key = sent, o.SrcMAC, 0, nil
	id, signed := sent.KeyID()
	if h := t.key(v.Interface, family, k.vrid); h != nil {
		if !signed { // yet: the keys are being introduced
			id = h.Active
		}
		v.KeyID, v.Key = id, clone(h.Keys[id])
	}
	v.keyless = signed && v.Key == nil
	v.Heir = t.heir(now, v, k)
	var a vrrp.Advert
	_, _ = a.Decode(sent.Message, family) // what the engine sends can be read
	v.at, v.interval = now, a.Interval
	v.told, t.news = v.quiet, t.news || !v.quiet
}

func (t *Tap) forget(k voiceKey) {
	v := t.voices[k]
	if v == nil {
		return
	}
	delete(t.voices, k)
	if !v.quiet {
		t.gone, t.news = append(t.gone, v.ID), true
	}
}

// Left says that a group's virtual routers are active no more: one that gives
// way to a better one says no priority 0 (RFC 9568 §6.4.3), and none may be
// said in its name.
func (t *Tap) Left(ifname string, vrid uint8) {
	for k, v := range t.voices {
		if k.vrid == vrid && v.Interface == ifname {
			t.forget(k)
		}
	}
}

// tidy forgets who fell silent without a word, such as a claim that was called
// off, and names the heirs anew.
func (t *Tap) tidy(now time.Time) {
	t.tidied = now
	for k, v := range t.voices {
		if now.Sub(v.at) > 2*v.interval+time.Second {
			t.forget(k)
			continue
		}
		if heir := t.heir(now, v, k); heir != v.Heir && !v.quiet {
			v.Heir, v.told, t.news = heir, false, true
		}
	}
}

// changeLine begins anew with another guardian, which knows nothing yet.
func (t *Tap) changeLine() {
	t.told = t.line.Load()
	t.gone, t.news = t.gone[:0], true
	for _, v := range t.voices {
		v.told = v.quiet
	}
}

// tell sends the guardian what it has not been told. What the socket does not
// take now is told with the next packet.
func (t *Tap) tell() {
	if !t.news || t.told == nil {
		return
	}
	t.buf = t.buf[:0]
	for _, id := range t.gone {
		if len(t.buf) > maxDatagram-16 && !t.post() {
			return
		}
		t.buf = Append(t.buf, Silence{id})
	}
	var batch []*voice
	flush := func() bool {
		if len(t.buf) == 0 {
			return true
		}
		if !t.post() {
			return false
		}
		t.gone = t.gone[:0]
		for _, v := range batch {
			v.told = true
		}
		batch = batch[:0]
		return true
	}
	for _, v := range t.voices {
		if v.told {
			continue
		}
		if len(t.buf)+len(v.Sent.Message)+len(v.Key)+len(v.Interface)+len(v.Heir)+64 > maxDatagram && !flush() {
			return
		}
		t.buf = Append(t.buf, v.Voice)
		batch = append(batch, v)
	}
	t.news = !flush()
}

// post sends the datagram that was made.
func (t *Tap) post() bool {
	if !t.told.send(t.buf) {
		return false
	}
	t.buf = t.buf[:0]
	return true
}
