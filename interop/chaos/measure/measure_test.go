package measure

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tape makes a recording by hand: one column a millisecond, in which every
// node is asked once. A letter in a node's line is what it does then:
//
//	x  answers 20 µs later      l  answers 5 ms later
//	.  answers never            v  answers a day too late
//	!  is not asked, but claims the address
//	   (a blank) is not asked
func tape(lines map[string]string) Recording {
	var r Recording
	for node, line := range lines {
		for ms, what := range line {
			at := time.Duration(ms) * time.Millisecond
			probe := uint32(ms % 16)
			switch what {
			case '!':
				r = append(r, Sighting{At: at, Node: node, Kind: Claimed})
				continue
			case ' ':
				continue
			}
			r = append(r, Sighting{At: at, Node: node, Kind: Asked, Probe: probe})
			late := map[rune]time.Duration{'x': 20 * time.Microsecond, 'l': 5 * time.Millisecond, 'v': Patience + time.Millisecond}[what]
			if late != 0 {
				r = append(r, Sighting{At: at + late, Node: node, Kind: Answered, Probe: probe})
			}
		}
	}
	return r
}

// written writes stretches as "3-7", in milliseconds, as they begin and end.
func written(overlaps []Overlap) []string {
	out := []string{}
	for _, o := range overlaps {
		out = append(out, fmt.Sprintf("%s%s %d-%d", o.Nodes[0], o.Nodes[1], o.From.Milliseconds(), o.To.Milliseconds()))
	}
	return out
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		name string
		tape map[string]string
		want []string
	}{
		{"one alone", map[string]string{"a": "xxxxxxxx", "b": "........"}, []string{}},
		{"a clean move", map[string]string{"a": "xxxx....", "b": "....xxxx"}, []string{}},
		{"a clean move and back", map[string]string{"a": "xx....xx", "b": "...xx..."}, []string{}},
		{"nobody in between", map[string]string{"a": "xx......", "b": ".....xxx"}, []string{}},
		{"both for four questions", map[string]string{"a": "xxxxxx..", "b": "..xxxxxx"}, []string{"ab 2-5"}},
		{"one question answered by both", map[string]string{"a": "xxxx....", "b": "...xxxxx"}, []string{"ab 3-3"}},
		{"both for ever", map[string]string{"a": "xxxxxxxx", "b": "xxxxxxxx"}, []string{"ab 0-7"}},
		{"twice", map[string]string{"a": "xxxxxxxx", "b": ".xx..xx."}, []string{"ab 1-2", "ab 5-6"}},
		{"two of three", map[string]string{"a": "xxxx....", "b": ".....xxx", "c": "..x....x"}, []string{"ac 2-2", "bc 7-7"}},
		{"a takes turns with b, and never at once", map[string]string{"a": "x.x.x.x.", "b": ".x.x.x.x"}, []string{}},

		// Who is not asked says nothing, and nothing is made up about it.
		{"cut from the questions", map[string]string{"a": "xx      xx", "b": "...xxx...."}, []string{"ab 3-5"}},
		{"cut from the questions for long", map[string]string{
			"a": "xx" + blanks(60) + "xx", "b": "..." + blanks(20) + "xxx" + blanks(36) + "..",
		}, []string{}},

		// Late answers are about the instant at which they are sent.
		{"a late answer within a run", map[string]string{"a": "xxlxxxxxxx", "b": ".........."}, []string{}},
		{"b answers late to a's last question", map[string]string{"a": "xxx.......", "b": "..l......."}, []string{}},
		{"a's late answer lies in b's run", map[string]string{"a": "xxl.......", "b": "...xxxxxxx"}, []string{"ab 7-7"}},
		{"a day too late is a claim at that instant", map[string]string{
			"a": "v.....................", "b": "..........xxxxxxxxxxxx",
		}, []string{"ab 13-13"}},
		{"a day too late, and nobody else", map[string]string{"a": "v.....................", "b": "...x.................."}, []string{}},

		// Claims.
		{"a claims while b answers", map[string]string{"a": "...!....", "b": "xxxxxxxx"}, []string{"ab 3-3"}},
		{"a claims, then b answers", map[string]string{"a": "...!....", "b": "....xxxx"}, []string{}},
		{"a claims its own", map[string]string{"a": "...!xxxx", "b": "xx......"}, []string{}},
		{"a claims out of silence and answers later", map[string]string{"a": ".!  xxxx", "b": "..xx...."}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, written(tape(c.tape).Overlaps())); diff != "" {
				t.Errorf("overlaps (-want +got):\n%s", diff)
			}
		})
	}
}

func blanks(n int) string { return fmt.Sprintf("%*s", n, "") }

