package check

// State is what a check counts as.
type State uint8

const (
	Pending State = iota // nothing was seen yet
	Up
	Down
)

// String is the word that people and programs read.
func (s State) String() string { return [...]string{"pending", "up", "down"}[s] }

// Change is news of a check for those who use it: another state, or another
// weight.
type Change struct {
	From, To State
	Weight   int  // see Seen
	Weighted bool // the state has a weight of its own
	Text     string
}
