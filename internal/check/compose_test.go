package check

import "testing"

func TestCompose(t *testing.T) {
	states := map[string]State{"up": Up, "up2": Up, "down": Down, "down2": Down, "new": Pending}
	of := func(name string) (State, string) { return states[name], "seen " + name }
	tests := []struct {
		kind Kind
		want State
		text string
	}{
		{All{[]string{"up", "up2"}}, Up, "2 of 2 are up"},
		{All{[]string{"up", "down", "down2"}}, Down, "down: seen down"},
		{All{[]string{"new", "down"}}, Down, "down: seen down"},
		{All{[]string{"up", "new"}}, Pending, "up: seen up"},
		{Any{[]string{"down", "up"}}, Up, "up: seen up"},
		{Any{[]string{"down", "new"}}, Pending, "down: seen down"},
		{Any{[]string{"down", "down2"}}, Down, "down: seen down; down2: seen down2"},
		{Not{"down"}, Up, "down is down: seen down"},
		{Not{"up"}, Down, "up is up: seen up"},
		{Not{"new"}, Pending, "new is pending: seen new"},
	}
	for _, tt := range tests {
		if got, text := Compose(tt.kind, of); got != tt.want || text != tt.text {
			t.Errorf("%s %s: %s (%s), want %s (%s)", tt.kind.Word(), tt.kind.Target(), got, text, tt.want, tt.text)
		}
	}
}
