// Package doctor says what this machine can do for holdfast, and what that
// means, without a daemon.
//
// What can be tried is tried, in a network namespace made for it that is gone
// when [Examine] returns: lines of defence are opened, made to guard an address
// and let go, and a macvlan is made. The machine's own network is only looked
// at. A process that may not make a namespace gets what can be told without.
//
// Every finding says one of three things: ok; weaker, which works and
// guarantees less than it could; missing, without which the daemon, or a group
// of its file, does not work. All that is not ok says what to do.
package doctor
