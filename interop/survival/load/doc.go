// Package load is the clients and servers of a service whose balancer breaks:
// thousands of connections that stay open and say something now and then,
// downloads that take long, and new connections at a steady rate. What becomes
// of each exchange is recorded with its instant, so that it can be told
// afterwards what a fault did to whom.
//
//	servers, err := load.Serve(backends)
//	clients, err := load.Begin(load.Config{…})   // until everybody is connected
//	…                                            // faults
//	err = clients.Settle(patience)               // one more exchange on every connection
//	records := clients.Stop()
//
// Every byte that comes back is compared with what has to come. An exchange
// names the backend that answered.
//
// Clients are one thread with one epoll, and so are all servers: sockets of many
// namespaces can be waited for together. A machine with two CPUs, on which the
// balancers run too, carries ten thousand connections with a thousand new ones a
// second. How late that thread was is recorded too: what is measured cannot be
// more exact.
package load
