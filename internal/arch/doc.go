// Package arch holds no code, only a test: the rules that keep the tree what
// ARCHITECTURE.md says it is. Each rule carries its reason, and a broken one
// prints it.
//
// Dependencies point one way:
//
//	cmd → faces → engine and the doers → pure
//
// A pure package (an election, a decision) sees no clock, no network, no file
// and no global randomness, so the same code runs in production, in the
// simulator and in the fuzzer. Only the composition root, the lab and the
// demo may reach the kernel through internal/linux; everybody else declares
// the interface that it needs.
package arch
