// Package agent runs fence agents: the fence_* programs of the ClusterLabs
// fence-agents and whatever keeps to their contract (FenceAgentAPI.md of that
// project).
//
// An agent reads lines of name=value from its standard input, "action" among
// them, and does it: off, on, reboot, monitor, status or metadata. Exit status
// 0 is success; status answers 0 where the power is on and 2 where it is off.
// Nothing is passed as an argument, where every user of the machine could read
// it.
//
//   - [Agent.Run] runs it once.
//   - [ReadMetadata] asks what it takes, and [Metadata.Check] holds that against
//     what a file gives it.
//   - [Runner] does what a [fence.Fencer] asks for.
package agent
