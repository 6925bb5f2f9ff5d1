package metrics

import (
	"bytes"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestHandler_KeepsItsNames freezes the whole page. Dashboards and alerts rely
// on it.
func TestHandler_KeepsItsNames(t *testing.T) {
	rec := httptest.NewRecorder()
	Handler(apitest.Status).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	var got bytes.Buffer
	others := 0
	for line := range strings.Lines(rec.Body.String()) {
		if strings.Contains(line, "holdfast_") {
			got.WriteString(line)
		} else {
			others++
		}
	}
	if others == 0 {
		t.Error("no metrics of the process")
	}
	page := regexp.MustCompile(`goversion="[^"]*"`).ReplaceAll(got.Bytes(), []byte(`goversion="go1.x"`))
	path := filepath.Join("testdata", "metrics.txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(page)); diff != "" {
		t.Errorf("(-want +got; write it anew with -update):\n%s", diff)
	}
}

func TestCollector_FollowsConventions(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewCollector(apitest.Status))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A status just after the start, or of a loop that does not answer, is
// mostly empty.
func TestCollector_CopesWithAnEmptyStatus(t *testing.T) {
	for name, s := range map[string]*api.Status{
		"empty":               {},
		"groups with less":    {Groups: []api.Group{{Name: "a", Addresses: []string{"x"}, Routers: []api.Router{{Family: "ipv4"}}, Peers: []api.Peer{{}}}}},
		"names that are none": {Groups: []api.Group{{Name: "a", Peers: []api.Peer{{Node: "\xff\n\"", Address: "x"}}}}},
	} {
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(NewCollector(func() *api.Status { return s }))
		if _, err := reg.Gather(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
