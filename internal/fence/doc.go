// Package fence makes sure that a lost node cannot hold, by three means:
//
//   - the gate, which closes by itself (package hold, linux/gate): for the
//     addresses it is enough;
//   - the machine's own watchdog: [Dog] says when it runs and when it is fed;
//   - another machine that cuts the lost one off from power, network or disk:
//     [Fencer] asks fence agents in their order, until one of the node's levels
//     has succeeded.
//
// The second and third are for what a group takes beside its addresses (package
// order): a database that was promoted goes on writing behind a closed gate.
//
// # The watchdog
//
// It runs from before the first group that asks for it holds until after the
// last has undone its steps, and is fed only while every hold that it is for
// was really extended. Where the loop stands still it is not fed, and where the
// steps cannot be undone neither. Its time is longer than a hold, so the gate
// has closed long before the machine is reset.
//
// # Fence agents
//
// A [Fencer] is one state machine for all nodes:
//
//	acts = f.Step(now, fence.Want(node, group, why, holds), nil)
//	for i := range acts {
//		switch a := &acts[i]; a.Kind {
//		case fence.ActionRun: // start a.Op of device a.Device; answer with Ran(a.Run, …)
//		case fence.ActionKill: // end it; answer likewise
//		case fence.ActionDone: // a.Node is fenced, or with !a.OK could not be
//		case fence.ActionRecord: // for the journal
//		}
//	}
//
// A level is several devices that all have to succeed (both power supplies, or
// power and disk); the next level is tried where one fails; after the last it
// begins anew, for as long as somebody waits. What an agent did before it was
// killed at its deadline does not count.
//
// Two nodes that lose sight of each other would fence each other. Each waits
// before it begins: for a random time, and the one that holds nothing for the
// priority delay in addition, so that the holder shoots first.
//
// The packages linux/watchdog and fence/agent do what these decide.
package fence
