// Package run asks the probes of many checks in time.
//
// One goroutine ([Runner.Run]) owns the machines of package check and two
// queues of instants: when a look is due, and when one that is under way
// counts as hanging. A look itself runs in one of a bounded number of workers,
// so a check that waits for its time costs no goroutine, and thousands that
// time out together cost no more than there are workers; the others look
// later, which the figures tell ([Figures]).
//
//	r := run.New(run.Options{Probe: probes, Tell: tell})
//	go r.Run(ctx)
//	r.Apply(specs)        // checks that stay the same keep what is known of them
//	r.Nudge(isAboutLinks) // news: look now
//	r.Views()             // for people
//
// A look that does not come back a second after its timeout is given up: it
// counts as a failure, its worker does not count any more, and the same check
// is not looked at again before it did come back.
package run
