// Package maglev makes the tables by which a hash chooses a backend, so that a
// change of the backends moves hardly any flow that does not have to move.
//
// It is the table of "Maglev: A Fast and Reliable Software Network Load
// Balancer" (NSDI 2016, §3.4). Each backend has a permutation of all slots,
// made of its name alone: it begins at an offset and goes on by a skip, and as
// the number of slots is a prime, it meets every slot once. The backends take
// turns, and each takes the first slot of its permutation that is free, until
// none is. A backend that leaves gives its slots to the others, and most slots
// of the others stay as they are.
//
// # Weights
//
// A backend gets credit by its weight in each round, and has its turn in the
// rounds in which the credit is worth one: the heaviest in every round, one of
// half its weight in every second. All have one in the first round, so each
// that has a weight has a slot (of a table with as many), however light.
//
// # The same on every node
//
// A table depends on the seed, the size, and the names and weights of the
// backends, not on their order; a slot has the place of a backend in the list
// that was given. Nodes that give the same list, sorted, get the same bytes.
package maglev
