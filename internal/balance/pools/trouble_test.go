package pools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

// What a plane cannot do is a trouble for as long as it lasts, and a service
// whose backends are well is not served for all that.
func TestPools_SayWhatIsNotServed(t *testing.T) {
	inBubble(t, func(x *bench) {
		fail := func(err error) {
			x.proxy.mu.Lock()
			x.proxy.err = err
			x.proxy.mu.Unlock()
		}
		look := func() (out []string) {
			time.Sleep(2 * time.Minute) // planes are tried again once a minute at least
			synctest.Wait()
			l := x.Latest()
			for _, v := range l.Services {
				out = append(out, v.Service.Name+" "+v.Mode.String()+" "+v.Unserved)
			}
			for _, tr := range l.Troubles {
				out = append(out, fmt.Sprintf("%s %s", tr.Code, tr.Text))
			}
			return out
		}
		expect := func(when string, want ...string) {
			t.Helper()
			if got := look(); !slices.Equal(got, want) {
				t.Errorf("%s:\n%q, want\n%q", when, got, want)
			}
		}
		x.apply(newService("web", balance.Proxy))
		x.checked("web/a", check.Up)
		expect("all is well", "web its own backends ")

		x.Pools.proxy.open = func() (balance.Plane, error) { return nil, errors.New("it will not start") }
		fail(balance.ErrGone)
		expect("the proxy does not start", "web its own backends it will not start", "HF3014 cannot serve web: it will not start")
		since := x.Latest().Troubles[0].Since
		if time.Sleep(time.Minute); !x.Latest().Troubles[0].Since.Equal(since) {
			t.Error("a trouble that lasts begins anew")
		}

		x.Pools.proxy.open = x.proxy.open
		fail(errors.New("cannot serve web: the port is taken"))
		expect("the port is taken", "web its own backends the port is taken", "HF3014 cannot serve web: the port is taken")
		fail(nil)
		expect("all is well again", "web its own backends ")
		x.checked("web/a", check.Down)
		x.checked("web/b", check.Down)
		expect("nobody is up", "web nobody ", "HF3009 service web has no backend: new flows are refused")
	})
}

// A plane that cannot be opened may have begun: at an orderly end nothing of it
// stays, but where another process goes on with it.
func TestPools_LeaveNothingOfWhatDidNotOpen(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			cleared := 0
			p := New(Options{
				Kernel: func() (balance.Plane, error) { return nil, errors.New("the verifier refuses it") },
				Clear:  func() error { cleared++; return nil },
				Keep:   func() bool { return keep },
				Record: func(Record) {},
			})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); p.Run(ctx) }()
			if err := p.Apply(t.Context(), []Wanted{{Service: newService("web", balance.NAT)}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * balance.Settle)
			synctest.Wait()
			stop()
			<-done
			if want := map[bool]int{false: 1, true: 0}[keep]; cleared != want {
				t.Errorf("keep %v: cleared %d times, want %d", keep, cleared, want)
			}
		})
	}
}
