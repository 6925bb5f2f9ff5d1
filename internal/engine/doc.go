// Package engine is the single owner of all groups: one goroutine, one loop.
//
// The loop waits on the [Wire] until a packet arrives, an event is posted or
// the next deadline is reached; it steps the sets of groups concerned
// (package group), carries out what they answer, and sends all adverts of the
// round in as few system calls as the wire can. Nothing in it blocks and, in
// the steady state, nothing in it allocates:
//
//   - packets are read and written by the loop itself, so that an advert
//     waits for no other goroutine;
//   - addresses are changed by the [Hands], whose results come back as events;
//   - everybody else (control socket, link watch, checks) posts a function
//     into the inbox with [Engine.Post] and waits for it outside.
//
// No mutex guards protocol state, because no other goroutine sees it.
package engine
