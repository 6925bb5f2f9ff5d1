package interop

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

// Version 3 over IPv4 has two checksums in the field. Daemons of a
// distribution send the one with the pseudo-header (keepalived stands for them
// in the other tests), many routers the one over the message alone; here a
// router that says either is heard, and answered in its own form.
func TestChecksum_BothFormsAreHeardAndAnswered(t *testing.T) {
	t.Parallel()
	for form, counter := range map[wire.Form]string{wire.PseudoHeader: "checksum_rfc5798", wire.MessageOnly: "checksum_rfc9568"} {
		t.Run(string(form), func(t *testing.T) {
			need(t, peer.Holdfast)
			t.Parallel()
			bed := newBed(t)
			node := bed.start(peer.Holdfast, bed.a, router4(100)).(*peer.Node)
			bed.state(node, peer.Active)
			quiet := bed.speak(form)
			bed.state(node, peer.Backup)
			if n := bed.counter(node, counter); n == 0 {
				t.Errorf("%s does not count what was heard", counter)
			}
			quiet()
			since := time.Now()
			bed.state(node, peer.Active)
			bed.within(time.Second, "it advertises", func() error {
				sent := bed.adverts(bed.a, since)
				if len(sent) == 0 {
					return errors.New("no advert yet")
				}
				if form != sent[0].Form {
					t.Errorf("it answers with a checksum of the form %q", sent[0].Form)
				}
				return nil
			})
		})
	}
}

func TestChecksum_WrongOneIsNeverHeard(t *testing.T) {
	need(t, peer.Holdfast)
	t.Parallel()
	bed := newBed(t)
	node := bed.start(peer.Holdfast, bed.a, router4(100)).(*peer.Node)
	bed.state(node, peer.Active)
	quiet := bed.speak(wire.BadChecksum)
	defer quiet()
	bed.steady(time.Second, "it stays active", holds(node, peer.Active))
	bed.within(time.Second, "it counts them", func() error {
		if bed.counter(node, "dropped_bad_checksum") == 0 {
			return errors.New("dropped_bad_checksum is 0")
		}
		return nil
	})
}

// What holdfast can be told to send, a strict peer of either kind hears.
func TestChecksum_AsConfigured(t *testing.T) {
	t.Parallel()
	for word, form := range map[string]wire.Form{"rfc5798": wire.PseudoHeader, "rfc9568": wire.MessageOnly} {
		t.Run(word, func(t *testing.T) {
			need(t, peer.Holdfast)
			t.Parallel()
			bed := newBed(t)
			r := router4(100)
			r.Checksum = word
			bed.state(bed.start(peer.Holdfast, bed.a, r), peer.Active)
			bed.within(2*time.Second, "it advertises", func() error {
				sent := bed.adverts(bed.a, time.Time{})
				if len(sent) < 5 {
					return fmt.Errorf("%d adverts", len(sent))
				}
				for _, a := range sent {
					if a.Form != form {
						t.Errorf("the checksum has the form %q", a.Form)
					}
				}
				return nil
			})
		})
	}
}

// speak makes node b say that it is active with priority 200, until the
// returned function is called.
func (b *bed) speak(form wire.Form) (quiet func()) {
	b.t.Helper()
	src := prefix4["b"].Addr()
	speaker, err := wire.NewSpeaker(b.b.NS(), "eth0", src)
	if err != nil {
		b.t.Fatal(err)
	}
	r := router4(200)
	stop := speaker.Repeat(wire.Message(src, wire.Group4, r.ID, r.Priority, r.Interval, form, vip4.Addr()), r.Interval)
	return func() {
		if err := errors.Join(stop(), speaker.Close()); err != nil {
			b.t.Error(err)
		}
	}
}

// counter reads a counter of the group's first router.
func (b *bed) counter(node *peer.Node, name string) uint64 {
	b.t.Helper()
	status, err := node.Status()
	if err != nil {
		b.t.Fatal(err)
	}
	if len(status.Groups) != 1 || len(status.Groups[0].Routers) != 1 {
		b.t.Fatalf("not one group with one router: %+v", status.Groups)
	}
	n, ok := status.Groups[0].Routers[0].Counters[name]
	if !ok {
		b.t.Fatalf("no counter %s among %v", name, status.Groups[0].Routers[0].Counters)
	}
	return n
}
