package lab

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProber_TellsWhoAnswered(t *testing.T) {
	_, a, b, client := newLAN(t)
	hold(t, a, vip4)
	p := startProber(t, client, vip4)
	answers(t, p, "a", time.Time{})

	release(t, a, vip4)
	moved := time.Now()
	hold(t, b, vip4)
	answers(t, p, "b", moved)
	p.Stop()

	r := p.Report(time.Time{}, time.Now())
	if r.Answered+r.Lost != r.Sent || r.By["a"]+r.By["b"] != r.Answered || r.Duplicate != 0 {
		t.Errorf("the numbers do not add up: %+v", r)
	}
	if first, last := r.Spans[0].Node, r.Answering(); first != "a" || last != "b" {
		t.Errorf("first %q answered, last %q; want a, b", first, last)
	}
	var macs []string
	for _, n := range r.MACs {
		macs = append(macs, n.MAC.String())
	}
	if diff := cmp.Diff([]string{mac(1).String(), mac(2).String()}, macs); diff != "" {
		t.Errorf("the client's neighbour table had (-want +got):\n%s", diff)
	}
	if r := p.Report(moved.Add(time.Hour), moved.Add(2*time.Hour)); r.Sent != 0 {
		t.Errorf("%d probes were sent in the future", r.Sent)
	}
}

func TestProber_MeasuresAnOutage(t *testing.T) {
	_, a, _, client := newLAN(t)
	hold(t, a, vip4)
	p := startProber(t, client, vip4)
	answers(t, p, "a", time.Time{})

	before := time.Now()
	if err := a.Cut(Silent); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	until(t, "120 lost probes", func() bool { return time.Since(cut) > 120*time.Millisecond })
	healing := time.Now()
	if err := a.Restore(); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	answers(t, p, "a", healed)
	p.Stop()

	r := p.Report(before.Add(-20*time.Millisecond), time.Now())
	shortest, longest := healing.Sub(cut), healed.Sub(before)+10*time.Millisecond
	if got := r.Longest(); got < shortest || got > longest {
		t.Errorf("the outage took %v, want %v to %v", got, shortest, longest)
	}
	if len(r.Outages) != 1 || r.Outages[0].Lost != r.Lost || r.Lost < 100 {
		t.Errorf("outages %+v, %d probes lost; want one outage with all of them", r.Outages, r.Lost)
	}
}

func TestProber_KeepsItsPace(t *testing.T) {
	_, _, _, client := newLAN(t)
	p, err := StartProber(ProbeConfig{
		From: client, To: netip.AddrPortFrom(address4(1), echoPort), Interval: MinProbeInterval, For: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.sending.Wait() // the record is full
	took := time.Since(p.start)
	p.Stop()
	r := p.Report(time.Time{}, time.Now())
	due := took / MinProbeInterval
	if r.Sent != 2000 || r.Sent+r.Skipped < int(due)-20 || r.Sent+r.Skipped > int(due)+1 {
		t.Errorf("sent %d probes and left %d out in %v, want 2000 sent and %d in all", r.Sent, r.Skipped, took, due)
	}
	if r.Lateness.P50 > MinProbeInterval || r.Answered != r.Sent {
		t.Errorf("half of the probes left up to %v late, %d of %d were answered", r.Lateness.P50, r.Answered, r.Sent)
	}
}

func TestWhoHas(t *testing.T) {
	lan, a, b, client := newLAN(t)
	for _, addr := range []netip.Addr{vip4, vip6} {
		ask := func() (got []string) {
			answers, err := lan.WhoHas(client, addr, 100*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range answers {
				got = append(got, a.Host+" "+a.MAC.String())
			}
			slices.Sort(got)
			return got
		}
		if got := ask(); got != nil {
			t.Errorf("%s: nobody has it, %v answered", addr, got)
		}
		hold(t, a, addr)
		if diff := cmp.Diff([]string{"a 02:00:00:00:00:01"}, ask()); diff != "" {
			t.Errorf("%s on a (-want +got):\n%s", addr, diff)
		}
		hold(t, b, addr)
		if diff := cmp.Diff([]string{"a 02:00:00:00:00:01", "b 02:00:00:00:00:02"}, ask()); diff != "" {
			t.Errorf("%s on both (-want +got):\n%s", addr, diff)
		}
	}
	if _, err := lan.WhoHas(client, netip.MustParseAddr("203.0.113.1"), time.Millisecond); err == nil {
		t.Error("a question for an address outside the subnet was sent")
	}
}
