// Package wheel spreads turns evenly: it gives the sequence in which backends
// with weights are taken one after the other.
//
// A wheel has a slot for each unit of weight, after all weights were divided by
// what they have in common: weights of 10, 20 and 30 need six slots. Where that
// would be too many, it has those numbers of slots, of all that are few enough,
// whose shares come nearest to the weights ([Slots]).
//
// # Evenly
//
// Each backend's n-th turn is where it would be if turns could be divided at
// will, by less than one turn: with a share of s, turn k lies in the slots from
// ⌊k/s⌋ to ⌈(k+1)/s⌉. So in every stretch of the wheel, wherever it begins, each
// backend has its share, by less than two. That this can always be had is due
// to Liu and Layland's rule (the earliest end first) on such windows (Baruah,
// Cohen, Plaxton and Varvel, "Proportionate progress", 1996).
package wheel
