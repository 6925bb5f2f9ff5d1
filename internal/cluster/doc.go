// Package cluster runs the store of a cluster: an etcd of which every node and
// witness is a member, made and kept without anybody having to know etcd.
//
// # A process of its own
//
// A member writes to a disk and waits for it, has a heap that grows and is
// collected, and needs no real-time class. None of that may disturb the loop
// that keeps the holds. So a member is a child process of the daemon
// ([Keeper]): the same binary, in the ordinary scheduling class, with memory
// that is not locked. A disk that hangs stops the member, never an address
// whose lease the other members still renew. Losing one member of three costs
// nothing but its share of safety; the daemon starts it again.
//
// # Forming
//
// Nobody says which node is first. Every member makes a random seed once and
// keeps it, and asks the others for theirs at their doors (a small HTTPS
// server, [Door]). When all that are listed have been heard, and none has data
// yet, they are a new cluster whose token is made of all seeds ([Formation]).
// A member that has the token's seeds but was not there when it was made
// takes part in the same one.
//
// A member whose data is gone has another seed, or has said on its disk that it
// had begun: it is not the member that the others know, must not vote as it,
// and does not. It says so, and joins when an operator has replaced it
// ([Replace]): as a learner, which the leader makes a member once it has
// everything. The same way a cluster grows.
//
// # Ports
//
// A member uses the TCP port of the number that its votes have (clients), the
// next one (members), and the one after that (doors). All three take
// certificates of the cluster's own authority only ([Init] makes it).
package cluster
