package realtime

// Tune does what makes the process punctual, at start: Raise to one step
// below priority, so that Loop(priority) is above it.
func Tune(priority int) Report {
	_ = slack(1)
	return Raise(max(priority-1, 1))
}
