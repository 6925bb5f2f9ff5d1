// Package database is examples/postgresql put to the test: three machines made
// of namespaces, set up with the very commands of its README, PostgreSQL with
// synchronous replication, clients that come through the address, and faults.
//
// Two things are never allowed, whatever the fault, and each has a judge that
// shares nothing with what it judges:
//
//   - An acknowledged commit that is gone. The [Writer] inserts numbers one
//     after the other through the address, and keeps those of which it was told
//     that they are there. In the end all of them must be.
//   - Two primaries that clients can reach. Every primary begins a term, and the
//     [Observer] asks whoever answers at the address, over new connections and
//     over old ones, for its term: a question that was put after an answer of
//     one term must not be answered by a primary of an earlier one.
//
// For how long nobody acknowledges anything is measured, and is what a client of
// the database notices of a fault.
package database
