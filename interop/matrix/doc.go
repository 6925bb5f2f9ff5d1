// Package matrix runs services through the product as users have it: the binary,
// files, a pair of nodes, nginx on the backends. Every way to forward, with every
// scheduler, of both families, is a cell.
//
//	                       edge ══1300══ hop ── far
//	                        │
//	client ── lb1 ── lb2 ── switch ── b1 ── b2 ── core ══1400══ deep ── b3
//
// Clients and backends are in subnets of their own on one switch. A client and a
// backend are behind routers, with a link between that is narrower than both ends
// know. What is sent has the offloads that a kernel has by default.
//
// A way to forward has one such site. The scheduler is changed by reloading the
// files, while connections are open that have to stay ([site.round]). Asked of each
// cell are:
//
//   - the spread of connections over the backends, as the scheduler promises it
//   - downloads and uploads, compared byte by byte, from near and from behind the
//     narrow link, and whether the sender was told how narrow it is
//   - datagrams of UDP, also those that are cut into fragments, both ways
//   - errors of ICMP (nobody there, too many hops) that have to reach the client and
//     the backend in the words of their own connection
//   - echo of the address
//   - downloads that are under way while the address is handed over to the other
//     node: of a proxy, that it says so before
package matrix
