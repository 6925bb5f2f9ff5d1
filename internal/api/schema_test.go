package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

// documents are one of each, with every field set.
func documents() map[string]any {
	return map[string]any{
		"status":           apitest.Status(),
		"events":           api.Events{Schema: api.SchemaEvents, Node: "lb1", Events: apitest.Events()},
		"event":            api.FollowedEvent{Schema: api.SchemaEvent, Event: apitest.Events()[2]},
		"plan":             apitest.Plan(),
		"result":           api.Result{Schema: api.SchemaResult, OK: false, Text: "no node can take web over", Hint: "add force to do it all the same"},
		"version":          apitest.Version(),
		"doctor":           apitest.Diagnosis(),
		"cluster":          apitest.Cluster(),
		"explanation":      apitest.Explanation(),
		"backends":         apitest.Backends(),
		"flow-explanation": apitest.FlowExplanation(),
		"traced-packet":    apitest.TracedPackets()[0],
		"backend-order":    api.BackendOrder{Service: "shop", Backend: "10.0.0.12:443", Want: api.BackendDrain, Within: api.Duration(5 * time.Minute), Cut: true, Who: "root"},
		"handover":         api.Handover{To: "lb2"},
		"maintenance":      api.Maintenance{On: true, Force: true},
		"check": api.FileCheck{
			Schema: api.SchemaCheck, Path: "/etc/holdfast/holdfast.yaml", OK: true, Node: "lb1", Hash: "1a2b3c4d5e6f",
			Groups: []api.FileGroup{{
				Name: "web", Interface: "eth0", Addresses: []string{"192.0.2.10/24"}, Election: "vrrp", VRID: 51, Version: 3, Priority: 150,
				Interval: api.Duration(time.Second), Takeover: api.Duration(3414 * time.Millisecond), Preempt: true,
				Guard: "guarded",
			}},
			Notes:       []string{"3 voters: of them 1 may be lost"},
			Diagnostics: apitest.Plan().Diagnostics,
		},
	}
}

// TestDocuments_KeepTheirShape freezes the JSON that programs rely on. A
// document may grow; where a golden file changes in another way, its schema
// needs a new name.
func TestDocuments_KeepTheirShape(t *testing.T) {
	for name, doc := range documents() {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(doc); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".json"), got.Bytes())

			back := reflect.New(reflect.TypeOf(doc))
			dec := json.NewDecoder(&got)
			dec.DisallowUnknownFields()
			if err := dec.Decode(back.Interface()); err != nil {
				t.Fatalf("cannot read it back: %v", err)
			}
			if diff := cmp.Diff(doc, back.Elem().Interface()); diff != "" {
				t.Errorf("reading it back (-want +got):\n%s", diff)
			}
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if update() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; write it anew with -update):\n%s", path, diff)
	}
}

var updateFlag = flag.Bool("update", false, "write golden files and docs/api.md anew")

func update() bool { return *updateFlag }

func TestPlain_HasNoNull(t *testing.T) {
	s := &api.Status{Groups: []api.Group{{Name: "web", Routers: []api.Router{{}}}}}
	for name, doc := range map[string]any{
		"status":       s.Plain(),
		"empty status": (&api.Status{}).Plain(),
		"plan":         api.Plan{}.Plain(),
	} {
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "null") {
			t.Errorf("%s has null: %s", name, data)
		}
	}
	if s.Groups[0].Addresses != nil || s.Groups[0].Routers[0].Counters != nil || s.Warnings != nil {
		t.Error("the snapshot itself was changed")
	}
}

func TestDuration_JSON(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		err  string
	}{
		{`"12.5ms"`, 12500 * time.Microsecond, ""},
		{`"1h0m0s"`, time.Hour, ""},
		{`5`, 0, "cannot read duration"},
		{`"5"`, 0, "missing unit"},
	}
	for _, tt := range tests {
		var d api.Duration
		err := json.Unmarshal([]byte(tt.text), &d)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error = %v, want one with %q", tt.text, err, tt.err)
			}
			continue
		}
		if err != nil || time.Duration(d) != tt.want {
			t.Errorf("%s = %s (%v), want %s", tt.text, d, err, tt.want)
		}
	}
}
