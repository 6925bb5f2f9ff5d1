package api

// SchemaDoctor is the schema of a Diagnosis.
const SchemaDoctor = "holdfast/v1/Doctor"

// Diagnosis is what `holdfast doctor -o json` says about a machine.
type Diagnosis struct {
	Schema   string    `json:"schema"`
	OK       bool      `json:"ok"` // nothing is missing or weaker than it could be
	Kernel   string    `json:"kernel"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing that was looked at.
type Finding struct {
	Subject string `json:"subject"`      // gate, realtime, capabilities, a group's name, ...
	Result  string `json:"result"`       // one of the Finding words
	Text    string `json:"text"`         // what was found, and what it means
	Do      string `json:"do,omitempty"` // what to do about it
}

// The words for a Finding.
const (
	FindingOK      = "ok"
	FindingWeaker  = "weaker"  // it works, and guarantees less than it could
	FindingMissing = "missing" // the daemon, or a group, does not work without it
)

// Judge sets OK.
func (d *Diagnosis) Judge() {
	d.OK = true
	for _, f := range d.Findings {
		d.OK = d.OK && f.Result == FindingOK
	}
}
