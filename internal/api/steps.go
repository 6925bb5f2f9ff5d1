package api

// Steps is how far the steps of a group are.
type Steps struct {
	State string `json:"state"`          // clean, dirty, taking, taken, leaving, stuck
	Step  string `json:"step,omitempty"` // that runs, or is next; "ready" while checks are waited for
	Why   string `json:"why,omitempty"`  // what it waits for, or what failed
	Done  int    `json:"done"`           // begun, and not undone
	Of    int    `json:"of"`             // in the file
	Epoch uint64 `json:"epoch"`          // of the last take on this node
}
