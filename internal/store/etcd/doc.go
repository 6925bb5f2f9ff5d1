// Package etcd keeps leases in an etcd v3, be it the one that holdfast runs
// itself (package cluster) or one that somebody else runs.
//
// # Not waiting for a member that is gone
//
// A lease of 200 ms leaves no time for the patience of an ordinary client: its
// connection to a member that was cut off looks well for seconds. So there is
// one connection to each member, and a question goes to one of them first,
// after a small part of the time that it is worth to the next one as well, and
// at once where one says that it cannot. The first answer counts, and its
// member is asked first from then on.
//
// Reads are linearizable: a member answers what a majority has, or not at all.
// A Swap may reach several members, and takes effect once: its condition names
// one state of the record, which is over when the first of them was carried
// out. The others find the very record that they were to write, which nobody
// else writes, and that is a success too ([Store.Swap]).
//
// etcd's own leases, which remove keys after a time, are not used. Until when
// somebody holds is decided by the candidates' clocks (package lease); a store
// that is restored, paused or has a clock of its own opinion changes nothing.
//
// # Changes
//
// A watch runs on every member at once, so that none needs to be found out to
// be dead. Each goes on after a lost connection where it was, and reads anew
// where etcd has forgotten the revisions in between (compaction).
//
// # One cluster
//
// Endpoints of two clusters by mistake would be two opinions on who holds. The
// first cluster that answers is the one; a member of another one is not asked,
// unless a majority of the endpoints is of that one (a cluster that was
// restored from a snapshot has another identity).
package etcd
