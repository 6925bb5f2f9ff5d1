// Package journal keeps what happened on this node and why: every transition,
// command and disagreement, each with its reason, in memory and on disk.
//
// Two properties shape it. The engine must never wait for a disk, so Append
// only puts the entry into a ring in memory. And an operator must be able to
// read, after a crash, why the address moved, so one goroutine follows the
// ring and writes it to files as JSON lines.
//
// The ring is the queue between the two. A disk that is slow costs nothing; a
// disk that is wedged or full for longer than the ring lasts costs the oldest
// unwritten entries, and their number becomes an entry of its own. Err says
// what is wrong with the disk right now.
//
// On disk, journal.jsonl is the newest file and journal.1.jsonl the one before
// it; a file that is full is renamed and the oldest is removed, so the journal
// never outgrows Files × FileBytes. A line that a crash tore apart is skipped
// when reading, and the next entry starts on a fresh line. Identifiers rise by
// one and go on after a restart from the highest one found on disk.
//
//	j, err := journal.Open("/var/lib/holdfast", journal.Options{})
//	if err != nil {
//		j = journal.Memory() // and tell the operator
//	}
//	defer j.Close()
//	j.Append(api.Event{Kind: "transition", Group: "web", From: "backup", To: "active", Reason: "no advert within 3.4s"})
package journal
