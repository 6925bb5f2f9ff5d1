// Package look answers what checks ask of the kernel's tables: is this link
// fit, is this address there, where does this route go. It is the
// [local.Kernel] of the daemon.
//
// Each question is asked as narrowly as rtnetlink allows, so that a check every
// 100 ms costs a few system calls also on a router with a full table: an
// interface by its name, a route by a lookup that names the entry it found
// (RTM_F_FIB_MATCH), which is a list of the table only where something more
// specific hides the entry that is asked for, or for a default route.
//
// A [Look] stays in the network namespace of the thread that made it.
package look
