package gate

import "testing"

func TestBootOffset(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  int64
	}{
		{"", 0},
		{"monotonic           0         0\nboottime            0         0\n", 0},
		{"monotonic         100         0\nboottime         1000    500000\n", 1_000_000_500_000},
		{"boottime           -2 999999999\n", -1_000_000_001},
		{"something else\n", 0},
	} {
		if got := bootOffset(c.lines); got != c.want {
			t.Errorf("the offset in %q is %d, want %d", c.lines, got, c.want)
		}
	}
}
