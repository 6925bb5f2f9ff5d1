package config

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/holdfast-net/holdfast/vrrp"
)

var update = flag.Bool("update", false, "rewrite the golden files with what comes out")

// testFacts is the machine of the golden files.
func testFacts() Facts {
	file := func(mode fs.FileMode, data string) *fstest.MapFile {
		return &fstest.MapFile{Mode: mode, Data: []byte(data)}
	}
	link := func(name string, addrs ...string) Link {
		l := Link{Name: name}
		for _, a := range addrs {
			l.Addresses = append(l.Addresses, netip.MustParsePrefix(a))
		}
		return l
	}
	env := map[string]string{"HOLDFAST_PASS": "s3cret", "CREDENTIALS_DIRECTORY": "/run/credentials/holdfast"}
	return Facts{
		Hostname: "lb1",
		Dir:      "/etc/holdfast",
		Links: []Link{
			link("lo", "127.0.0.1/8", "::1/128"),
			link("eth0", "192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"),
			link("eth1", "198.51.100.1/24", "198.51.100.129/25"),
			link("eth2"),
			link("br-a", "203.0.113.1/24"),
			link("br-b", "203.0.113.2/24"),
		},
		Files: fstest.MapFS{
			"etc/holdfast/key":               file(0o600, strings.Repeat("0f", 32)+"\n"),
			"etc/holdfast/key2":              file(0o600, strings.Repeat("a key of text", 3)),
			"etc/holdfast/binary":            file(0o600, strings.Repeat("\xff", 31)+"\n"),
			"etc/holdfast/short":             file(0o600, "0f0f\n"),
			"etc/holdfast/open":              file(0o644, strings.Repeat("1e", 32)+"\n"),
			"etc/holdfast/cluster/votes.key": file(0o600, strings.Repeat("0f", 32)+"\n"),
			"etc/holdfast/pass":              file(0o640, "s3cret\n"),
			"etc/holdfast/long":              file(0o600, "much too long\n"),
			"etc/holdfast/big":               file(0o600, strings.Repeat("x", 5000)),
			"etc/holdfast/keys.d/dir":        file(0o600, ""),
			"run/credentials/holdfast/vrrp":  file(0o400, strings.Repeat("2d", 32)),
			"bin/sh":                         file(0o755, "\x7fELF"),
			"usr/local/bin/promote":          file(0o755, "#!/bin/sh\n"),
			"usr/local/bin/private":          file(0o700, "#!/bin/sh\n"),
			"usr/local/bin/windows":          file(0o755, "#!/bin/sh\r\n"),
			"usr/local/bin/not-executable":   file(0o644, "#!/bin/sh\n"),
			"usr/local/bin/directory/a-file": file(0o644, ""),
		},
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Agent: func(o OCF) []error {
			if o.Type == "pgsql" {
				return nil
			}
			return []error{fmt.Errorf("cannot run agent %s:%s: there is none", o.Provider, o.Type)}
		},
		FenceAgent: func(d FenceDevice) []error {
			if d.Agent != "fence_unknown" {
				return nil
			}
			return []error{fmt.Errorf("cannot run fence agent: there is no %s", d.Agent)}
		},
	}
}

// TestGolden holds each NAME.yaml (or .json) of testdata/*.txtar against the
// diagnostics in NAME.want, to the letter. A NAME that ends in "-elsewhere" is
// checked without knowing the machine, one in "-unserved" for a program that
// serves proxies alone.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out := &txtar.Archive{Comment: ar.Comment}
		for i, f := range ar.Files {
			if strings.HasSuffix(f.Name, ".want") {
				continue
			}
			name := strings.TrimSuffix(f.Name, filepath.Ext(f.Name))
			want := ""
			if i+1 < len(ar.Files) && ar.Files[i+1].Name == name+".want" {
				want = string(ar.Files[i+1].Data)
			}
			got := golden(t, f, strings.HasSuffix(name, "-elsewhere"), seen)
			out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
			if *update {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("diagnostics differ (-want +got); -update accepts them:\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, r := range Rules() {
		// An unreadable file is not in an archive; TestLoad_Unreadable has it.
		if !seen[r.ID] && r.ID != ruleUnreadable {
			t.Errorf("no golden file shows rule %s: %s", r.ID, r.Summary)
		}
	}
}

// golden parses one file and renders what was found, "ok" for nothing.
func golden(t *testing.T, f txtar.File, elsewhere bool, seen map[string]bool) string {
	t.Helper()
	facts := testFacts()
	if strings.Contains(f.Name, "-unserved.") {
		facts.Forwards = []string{"proxy"}
	}
	if elsewhere {
		facts = Facts{Hostname: "lb1"}
	}
	// Archives cannot hold these as they are.
	src := strings.NewReplacer("<TAB>", "\t", "<NUL>", "\x00", "<BAD>", "\xff", "<CR>", "\r", "<BOM>", "\ufeff", "<ESC>", "\x1b").Replace(string(f.Data))
	cfg, ds := Parse(f.Name, []byte(src), facts)
	if (cfg == nil) != ds.HasErrors() {
		t.Errorf("%s: config %v, errors %v", f.Name, cfg != nil, ds.HasErrors())
	}
	for _, d := range ds {
		seen[d.Rule] = true
	}
	if cfg != nil && !elsewhere {
		routersWork(t, f.Name, cfg)
	}
	var b bytes.Buffer
	if err := ds.Render(&b, Plain); err != nil {
		t.Fatal(err)
	}
	if b.Len() == 0 {
		return "ok\n"
	}
	return b.String()
}

// routersWork holds a configuration without errors against the protocol's own
// checks: what passes here must not fail there.
func routersWork(t *testing.T, name string, cfg *Config) {
	t.Helper()
	source := map[vrrp.Family]netip.Addr{vrrp.IPv4: netip.MustParseAddr("192.0.2.1"), vrrp.IPv6: netip.MustParseAddr("fe80::1")}
	for _, g := range cfg.Groups {
		if g.Lease != nil {
			continue
		}
		for _, f := range g.Families() {
			rc := g.Router(f)
			rc.Source = source[f]
			if _, err := vrrp.New(rc); err != nil {
				t.Errorf("%s: group %s passes the checks, but: %v", name, g.Name, err)
			}
		}
	}
}
