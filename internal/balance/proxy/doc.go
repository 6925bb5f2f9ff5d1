// Package proxy is the data plane of services with forward: proxy. It joins
// two connections, the client's and one to a backend, in this process.
//
// It is for where eBPF is not allowed, and for backends that want to be told
// of the client by the PROXY protocol. What no proxy can do: the connections
// end with the process and with the node, so they do not survive a failover.
//
// # Shape
//
// One [loop] a CPU, each an epoll on a thread of its own. Every loop listens
// for itself (SO_REUSEPORT), and a connection stays on the loop that accepted
// it, so that nothing of it needs a lock. What loops share are the counters of
// a backend and the queue's wake-up.
//
//	plane.go      plans come in: services begin, change and end
//	service.go    one service as all loops see it: its view, targets, limits
//	pick.go       which target gets a connection
//	loop.go       one thread: events, what is ready, who waits for a time
//	conn.go       a connection's life: accepted, queued, connecting, joined
//	half.go       one direction of it: bytes, end of stream, back-pressure
//	datagram.go   UDP: a session for each client address
//	departed.go   the address has moved to another node: its connections end
//
// # Bytes
//
// A direction copies through one buffer of its loop while messages are small,
// and is spliced through a pipe (splice(2)) once they fill it: pages move then
// and are not copied. What the other side does not take at once is kept, in a
// buffer or in the pipe, and nothing more is read until it is gone. So a slow
// reader slows the writer at the other end, and a connection never holds more
// than one buffer or one pipe for each direction. Buffers, pipes and
// connections are used again; in a steady state nothing is allocated.
//
// # Ends
//
// An end of stream is passed on as one (shutdown(2)), and the other direction
// goes on: half-closed connections work. A connection that one side resets is
// reset at the other. Which of the two it was decides whether a client sees an
// answer as complete.
//
// When the address has moved to another node, that node resets the client at its
// next word. The connections here end when the address has been away for ten
// seconds, so that backends do not keep them for hours.
package proxy
