package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 40 * time.Millisecond: "40ms", 12*time.Second + 900*time.Millisecond: "12s",
		7*time.Minute + 2*time.Second: "7m02s", 5*time.Hour + 3*time.Minute: "5h03m",
		76 * time.Hour: "3d04h", 12 * 24 * time.Hour: "12d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3609375 * time.Microsecond: "3.609s", 341406250: "341.41ms", time.Second: "1s", 12345: "12µs", 10 * time.Millisecond: "10ms",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestParseSince(t *testing.T) {
	zone := time.FixedZone("", 7200)
	now := time.Date(2026, 5, 4, 16, 0, 0, 0, zone)
	for s, want := range map[string]time.Time{
		"":                     {},
		"2h":                   now.Add(-2 * time.Hour),
		"14:30":                time.Date(2026, 5, 4, 14, 30, 0, 0, zone),
		"14:30:05":             time.Date(2026, 5, 4, 14, 30, 5, 0, zone),
		"2026-05-01":           time.Date(2026, 5, 1, 0, 0, 0, 0, zone),
		"2026-05-01 07:08":     time.Date(2026, 5, 1, 7, 8, 0, 0, zone),
		"2026-05-01 07:08:09":  time.Date(2026, 5, 1, 7, 8, 9, 0, zone),
		"2026-05-01T07:08:09Z": time.Date(2026, 5, 1, 7, 8, 9, 0, time.UTC),
	} {
		if got, err := parseSince(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%q = %v (%v), want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"-2h", "yesterday", "25:00", "2026-13-01"} {
		if got, err := parseSince(s, now); err == nil {
			t.Errorf("%q = %v, want an error", s, got)
		}
	}
}

func TestHarmless(t *testing.T) {
	for s, want := range map[string]string{
		"plain µ → text":           "plain µ → text",
		"\x1b[2J\x07bell":          "?[2J?bell",
		"c1 \u009b31m, line\u2028": "c1 ?31m, line?",
		"\xff\xfe":                 "\ufffd\ufffd",
	} {
		if got := harmless(s); got != want {
			t.Errorf("%q = %q, want %q", s, got, want)
		}
	}
}

func TestTable_FitsTheTerminal(t *testing.T) {
	var out bytes.Buffer
	tb := newTable(Terminal{Color: true, Width: func() int { return 20 }}, "GROUP", "LAST CHANGE")
	tb.add(cell{"wäb", good}, cell{"the active node fell silent", plain})
	tb.add(cell{"multi\nline", plain}, cell{"", plain})
	if err := tb.write(&out); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[2mGROUP\x1b[0m       \x1b[2mLAST CH…\x1b[0m\n" +
		"\x1b[32mwäb\x1b[0m         the act…\n" +
		"multi line\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Colour says nothing that the text does not say.
func TestOverview_SameWithoutColour(t *testing.T) {
	var coloured, plain bytes.Buffer
	s := apitest.Status()
	if err := (Terminal{Color: true}).overview(&coloured, s); err != nil {
		t.Fatal(err)
	}
	if err := (Terminal{}).overview(&plain, s); err != nil {
		t.Fatal(err)
	}
	stripped := coloured.String()
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if diff := cmp.Diff(plain.String(), stripped); diff != "" {
		t.Errorf("(-plain +coloured):\n%s", diff)
	}
	if !strings.Contains(coloured.String(), "\x1b[32mlb1 *\x1b[0m") {
		t.Errorf("no colour:\n%q", coloured.String())
	}
}

func TestRefresh_ReplacesThePictureOnATerminal(t *testing.T) {
	var out bytes.Buffer
	v := view{term: Terminal{Out: &out, Width: func() int { return 80 }}}
	if err := v.refresh("x\n", false); err != nil || out.String() != "\x1b[H\x1b[2Jx\n" {
		t.Errorf("%q (%v)", out.String(), err)
	}
}

// A witness has nodes where others have groups, and a node says who votes.
func TestOverview_Votes(t *testing.T) {
	var out bytes.Buffer
	term := Terminal{Out: &out}
	s := apitest.Witness()
	if err := term.overview(&out, s); err != nil {
		t.Fatal(err)
	}
	want := `w1  up 1h00m  witness on :9113  config e3b0c44298fc
NODE  LAST ASKED  PROMISED TO IT
lb1   200ms ago   2 groups
lb2   40s ago     0 groups
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s = apitest.Status()
	for want, change := range map[string]func(*api.Voter){
		"voters: 3 of 3 heard; witness w1 answers in 4ms":                      func(*api.Voter) {},
		"voters: 2 of 3 heard; witness w1 is silent for 1m00s":                 func(v *api.Voter) { v.LastSeen = s.Now.Add(-time.Minute) },
		"voters: 2 of 3 heard; witness w1 was never heard":                     func(v *api.Voter) { v.LastSeen = time.Time{} },
		"voters: 3 of 3 heard; witness w1 abstains for 4s":                     func(v *api.Voter) { v.Abstains = api.Duration(4 * time.Second) },
		"voters: 3 of 3 heard; witness w1 is also called lb2 and has one vote": func(v *api.Voter) { v.Twin = "lb2" },
	} {
		v := apitest.Status().Voters[2]
		change(&v)
		s.Voters[2] = v
		if got := term.voters(s); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
