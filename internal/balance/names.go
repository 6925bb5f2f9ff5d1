package balance

// The names that files and documents have for these.
var (
	schedulerNames = [...]string{"round-robin", "least-connections", "two-choices", "source-hash", "maglev"}
	forwardNames   = [...]string{"nat", "full-nat", "dsr", "tunnel", "proxy"}
)

func (s Scheduler) String() string { return schedulerNames[s] }

func (f Forward) String() string { return forwardNames[f] }
