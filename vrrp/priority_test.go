package vrrp

import (
	"testing"
	"time"
)

// A changed priority is said at once: the sooner peers know, the sooner the
// right node holds the addresses.
func TestPriority_ActiveSaysItAtOnce(t *testing.T) {
	n := active(t, ipv4())
	n.wait(time.Second / 2)
	n.do(SetPriority(50), "send priority 50")
	n.due(time.Second)
	n.do(SetPriority(50)) // no news
	n.hear(lower, 60, "active -> backup: another active node has a higher priority (192.0.2.9 priority 60)")
}

// A backup's timer gets the length it would have had with the new priority.
func TestPriority_BackupRecomputesItsSkew(t *testing.T) {
	n := backup(t, ipv4())
	n.hear(higher, 200)
	n.wait(time.Second)
	n.do(SetPriority(228))
	n.due(2*time.Second + 28*time.Second/256)

	n.hear(higher, 0)
	n.due(28 * time.Second / 256)
	n.do(SetPriority(128))
	n.due(time.Second / 2)
}

// 255 is the owner's and 0 says that one leaves; neither can be set.
//
//conformance:9568-5.2.4-backup positive
//conformance:9568-5.2.4-backup negative
//conformance:9568-5.2.4-owner negative
//conformance:3768-5.3.4-backup positive
//conformance:3768-5.3.4-backup negative
//conformance:3768-5.3.4-owner negative
func TestPriority_StaysWithinItsRole(t *testing.T) {
	for _, cfg := range []Config{ipv4(), version2()} {
		n := active(t, cfg)
		n.do(SetPriority(255), "send priority 254")
		n.do(SetPriority(0), "send priority 1")
		n.do(SetPriority(1))
	}
}

// The owner may be demoted, by a failed check say, and restored.
//
//conformance:9568-5.2.4-owner positive
//conformance:3768-5.3.4-owner positive
func TestPriority_OfTheOwner(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(255)), version2(priority(255))} {
		n := active(t, cfg)
		n.wait(time.Second, "send priority 255")
		n.do(SetPriority(10), "send priority 10")
		n.do(SetPriority(255), "send priority 255")
	}
}

// Two nodes that are both configured as owner resolve by address, and say what
// is wrong (erratum 8298).
//
//conformance:9568-7.1-owner positive
//conformance:9568-8.3.2-log-owners positive
func TestTwoOwners_Resolve(t *testing.T) {
	const alsoOwner = " priority 255)"
	low, high := active(t, ipv4(priority(255))), active(t, ipv4(priority(255), source(higher)))
	high.hear(self, 255,
		"report: peer is owner too (192.0.2.10"+alsoOwner,
		"send priority 255",
		"report: peer was active too and lost (192.0.2.10"+alsoOwner)
	low.hear(higher, 255,
		"report: peer is owner too (192.0.2.20"+alsoOwner,
		"active -> backup: an active node of equal priority has a higher address (192.0.2.20"+alsoOwner)
	high.in(Active)
	low.in(Backup)

	// The loser waits like any backup.
	low.wait(time.Second)
	low.hear(higher, 255)
	low.due(3*time.Second + time.Second/256)
	low.wait(3*time.Second+time.Second/256,
		"backup -> active: no active node was heard (192.0.2.20"+alsoOwner, "send priority 255")
}

// One owner is as it should be.
//
//conformance:9568-7.1-owner negative
//conformance:9568-8.3.2-log-owners negative
func TestTwoOwners_OneIsNoNews(t *testing.T) {
	n := backup(t, ipv4())
	n.hear(higher, 255)
	n = active(t, ipv4(priority(255)))
	n.hear(higher, 254,
		"send priority 255",
		"report: peer was active too and lost (192.0.2.20 priority 254)")
}

// Equal priorities work, but hang on addresses: worth a word.
//
//conformance:9568-8.3.2-log-equal positive
//conformance:9568-8.3.2-log-equal negative
func TestEqualPriorities_AreReported(t *testing.T) {
	n := backup(t, ipv4())
	n.hear(higher, 101)
	n.hear(higher, 100, "report: peer has the same priority (192.0.2.20 priority 100)")
	n.hear(higher, 100)
}
