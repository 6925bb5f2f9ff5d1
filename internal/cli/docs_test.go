package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/config"
)

// TestDocs_ShowTheHelp keeps docs/commands.md what the commands say of
// themselves.
func TestDocs_ShowTheHelp(t *testing.T) {
	root := New(Commands{}, Terminal{})
	var page bytes.Buffer
	page.WriteString("# Commands\n\nWhat `holdfast COMMAND --help` says, on one page.\n" +
		"(Made from the commands by `go test ./internal/cli -update`.)\n\n")
	for _, cmd := range root.Commands() {
		if !cmd.Hidden {
			fmt.Fprintf(&page, "- [%s](#%s): %s\n", cmd.Name(), cmd.Name(), lowerFirst(cmd.Short))
		}
	}
	fmt.Fprintf(&page, "\n%s\n\nThe daemon's socket is `%s` where neither `--socket` nor the variable `%s` names another.\n", exitCodes, DefaultSocket, socketEnv)
	for _, cmd := range root.Commands() {
		if !cmd.Hidden {
			describeCommand(t, &page, cmd)
		}
	}
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page.String(), string(got)); diff != "" {
		t.Errorf("docs/commands.md is not what the commands say (write it anew with -update):\n%s", diff)
	}
}

func describeCommand(t *testing.T, page *bytes.Buffer, cmd *cobra.Command) {
	t.Helper()
	if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
		t.Errorf("%s has no description or no example", cmd.Name())
	}
	for line := range strings.Lines(cmd.Long) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 82 {
			t.Errorf("%s: a line of its help has %d characters: %s", cmd.Name(), n, line)
		}
	}
	fmt.Fprintf(page, "\n## %s\n\n%s.\n\n    %s\n\n%s\n\nFor example:\n\n", cmd.Name(), cmd.Short, cmd.UseLine(), cmd.Long)
	for line := range strings.Lines(cmd.Example) {
		page.WriteString("  " + line)
	}
	if flags := strings.TrimRight(cmd.LocalFlags().FlagUsages(), "\n"); flags != "" {
		page.WriteString("\n\n")
		for line := range strings.Lines(flags) {
			page.WriteString("  " + line)
		}
	}
	page.WriteString("\n")
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// TestDocs_ExplainEveryCode keeps the table of codes in docs/operations.md
// complete and without the codes of yesterday.
func TestDocs_ExplainEveryCode(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := found(regexp.MustCompile(`(?m)^\| (HF2\d{3}) \|`), page)
	used := make(map[string]bool)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "apitest" || d.Name() == "testdata") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		maps.Copy(used, found(regexp.MustCompile(`"(HF2\d{3})"`), source))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(used, explained); diff != "" {
		t.Errorf("codes in the source (-) and in docs/operations.md (+):\n%s", diff)
	}
}

// TestReadme_ShowsAGoodFile: the ten lines of the README are ten, and right.
func TestReadme_ShowsAGoodFile(t *testing.T) {
	example := goodExample(t, "README.md")
	if n := strings.Count(example, "\n"); n != 10 {
		t.Errorf("the example has %d lines:\n%s", n, example)
	}
}

// TestFromIPVS_ShowsAGoodFile: what a virtual server becomes is a file.
func TestFromIPVS_ShowsAGoodFile(t *testing.T) { goodExample(t, "docs", "from-ipvs.md") }

// goodExample gives the example of a page, which has to be a file without
// problems.
func goodExample(t *testing.T, page ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, page...)...))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- example: begin -->")
	example, _, ok := strings.Cut(rest, "<!-- example: end -->")
	if !ok {
		t.Fatal("no example")
	}
	example = strings.ReplaceAll(strings.Trim(example, "\n")+"\n", "\n    ", "\n")[4:]
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	f := kernelless().Facts()
	f.Links = append(f.Links, config.Link{Name: "eth1"})
	if _, diags := config.Load(file, f); len(diags) > 0 {
		t.Errorf("the example has problems: %v", diags)
	}
	return example
}

// TestDocs_LinksLeadSomewhere follows the links between the pages.
func TestDocs_LinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, pattern := range []string{"*.md", "docs/*.md", "interop/*.md", "bench/*/*.md"} {
		pages, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for to := range found(link, text) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
					t.Errorf("%s links to %s, which is not there", page, to)
				}
			}
		}
	}
}

// TestArchitecture_NamesEveryFolder: the map has no white spots.
func TestArchitecture_NamesEveryFolder(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := found(regexp.MustCompile("`([a-z/]+)`"), page)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != root && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if !named[folder] && !named[filepath.Base(folder)] {
			t.Errorf("ARCHITECTURE.md does not name %s", folder)
			named[folder] = true // once is enough
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// found is the set of what the first group of a pattern matches.
func found(pattern *regexp.Regexp, text []byte) map[string]bool {
	all := make(map[string]bool)
	for _, m := range pattern.FindAllSubmatch(text, -1) {
		all[string(m[1])] = true
	}
	return all
}

// TestHelp_IsOneForEveryCommand: what all commands promise.
func TestHelp_IsOneForEveryCommand(t *testing.T) {
	reads := map[string]bool{"backends": true, "check": true, "doctor": true, "plan": true, "reload": true, "status": true, "events": true, "handover": true, "maintenance": true, "upgrade": true, "version": true, "fence": true, "explain": true, "trace": true}
	talks := map[string]bool{"backends": true, "plan": true, "reload": true, "status": true, "events": true, "handover": true, "maintenance": true, "upgrade": true, "run": true, "release": true, "fence": true, "explain": true, "trace": true}
	var names []string
	for _, cmd := range New(Commands{}, Terminal{}).Commands() {
		names = append(names, cmd.Name())
		if has := cmd.Flags().Lookup("output") != nil; has != reads[cmd.Name()] {
			t.Errorf("%s: -o is %t", cmd.Name(), has)
		}
		if has := cmd.Flags().Lookup("socket") != nil; has != talks[cmd.Name()] {
			t.Errorf("%s: --socket is %t", cmd.Name(), has)
		}
	}
	want := []string{"backends", "check", "cluster", "completion", "demo", "doctor", "events", "explain", "fence", "guard", "handover", "maintenance", "member", "plan", "proxy", "release", "reload", "run", "status", "trace", "unwrap", "upgrade", "version"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}
