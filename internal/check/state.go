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
	Worth    Worth
	Text     string
}

// Worth is what a check that is up says about how good it is: see [Seen]. The
// zero value says nothing.
type Worth struct {
	Weight   int
	Weighted bool
	Share    int
	Shared   bool
}

func (s *Seen) worth() Worth {
	return Worth{Weight: s.Weight, Weighted: s.Weighted, Share: s.Share, Shared: s.Shared}
}
