// Package explain says why a group is in its state on a node, who decides that,
// and what would have to happen for the group to be held there or to leave. It
// is a pure function of what the daemon tells anyway: its status, the end of its
// journal and what it knows of fencing.
//
//	e, ok := explain.Group("web", explain.Input{Status: st, Events: page.Events})
//
// The facts are those that the engine decides by: maintenance, the link, checks
// and the priority that they leave, the guard's votes, the lease, steps, fencing,
// and the groups that move together. Each has a verdict (api.Fact); one that bars
// has something to do about it.
package explain
