// Package vote keeps a group from having two holders when its nodes do not
// hear each other: a node may hold only what a majority has promised to it,
// and every promise ends by itself.
//
// The nodes of a cluster and its witnesses are the voters. A voter promises a
// group to one node at a time, for a term. A candidate (a node that holds or
// wants to) asks all voters, counts the promises it has, and may hold until
// the instant to which a majority of them lasts. Its own vote is a promise
// like any other.
//
// # Why two majorities never meet
//
// No clocks are compared. A candidate reads its clock, then sends; a voter
// receives, then reads its clock:
//
//	candidate   sent ──────────────────── term − margin ──▏ counts it until here
//	voter             received ──────────────────── term ──────▏ keeps it until here
//
// Sending comes before receiving, so the candidate's count ends before the
// voter's promise does, whatever the network and the schedulers of both did
// in between, as long as their clocks run at rates that differ by less than
// the margin (an eighth of the term: far more than crystals differ, and more
// than a time daemon slews). Two majorities share a voter, and the promises of
// one voter never overlap, except where the first candidate has given up its
// own before: a [Release] goes out after the gate was closed, and grants for
// what was asked before it count no more.
//
// A voter that restarts has forgotten what it promised, so it abstains for
// [MaxTerm], the longest that a promise can last.
//
// # What may be believed
//
// Every message is signed with a key that all voters share, and a voter acts
// only on what was sent to it, in this run of both. It gives each asking
// process a token that only it can have computed; an ask without the right one
// is answered with the token and nothing else. So what was recorded from an
// earlier run of either end is worth nothing, and clocks may be set at will.
// Within a run, asks carry a stamp that grows strictly, and a voter remembers
// the last one of every node for every group: what comes late or twice is
// ignored.
//
// # Who wins
//
// A candidate that is refused by a voter whose promise belongs to a holder
// releases what it got and comes back when that promise would run out. So does
// one that meets a better candidate (a higher rank, then the higher name
// hash): of several with a part of the votes each, all but the best let go.
// The best one gives up too where it has had no majority for two terms, and
// stays away longer each time: voters that cannot hear it all must not wait
// for it for ever. A release may name the successor, for which voters reserve
// their promise for a moment.
//
// A candidate stands only once its own voter is free: a node that has promised
// its vote to the holder does not take it back because it stopped hearing
// adverts.
//
// # Using it
//
// An [Agent] is what a node of a cluster needs: its voter, its candidates, and
// the datagrams between them and the others. The owner of the loop calls
// [Agent.Step]
//
//   - with [Heard] for each datagram of UDP port [Port], with the clock read
//     after the datagram was. A time from before, such as that of the loop's
//     round, would end the promise early and break the proof;
//   - with [Tick] once [Agent.Deadline] is reached;
//   - with [Want] when a group would claim: it may, once [Agent.Until] is in
//     the future, and is told so by [Out.Changed]. The wish lasts, also while
//     it holds, until Release;
//   - with [Release] when a group leaves or no longer wants, strictly after its
//     gate was closed;
//
// sends what [Out] has at once, and never lets a hold last beyond
// [Agent.Until]: it asks before each extension. The clock is one that goes on
// while the machine sleeps (CLOCK_BOOTTIME), the gate's own.
//
// A witness is a [Voter] alone, see package witness.
//
// # On the wire
//
// UDP, at most [MaxSize] bytes, integers big-endian.
//
//	 0  4  magic "HFV1"
//	 4  1  kind: 1 ask, 2 answer, 3 token (an answer to an ask without the right one)
//	 5  1  number of entries, 0 in a greeting and in a token
//	 6  1  length of the sender's name, 1..63
//	 7  1  length of the receiver's name, 1..63
//	 8  8  fingerprint of the voters' names (ask), what the ask had (answer)
//	16  8  the asking process, a random number
//	24  8  token: of the voter for that process
//	32  8  stamp of the ask: the candidate's clock in ns, made to grow strictly
//	40  8  the voter's process, a random number (answer, token), 0 (ask)
//	48 ..  sender's name, receiver's name
//	.. 24n entries
//	.. 32  HMAC-SHA256 of all before it
//
// An entry:
//
//	 0  8  key of the group
//	 8  1  ask: 1 ask, 2 release; answer: 1 granted, 2 promised, 3 reserved,
//	       4 abstains, 5 released, 6 bad term
//	 9  1  rank: of the asker, or of whom it is promised to
//	10  1  1: the asker, or whom it is promised to, holds
//	11  1  zero
//	12  4  microseconds: term (ask, granted), what is left of the promise (others)
//	16  8  name hash: of the successor (release), of whom it is promised to
package vote
