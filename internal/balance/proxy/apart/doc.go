// Package apart has the proxy's data plane in a process of its own.
//
// The daemon runs in the real-time class, so that its adverts leave on time
// whatever else the machine does. What joins connections must not be there: it
// takes all the processor that clients make it take, and it would take it from
// the adverts. So the daemon starts its own program again, in the ordinary
// class, with a socket between the two. It hands over plans and asks for
// counters; who of them dies ends the socket, and with it the proxy.
//
// The process may do nothing but listen: it gives up all other privileges
// before it takes the first connection.
package apart
