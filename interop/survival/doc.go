// Package survival asks what becomes of connections when the balancer that they
// pass through breaks, returns, is handed over, killed, frozen and upgraded.
//
// A [Site] is one switch with clients, two balancers and backends, each in a
// namespace of its own. A [Pair] is what runs on the balancers: holdfast with a
// service that forwards in some way, or keepalived and HAProxy as the yardstick.
// [Run] puts a load on it (package load), has one fault after the other happen to
// the balancer that holds the address, and judges each by what clients have seen:
//
//   - how many connections were reset, or answered by nobody any more;
//   - how many stood still for longer than the outage explains. What is sent
//     while nobody forwards is sent again by TCP after 0.2, 0.6, 1.4 s and so on:
//     after an outage of t nothing has to wait for longer than 2 t + 0.2 s. The
//     bound is 2 t + 0.5 s, and the time for which the clients themselves did not
//     run, as all of this shares two CPUs;
//   - how many new connections failed, and how many of them began when the
//     address had moved already.
//
// Of holdfast's planes in the kernel zero of each is required. What goes through a
// proxy cannot survive it, and the report says so by figures.
//
// Where something is lost, an [Evidence] is printed and kept: which bounds failed,
// what the counters of nodes, clients and backends say of that time, a timeline of
// both journals, the prober and the clients, and which connections it was, with
// what both nodes knew of them while they waited.
//
//	go test ./interop/survival                   a small one
//	make survival                                docs/compare-survival.md
//	make survival BENCH='-merge -who nat -faults "link cut,it returns"'
package survival
