package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const reference = "../../docs/configuration.md"

// The reference says what the code does, because its tables are made of the
// schema and the rules. -update writes them.
func TestReference(t *testing.T) {
	b, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	got, want := string(b), string(b)
	for name, text := range map[string]string{
		"minimal": indented(t, "../../examples/minimal.yaml"),
		"mistake": mistake(t),
		"keys":    keyTables(),
		"rules":   ruleTable(),
		"later":   laterTable(),
	} {
		begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
		i, j := strings.Index(want, begin), strings.Index(want, end)
		if i < 0 || j < i {
			t.Fatalf("%s has no place for %s", reference, name)
		}
		want = want[:i+len(begin)] + "\n" + text + "\n" + want[j:]
	}
	if *update {
		if err := os.WriteFile(reference, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is out of date (-want +got); run go test ./internal/config -update:\n%s", reference, diff)
	}
}

func indented(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return code(string(b))
}

func code(text string) string {
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		out.WriteString(strings.TrimRight("    "+line, " ") + "\n")
	}
	return out.String()
}

// mistake renders what a typical one looks like.
func mistake(t *testing.T) string {
	t.Helper()
	src := "groups:\n  web:\n    addresses: [192.0.2.10/24]\n    vrrp:\n      id: 51\n      priority: 300\n"
	_, ds := Parse("holdfast.yaml", []byte(src), Facts{Hostname: "lb1"})
	var out strings.Builder
	if err := ds.Render(&out, Plain); err != nil {
		t.Fatal(err)
	}
	return code(out.String())
}

// keyTables has a section for each mapping of the file.
func keyTables() string {
	index := newKeyIndex()
	var out strings.Builder
	section := func(path, title, doc string) {
		fmt.Fprintf(&out, "### %s\n\n", title)
		if doc != "" {
			fmt.Fprintf(&out, "%s\n\n", doc)
		}
		out.WriteString("| key | takes | without it | |\n|---|---|---|---|\n")
		for _, name := range index.children[path] {
			k := index.keys[join(path, name)]
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", name, takes(k), without(k), k.doc)
		}
		out.WriteString("\n")
	}
	section("", "The file", "")
	for _, k := range schema() {
		if len(index.children[k.path]) > 0 && !strings.HasPrefix(k.path, "SECRET") {
			section(k.path, "`"+k.path+"`", k.doc)
		}
	}
	section(tlsPath, "TLS", "How a check speaks TLS.")
	section("SECRET", "A secret", "Exactly one of these.")
	return strings.TrimRight(out.String(), "\n") + "\n"
}

func takes(k key) string {
	switch {
	case k.path == "realtime":
		return "`auto`, `off`, or a mapping"
	case k.kind == kChoice:
		return "`" + strings.Join(k.words, "`, `") + "`"
	case k.path == "groups.NAME.vrrp.version":
		return "2 or 3"
	case k.min != "":
		return fmt.Sprintf("%s, %s to %s", k.kind, k.min, k.max)
	}
	return string(k.kind)
}

func without(k key) string {
	if k.def != "" {
		return "`" + k.def + "`"
	}
	return k.absent
}

func ruleTable() string {
	var out strings.Builder
	out.WriteString("| id | | |\n|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", r.ID, r.Severity, r.Summary)
	}
	return out.String()
}

func laterTable() string {
	var out strings.Builder
	for _, l := range laterKeys() {
		fmt.Fprintf(&out, "- `%s` (%s)\n", l.path, l.use)
	}
	return out.String()
}

func TestRules_InOrder(t *testing.T) {
	rules := Rules()
	if !slices.IsSortedFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the rules are not in the order of their ids")
	}
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.ID] || r.Summary == "" {
			t.Errorf("rule %s is twice there or has no summary", r.ID)
		}
		seen[r.ID] = true
	}
}

// Every example is without any complaint, on the machine it is for and
// elsewhere.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	here := Facts{
		Hostname: "lb1",
		Links: []Link{
			{"eth0", []netip.Prefix{netip.MustParsePrefix("192.0.2.11/24"), netip.MustParsePrefix("2001:db8::11/64")}},
			{"eth1", []netip.Prefix{netip.MustParsePrefix("198.51.100.11/24")}},
			{"eth2", nil},
		},
		Files: fstest.MapFS{
			"etc/holdfast/key":      {Mode: 0o600, Data: []byte(strings.Repeat("0f", 32) + "\n")},
			"etc/holdfast/pass":     {Mode: 0o600, Data: []byte("s3cret\n")},
			"usr/local/bin/promote": {Mode: 0o755, Data: []byte("\x7fELF")},
		},
	}
	for _, file := range files {
		for where, facts := range map[string]Facts{"here": here, "elsewhere": {Hostname: "lb1"}} {
			cfg, ds := Load(file, facts)
			if cfg == nil || len(ds) > 0 {
				var out strings.Builder
				_ = ds.Render(&out, Plain)
				t.Errorf("%s: %s", where, out.String())
				continue
			}
			if where == "here" {
				routersWork(t, file, cfg)
			}
		}
	}
	one, _ := Load("../../examples/pair-lb1.yaml", here)
	two, _ := Load("../../examples/pair-lb2.yaml", here)
	if one.Hash != two.Hash {
		t.Error("the two nodes of the pair disagree about what they must have in common")
	}
}
