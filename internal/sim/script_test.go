package sim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the stories of the scenarios")

// begin is the line between a scenario and its story.
const begin = "\n-- story --\n"

// TestScenarios plays every scenario in testdata and compares its story, to
// the millisecond and to the word.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			input, want, _ := strings.Cut(string(text), begin)
			got, err := Script(input)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(path, []byte(strings.TrimRight(input, "\n")+"\n"+begin+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("another story (-want +got); if that is right: go test ./internal/sim -run Scenarios -update\n%s", diff)
			}
		})
	}
}

func TestScript_SaysWhatIsWrong(t *testing.T) {
	const world = "group web vrid 51 ipv4\nnode a\nnode b\nend 1s\n"
	cases := []struct{ text, want string }{
		{"", "cannot run scenario: it needs a group, a node and an end"},
		{"grop web", `cannot read line 1 of scenario: "grop" is not known here`},
		{"# a comment\n\ngroup web vrid 256", `cannot read line 3 of scenario: "256" is not a number from 0 to 255`},
		{world + "at 1 power a", `cannot read line 5 of scenario: "1" is not a duration`},
		{world + "at 1s power c", `cannot read line 5 of scenario: there is no node "c"`},
		{world + "at 1s explode a", `cannot read line 5 of scenario: "explode" is not known here`},
		{world + "at 1s handover a b", `cannot read line 5 of scenario: "b" is not known here`},
		{world + "at 1s link a sideways", `cannot read line 5 of scenario: "sideways" is neither up nor down`},
		{world + "at 1s change a dns priority 1", `cannot read line 5 of scenario: there is no group "dns"`},
		{world + "at 1s change a web addresses x", `cannot read line 5 of scenario: "x" is not an address`},
		{world + "at 1s", `cannot read line 5 of scenario: a word is missing at the end`},
		{world + "at 1s maintenance a", "cannot read line 5 of scenario: maintenance is on, forced or off"},
	}
	for _, c := range cases {
		if _, err := Script(c.text); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
