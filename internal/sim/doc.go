// Package sim runs holdfast nodes on a LAN that exists in memory only: no
// kernel, no goroutine, no real time. One run is a function of its
// configuration and its seed, so whatever goes wrong once can be looked at as
// often as needed.
//
// # What is real
//
// Every node runs the sets of groups of package group, which run the routers
// of package vrrp. Adverts are encoded to bytes by their sender and decoded by
// each receiver; so are the messages of package peer.
//
// # What is simulated
//
//   - the process around the sets: it carries out their actions as the engine
//     does, and can be paused, killed, stopped and started;
//   - the kernel of each machine: it carries out orders one after another,
//     each of which takes time and may fail. It goes on answering while the
//     process is paused or dead;
//   - the network: switches that learn MAC addresses, and links that lose,
//     delay, duplicate and reorder; cuts between any two ports, in one
//     direction or both, for one address family or both;
//   - clocks: the wall clock of a node may be wrong and may be set, which
//     authentication notices; the monotonic clock never is;
//   - other vendors' routers: a bare vrrp.Router that knows nothing of sets
//     and messages;
//   - clients that ask every address at an interval, with a neighbour cache
//     that follows announcements, and count what is not answered.
//
// # How it is used
//
// [Random] makes a configuration and a schedule of faults from a seed, and a
// [Judge] watches the run for what must never happen. [Script] runs the
// scenarios in testdata, which a network engineer can read. Both drive a
// [World].
//
// docs/simulation.md says more, and how to replay a seed.
package sim
