// Package rtnl is one rtnetlink socket on which many requests travel in one
// system call.
//
// The kernel carries out every message of a datagram in order, before sendmsg
// returns, and answers each with an acknowledgement of its own. So taking over
// 255 addresses costs a few system calls instead of 510, and each of the 255
// still has its own verdict. Where a request is refused, the kernel's own
// explanation (its extended acknowledgement) is part of the error.
//
// A [Conn] is for one goroutine. It stays in the network namespace of the
// thread that dialed it.
package rtnl