// However the questions lie, an overlap that lasts longer than the time
// between them is seen, and none is reported longer than it was.
func TestOverlaps_HideNothingAndInventNothing(t *testing.T) {
	const spacing = time.Millisecond
	for phase := time.Duration(0); phase < spacing; phase += 37 * time.Microsecond {
		for length := -3 * spacing; length < 6*spacing; length += 113 * time.Microsecond {
			// a answers until 20 ms, b from 20 ms - length on.
			until, from := 20*time.Millisecond, 20*time.Millisecond-length
			var r Recording
			for i := range 40 {
				at := time.Duration(i)*spacing + phase
				for node, answers := range map[string]bool{"a": at <= until, "b": at >= from} {
					probe := uint32(i % 16)
					r = append(r, Sighting{At: at, Node: node, Kind: Asked, Probe: probe})
					if answers {
						r = append(r, Sighting{At: at, Node: node, Kind: Answered, Probe: probe})
					}
				}
			}
			found := r.Overlaps()
			switch got := Total(found); {
			case length > spacing && len(found) == 0:
				t.Fatalf("phase %v: an overlap of %v is not seen", phase, length)
			case length < 0 && len(found) > 0:
				t.Fatalf("phase %v: %v between the holders, and %d overlaps", phase, -length, len(found))
			case length >= 0 && got > length:
				t.Fatalf("phase %v: an overlap of %v is reported as %v", phase, length, got)
			case length-got > 2*spacing:
				t.Fatalf("phase %v: an overlap of %v is reported as %v only", phase, length, got)
			}
		}
	}
}

// What the network swallows, nobody heard: the same recording, and what of it
// arrived at the clients.
func TestHeard(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms)*time.Millisecond + 40*time.Microsecond }
	answers := func(each int, times ...int) (got []Receipt) {
		for _, ms := range times {
			for range each {
				got = append(got, Receipt{At: at(ms), Probe: uint32(ms % 16)})
			}
		}
		return got
	}
	both := map[string]string{"a": "xxxx......xxxx", "b": "xxxx......xxxx"}
	for _, c := range []struct {
		name     string
		tape     map[string]string
		receipts []Receipt
		want     []string
	}{
		{"all arrives", both, answers(2, 0, 1, 2, 3, 10, 11, 12, 13), []string{"ab 0-3", "ab 10-13"}},
		{"nothing arrives", both, nil, []string{}},
		{"the half of it", both, answers(2, 10, 11, 12, 13), []string{"ab 10-13"}},
		{"one answer to each question", both, answers(1, 0, 1, 2, 3, 10, 11, 12, 13), []string{}},
		{"one of two is lost in between", both, append(answers(2, 0, 1, 3), answers(1, 2)...), []string{"ab 0-3"}},
		{
			"a claim that arrives",
			map[string]string{"a": "xxxxxxxx", "b": "...!...."},
			append(answers(1, 0, 1, 2, 3, 4, 5, 6, 7), Receipt{At: at(3), Claim: true}),
			[]string{"ab 3-3"},
		},
		{"a claim that does not", map[string]string{"a": "xxxxxxxx", "b": "...!...."}, answers(1, 0, 1, 2, 3, 4, 5, 6, 7), []string{}},
		{
			"a claim against one whom nobody hears",
			map[string]string{"a": "xxxxxxxx", "b": "...!...."},
			[]Receipt{{At: at(3), Claim: true}},
			[]string{},
		},
		{
			"an unheard answer does not end a run",
			map[string]string{"a": "xxxxx", "b": "..!.."},
			append(answers(1, 0, 1, 3, 4), Receipt{At: at(2), Claim: true}),
			[]string{"ab 2-2"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, written(tape(c.tape).Heard(c.receipts).Overlaps())); diff != "" {
				t.Errorf("overlaps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTotal(t *testing.T) {
	pair := func(from, to int) Overlap {
		return Overlap{Span: Span{time.Duration(from), time.Duration(to)}}
	}
	if got := Total([]Overlap{pair(0, 10), pair(5, 15), pair(20, 30)}); got != 25 {
		t.Errorf("three overlaps cover %d, want 25", got)
	}
}

func TestWithout(t *testing.T) {
	outages := []Span{{0, 10}, {20, 30}, {40, 50}}
	for _, c := range []struct {
		allowed, want []Span
	}{
		{nil, outages},
		{[]Span{{0, 100}}, nil},
		{[]Span{{5, 25}}, []Span{{0, 5}, {25, 30}, {40, 50}}},
		{[]Span{{2, 4}, {3, 6}, {45, 46}}, []Span{{0, 2}, {6, 10}, {20, 30}, {40, 45}, {46, 50}}},
	} {
		if diff := cmp.Diff(c.want, Without(outages, c.allowed)); diff != "" {
			t.Errorf("without %v (-want +got):\n%s", c.allowed, diff)
		}
	}
	if got := Sum(outages); got != 30 {
		t.Errorf("the sum is %d, want 30", got)
	}
}

func TestRecording_Nodes(t *testing.T) {
	if got := tape(map[string]string{"b": "x", "a": "x"}).Nodes(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the nodes are %v", got)
	}
}
