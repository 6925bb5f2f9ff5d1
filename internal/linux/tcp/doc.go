// Package tcp looks at this machine's TCP connections from outside of them:
// lists those of some addresses, ends them, sends segments in the name of
// connections that are not there, and hears what clients say of those.
//
// Lists come from sock_diag(7). The kernel sorts out by a small program, so a
// machine with a hundred thousand other sockets hands over only those that were
// asked for. Segments leave by a raw socket with their IP headers, and are routed
// like any packet. Answers are seen by a packet socket, before the firewall.
//
// It is the tickle kernel of the daemon. A [Kernel] stays in the network
// namespace of the thread that made it.
package tcp
