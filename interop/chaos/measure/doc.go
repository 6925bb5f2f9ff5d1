// Package measure turns what was seen on the wire into figures: for how long
// two nodes answered for the address, and for how long none did. It is pure:
// a recording goes in, figures come out, so that a recording made by hand can
// prove that the measure sees what it must and nothing else.
//
// # What is seen
//
// A [Sighting] is one frame at the port of the switch behind which a node
// sits, with the kernel's timestamp: a question as it is handed to the node,
// or something that the node sent. The port tells the node, so that the
// measure works where both nodes answer with the same (virtual) MAC. Questions
// are ARP requests or neighbour solicitations to all nodes; each carries the
// number of its probe, and so does the answer to it.
//
// # When a node answers
//
// An answer is a fact about one instant: the one at which the node's kernel
// sent it. It is sent in the same breath as it enters the switch, which the
// timestamp is of, so the fact is good to some ten microseconds; when it was
// asked for plays no role. Between two answers nothing is known but this: the
// node answers throughout as long as every question that was handed to it is
// answered. So a node's [Run] is the closed stretch from the first to the last
// of its consecutive answers. It ends at the last answer
//
//   - before a question that got none within [Patience],
//   - before nothing was asked for longer than [Blind].
//
// What a node says unasked (a gratuitous ARP, an unsolicited neighbour
// advertisement, an ARP request with the address as its sender) claims the
// address too, and counts as an answer: it lengthens a run, or is a run of its
// own of length 0.
//
// # When two answer
//
// An [Overlap] is
//
//   - a stretch that runs of two nodes have in common: each of them answered
//     before or at its beginning and at or after its end, and left no question
//     unanswered in between; or
//   - one question that two nodes answered within [Together] of each other,
//     from the first to the second answer.
//
// An answer of b after one of a is none: a may have stopped in between. Nor is
// a question that both answered, one of them late: a late answer is about the
// late instant.
//
// So an overlap is never invented beyond Together, which is shorter than any
// move of an address takes (another node has to hear something and answer),
// and it hides nothing that lasts: with a question every s to both nodes, two
// nodes that answer for longer than s both answer one question at least, and
// that is seen. What is reported is up to 2 s shorter than the truth at the
// ends, and never longer.
//
// # What a client can hear
//
// A node whose frames the network swallows may answer, and nobody hears it. So
// the figures are taken twice: of everything, and of what arrived at those who
// had asked (see [Recording.Heard]).
package measure
