package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// metricsAt is where holdfast serves its metrics inside its host.
const metricsAt = "127.0.0.1:9110"

// Two nodes that were not configured alike: whatever differs is named as such,
// in the status, in the events, in the log and in the metrics. No disagreement
// is ever called a bad packet.
func TestMismatch_IsNamed(t *testing.T) {
	t.Parallel()
	v2 := func(r *peer.Router) { r.Version, r.Interval = 2, time.Second }
	pass := func(word string) func(*peer.Router) {
		return func(r *peer.Router) { v2(r); r.Pass = word }
	}
	other := netip.MustParsePrefix("192.0.2.11/24")
	tests := []struct {
		name    string
		theirs  func(r *peer.Router) // keepalived's, with priority 200
		ours    func(r *peer.Router) // holdfast's, with priority 100
		code    string
		says    []string // in the text of the warning
		dropped string   // the counter of what was dropped, "": nothing was
	}{
		{
			name: "interval of version 3", theirs: func(r *peer.Router) { r.Interval = 300 * time.Millisecond },
			code: "HF2010", says: []string{"300ms", "200ms", "interval"},
		},
		{
			name: "interval of version 2", theirs: v2, ours: func(r *peer.Router) { v2(r); r.Interval = 2 * time.Second },
			code: "HF2010", says: []string{"1s", "2s", "interval"}, dropped: "interval_differs",
		},
		{
			// keepalived 2.2.7 starts its advert timer anew with every
			// packet that it drops: faster ones would silence it.
			name: "version 2 here a 3", theirs: v2, ours: func(r *peer.Router) { r.Interval = 3 * time.Second },
			code: "HF2014", says: []string{"version", "3"}, dropped: "wrong_version",
		},
		{
			name: "version 3 here a 2", ours: v2,
			code: "HF2014", says: []string{"version", "2"}, dropped: "wrong_version",
		},
		{
			name: "address list", theirs: func(r *peer.Router) { r.Addresses = append(r.Addresses, other) },
			code: "HF2012", says: []string{"addresses"},
		},
		{
			name:   "address list of a strict version 2",
			theirs: func(r *peer.Router) { v2(r); r.Addresses = append(r.Addresses, other) },
			ours:   func(r *peer.Router) { v2(r); r.Further = []string{"address_list: strict"} },
			code:   "HF2012", says: []string{"addresses"}, dropped: "address_list_differs",
		},
		{
			name: "password", theirs: pass("theirs"), ours: pass("ours"),
			code: "HF2015", says: []string{"password"}, dropped: "authentication_failed",
		},
		{
			name: "password there, none here", theirs: pass("theirs"), ours: v2,
			code: "HF2015", says: []string{"auth"}, dropped: "wrong_authentication_type",
		},
		{
			name: "no password there, one here", theirs: v2, ours: pass("ours"),
			code: "HF2015", says: []string{"auth"}, dropped: "wrong_authentication_type",
		},
		{
			name: "signature here, none there", ours: func(r *peer.Router) {
				r.Further = []string{"auth: {hmac: {keys: {1: {hex: " + strings.Repeat("5a", 32) + "}}}}"}
			},
			code: "HF2015", says: []string{"auth"}, dropped: "wrong_authentication_type",
		},
		{
			name: "checksum form", ours: func(r *peer.Router) { r.Checksum = "rfc9568" },
			code: "HF2013", says: []string{"checksum", "RFC 5798"},
		},
		{
			name: "unicast from nobody we know",
			theirs: func(r *peer.Router) {
				r.Source, r.Peers = prefix4["a"].Addr(), []netip.Addr{prefix4["b"].Addr()}
			},
			ours: func(r *peer.Router) { r.Peers = []netip.Addr{prefix4["client"].Addr()} },
			code: "HF2020", says: []string{"unknown peer"}, dropped: "unknown_peer",
		},
		{
			name: "the same priority", theirs: func(r *peer.Router) { r.Priority = 100 },
			code: "HF2019", says: []string{"same priority 100"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			need(t, peer.Keepalived, peer.Holdfast)
			t.Parallel()
			theirs, ours := router4(200), router4(100)
			if tt.theirs != nil {
				tt.theirs(&theirs)
			}
			if tt.ours != nil {
				tt.ours(&ours)
			}
			bed := newBed(t)
			bed.global = []string{"http: {listen: " + metricsAt + "}"}
			keepalived := bed.start(peer.Keepalived, bed.a, theirs)
			bed.state(keepalived, peer.Active)
			node := bed.start(peer.Holdfast, bed.b, ours).(*peer.Node)
			bed.named(node, tt.code, append(tt.says, "192.0.2.1"))
			bed.metric(node, tt.dropped)
			if tt.dropped == "" {
				bed.state(node, peer.Backup) // heard all the same
			}
		})
	}
}

// named waits until a warning is there, and looks for it in all places.
func (b *bed) named(node *peer.Node, code string, says []string) {
	b.t.Helper()
	var text string
	b.within(15*time.Second, "the status names what differs", func() error {
		status, err := node.Status()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(status.Warnings, func(w api.Warning) bool { return w.Code == code })
		if i < 0 {
			return fmt.Errorf("no %s among %+v", code, status.Warnings)
		}
		text = status.Warnings[i].Text
		return nil
	})
	for _, word := range says {
		if !strings.Contains(text, word) {
			b.t.Errorf("the warning %q does not say %q", text, word)
		}
	}
	if people, _ := node.Command("status"); !strings.Contains(string(people), text) {
		b.t.Errorf("status does not say %q:\n%s", text, people)
	}
	out, err := node.Command("events", "-o", "json", "-n", "0")
	if err != nil {
		b.t.Fatal(err)
	}
	var page api.Events
	if err := json.Unmarshal(out, &page); err != nil {
		b.t.Fatal(err)
	}
	i := slices.IndexFunc(page.Events, func(e api.Event) bool { return e.Code == code && e.Reason == text })
	if i < 0 {
		b.t.Errorf("no event says %q:\n%s", text, out)
	} else if e := page.Events[i]; e.Peer != "192.0.2.1" || e.Group != "web" {
		b.t.Errorf("the event names peer %q of group %q", e.Peer, e.Group)
	}
	if !strings.Contains(node.Log(), code) {
		b.t.Errorf("no line of the log has %s", code)
	}
	for _, e := range page.Events {
		if code != "HF2020" && e.Code == "HF2020" {
			b.t.Errorf("named, and called a bad packet too: %s", e.Reason)
		}
	}
}

// metric checks what the metrics say was dropped, and that nothing else was.
func (b *bed) metric(node *peer.Node, dropped string) {
	b.t.Helper()
	b.within(10*time.Second, "the metrics count it", func() error {
		text, err := scrape(node)
		if err != nil {
			return err
		}
		found := dropped == ""
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "holdfast_adverts_rejected_total{") {
				continue
			}
			if dropped == "" || !strings.Contains(line, fmt.Sprintf("reason=%q", dropped)) {
				b.t.Errorf("something else was dropped: %s", line)
			}
			found = true
		}
		if !found {
			return errors.New("holdfast_adverts_rejected_total has no " + dropped)
		}
		return nil
	})
}

// scrape reads the metrics as Prometheus would on that host.
func scrape(node *peer.Node) (text string, err error) {
	err = node.Host().Do(func() error {
		// On this thread alone we are in the host, so no http.Client.
		conn, err := net.DialTimeout("tcp", metricsAt, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		}, Timeout: 5 * time.Second}
		answer, err := client.Get("http://" + metricsAt + "/metrics")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", answer.Status, body)
		}
		text = string(body)
		return err
	})
	return text, err
}
