// Package store carries what the candidates of leases (package lease) ask to
// a store that several nodes share, and the answers back.
//
// A [Store] is one of those: etcd, and whatever else can read a record,
// replace it if it is still what the caller has seen, and tell of changes. A
// [Clerk] asks it: each question in a goroutine of its own, so that nobody
// waits for a store that is slow, with the time that the question is worth,
// and no more of them at once than a candidate can have open.
//
// Nothing here decides anything, and nothing needs to be in time: a store that
// answers late, twice or never costs time, and never lets two nodes hold.
package store
