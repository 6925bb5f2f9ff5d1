package server

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// stream opens a stream; lines gives what comes, ids the ids of the entries.
func stream(t *testing.T, r *running, query, lastID string) (*http.Response, func(n int) []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://holdfast/v1/events?follow=1"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	// A test that waits for what never comes ends here.
	stop := time.AfterFunc(10*time.Second, func() { resp.Body.Close() })
	t.Cleanup(func() { stop.Stop() })
	lines := bufio.NewScanner(resp.Body)
	return resp, func(n int) []string {
		t.Helper()
		ids := []string{}
		for len(ids) < n && lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				ids = append(ids, id)
			}
		}
		return ids
	}
}

func TestFollow_SendsThePastThenTheNews(t *testing.T) {
	d := fakeDaemon()
	r := run(t, Options{Daemon: d}, Access{})
	resp, ids := stream(t, r, "&last=2", "")
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("content type %q", ct)
	}
	if diff := cmp.Diff([]string{"106", "107"}, ids(2)); diff != "" {
		t.Errorf("the past (-want +got):\n%s", diff)
	}
	d.Append(api.Event{Kind: "notice", Reason: "a"}, api.Event{Kind: "notice", Reason: "b"}, api.Event{Kind: "notice", Reason: "c"})
	if diff := cmp.Diff([]string{"108", "109", "110"}, ids(3)); diff != "" {
		t.Errorf("the news (-want +got):\n%s", diff)
	}
}

func TestFollow_ResumesBehindTheLastID(t *testing.T) {
	d := fakeDaemon()
	r := run(t, Options{Daemon: d}, Access{})
	_, ids := stream(t, r, "&after=101", "104") // the header wins
	if diff := cmp.Diff([]string{"105", "106"}, ids(2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFollow_OneGroup(t *testing.T) {
	d := fakeDaemon()
	r := run(t, Options{Daemon: d}, Access{})
	_, ids := stream(t, r, "&group=dns", "")
	first := ids(1)
	d.Append(api.Event{Group: "web"}, api.Event{Group: "dns"})
	if diff := cmp.Diff([]string{"105", "109"}, append(first, ids(1)...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFollow_IsBounded(t *testing.T) {
	r := run(t, Options{Daemon: fakeDaemon(), Followers: 2}, Access{})
	var open []*http.Response
	for range 2 {
		resp, ids := stream(t, r, "", "")
		ids(1)
		open = append(open, resp)
	}
	resp, _ := stream(t, r, "", "")
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the third follower got %d", resp.StatusCode)
	}
	open[0].Body.Close()
	deadline := time.Now().Add(10 * time.Second)
	for {
		resp, _ := stream(t, r, "", "")
		if resp.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a place that became free is not given again")
		}
	}
}

func TestFrames(t *testing.T) {
	got := string(frames([]api.Event{{ID: 7, Kind: "notice", Reason: "one\nline"}}))
	want := fmt.Sprintf("id: 7\ndata: %s\n\n", `{"id":7,"time":"0001-01-01T00:00:00Z","kind":"notice","reason":"one\nline"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
