package group

// phase is where a set is between its visible states.
type phase uint8

const (
	resting  phase = iota // Init
	unfit                 // Fault
	waiting               // Backup
	claiming              // Backup: every router asks, the addresses are being installed
	holding               // Active
	demoting              // Active: nothing is announced any more, the steps are being undone
	leaving               // Backup: still serving what arrives
)

func (p phase) state() State {
	switch p {
	case resting:
		return Init
	case unfit:
		return Fault
	case holding, demoting:
		return Active
	default:
		return Backup
	}
}
