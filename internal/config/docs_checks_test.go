package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/checks.md shows is right. A sample without groups gets one that
// uses all of its checks.
func TestDocs_ChecksAreRight(t *testing.T) {
	page, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`(?m)^  ([a-z]+):`)
	samples := 0
	for sample := range strings.SplitSeq(string(page), "\n\n") {
		src := strings.ReplaceAll("\n"+sample, "\n    ", "\n")[1:]
		switch {
		case !strings.HasPrefix(sample, "    "), !strings.Contains(src, "checks:\n"):
			continue
		case strings.HasPrefix(src, "checks:\n"):
			var uses []string
			for _, m := range name.FindAllStringSubmatch(src, -1) {
				uses = append(uses, m[1])
			}
			src += fmt.Sprintf("\ngroups: {web: {addresses: [192.0.2.10/24], vrrp: {id: 51}, checks: [%s]}}\n", strings.Join(uses, ", "))
		}
		samples++
		_, ds := Parse("sample.yaml", []byte(src), Facts{Hostname: "lb1"})
		if ds.HasErrors() {
			var b strings.Builder
			_ = ds.Render(&b, Plain)
			t.Errorf("%s\n%s", sample, b.String())
		}
	}
	if samples < 5 {
		t.Errorf("there are %d samples", samples)
	}
}
