// Package pools is the one owner of all services of a node: a goroutine that
// gives each [balance.Pool] its events, and the planes what comes of them.
//
// It is not the engine's goroutine. A table takes a millisecond to make and a
// plane may take longer to take it, and no advert may wait for either. Nothing
// here depends on who holds the address: planes have their plans on every node
// all the time, so that one that takes over an address serves at once.
//
// Planes are given all plans whenever one has changed. What a plane could not
// do (an address that is taken, say) is told once and tried again.
package pools
