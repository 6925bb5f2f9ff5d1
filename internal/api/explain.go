package api

import "time"

// SchemaExplanation is the schema of an Explanation.
const SchemaExplanation = "holdfast/v1/Explanation"

// Explanation is what `holdfast explain GROUP -o json` says: why a group is in
// its state on a node, and what would change that.
type Explanation struct {
	Schema  string    `json:"schema"`
	Node    string    `json:"node"`
	Group   string    `json:"group"`
	State   string    `json:"state"`
	Since   time.Time `json:"since"`
	Holder  string    `json:"holder"`  // "": none is known
	Summary string    `json:"summary"` // the answer in a sentence
	Reason  string    `json:"reason"`  // of the last transition
	Decides string    `json:"decides"` // who decides which node holds
	Facts   []Fact    `json:"facts"`   // what counts, worst first
	Ways    []string  `json:"ways"`    // what it takes for the group to be held here or, where it is, to leave
	Events  []Event   `json:"events"`  // its last changes, oldest first
}

// Fact is one thing that counts.
type Fact struct {
	Subject string `json:"subject"` // "check nginx", "guard", "lease", "steps", ...
	Verdict string `json:"verdict"` // one of the Verdict words
	Text    string `json:"text"`
	Do      string `json:"do,omitempty"` // what to do about it
}

// The words for a Verdict.
const (
	VerdictBars   = "bars"   // as long as it is so this node may not hold
	VerdictWaits  = "waits"  // it is under way, or ends by itself
	VerdictLowers = "lowers" // it makes this node less likely to hold
	VerdictOK     = "ok"
)
