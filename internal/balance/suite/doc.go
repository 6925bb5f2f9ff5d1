// Package suite is the table of packets that every data plane of the balancer
// which works on packets has to treat alike: what is configured, what comes in,
// what becomes of it, byte by byte, what leaves besides, and what is counted.
// What is expected is made of layers, with all checksums computed from scratch.
//
//	for _, c := range suite.Cases() {
//		err := c.Run(plane)
//	}
//
// The model in Go and the programs in the kernel are run through it, each with
// the one [World] around it.
package suite
