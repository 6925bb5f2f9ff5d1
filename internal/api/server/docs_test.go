package server

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/metrics"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

// TestDocs_ShowWhatIsServed keeps the parts of docs/api.md that can be known
// from the code: routes, examples of every document, metrics.
func TestDocs_ShowWhatIsServed(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "api.md")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := filled(t, string(old))
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page, string(old)); diff != "" {
		t.Errorf("docs/api.md does not show what is served (write it anew with go test ./internal/api/server -update):\n%s", diff)
	}
	examples, err := filepath.Glob(filepath.Join("..", "testdata", "*.json"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	for _, e := range examples {
		if name := strings.TrimSuffix(filepath.Base(e), ".json"); !strings.Contains(page, "<!-- begin example "+name+" -->") {
			t.Errorf("docs/api.md has no example of %s", name)
		}
	}
}

// filled replaces what stands between the markers.
func filled(t *testing.T, page string) string {
	begin := regexp.MustCompile(`(?m)^<!-- begin (\w+)(?: ([\w-]+))? -->\n`)
	var out strings.Builder
	for {
		at := begin.FindStringSubmatchIndex(page)
		if at == nil {
			return out.String() + page
		}
		what, which := page[at[2]:at[3]], ""
		end := "<!-- end " + what
		if at[4] >= 0 {
			which = page[at[4]:at[5]]
			end += " " + which
		}
		out.WriteString(page[:at[1]])
		page = page[at[1]:]
		_, rest, ok := strings.Cut(page, end+" -->\n")
		if !ok {
			t.Fatalf("docs/api.md: %s %s has no end", what, which)
		}
		switch what {
		case "routes":
			out.WriteString(routesTable())
		case "metrics":
			out.WriteString(metricsTable(t))
		case "example":
			data, err := os.ReadFile(filepath.Join("..", "testdata", which+".json"))
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString("```json\n" + string(data) + "```\n")
		default:
			t.Fatalf("docs/api.md: nothing is known of %s", what)
		}
		out.WriteString(end + " -->\n")
		page = rest
	}
}

func routesTable() string {
	var b strings.Builder
	b.WriteString("| request | answer | what it is |\n|---|---|---|\n")
	for _, r := range Routes() {
		note := ""
		if r.Writes {
			note = " Writing."
		}
		fmt.Fprintf(&b, "| `%s %s` | `%s` | %s%s |\n", r.Method, r.Path, r.Answer, r.Summary, note)
	}
	return b.String()
}

func metricsTable(t *testing.T) string {
	descs := make(chan *prometheus.Desc, 1000)
	metrics.NewCollector(func() *api.Status { return &api.Status{} }).Describe(descs)
	close(descs)
	form := regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)", .*variableLabels: \{([^}]*)\}`)
	var b strings.Builder
	b.WriteString("| name | labels | what it is |\n|---|---|---|\n")
	for d := range descs {
		m := form.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m[1], strings.ReplaceAll(m[3], ",", ", "), m[2])
	}
	return b.String()
}
