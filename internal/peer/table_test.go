package peer

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

const (
	stateBackup = 1
	stateActive = 2
)

var now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func node(name string, last byte, state, priority uint8) Node {
	return Node{Name: name, Addr: netip.AddrFrom4([4]byte{192, 0, 2, last}), State: state, Priority: priority, Sent: now, Heard: now}
}

// A node is there for three and a half hellos after its last one.
func TestTable_Ages(t *testing.T) {
	var table Table
	table.Note(node("b", 2, stateBackup, 100))
	for _, c := range []struct {
		after time.Duration
		there bool
	}{{0, true}, {Expiry, true}, {Expiry + 1, false}} {
		if _, ok := table.Named("b", now.Add(c.after)); ok != c.there {
			t.Errorf("after %s it is there: %t", c.after, ok)
		}
		if _, ok := table.Successor(stateBackup, now.Add(c.after)); ok != c.there {
			t.Errorf("after %s it can take over: %t", c.after, ok)
		}
	}
	if len(table.Nodes()) != 1 {
		t.Error("a node that is gone is not listed")
	}
	if _, ok := table.Named("c", now); ok {
		t.Error("a node never heard is there")
	}
}

// News older than what is known is a late or repeated packet, unless the node
// was gone: its clock may have been put back meanwhile.
func TestTable_RefusesOldNews(t *testing.T) {
	var table Table
	note := func(sent, heard time.Duration) bool {
		n := node("b", 2, stateBackup, 100)
		n.Sent, n.Heard = now.Add(sent), now.Add(heard)
		return table.Note(n)
	}
	for i, c := range []struct {
		sent, heard time.Duration
		want        bool
	}{
		{0, 0, true},
		{0, time.Second, false},
		{-1, time.Second, false},
		{1, time.Second, true},
		{-time.Hour, 2 * time.Second, false},
		{-time.Hour, time.Second + Expiry + 1, true},
	} {
		if got := note(c.sent, c.heard); got != c.want {
			t.Errorf("case %d: noted: %t", i, got)
		}
	}
}

// A node is known as a holdfast node by the address that it speaks from, for
// longer than it is taken to be there: what a frozen one sent last may be heard
// late, and it is treated as one of ours when it comes back.
func TestTable_Kin(t *testing.T) {
	var table Table
	a := node("b", 2, stateBackup, 100).Addr
	if table.Kin(a, now) {
		t.Error("a node never heard is kin")
	}
	table.Note(node("b", 2, stateBackup, 100))
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {Expiry + 1, true}, {kinship, true}, {kinship + 1, false}} {
		if got := table.Kin(a, now.Add(c.after)); got != c.want {
			t.Errorf("after %s it is kin: %t", c.after, got)
		}
	}
	if table.Kin(node("c", 3, stateBackup, 100).Addr, now) {
		t.Error("another node is kin")
	}
	// It has moved to another address: what speaks from the old one is not it.
	moved := node("b", 4, stateBackup, 100)
	moved.Sent = moved.Sent.Add(1)
	table.Note(moved)
	if table.Kin(a, now) || !table.Kin(moved.Addr, now) {
		t.Error("it is known by its old address")
	}
}

// RFC 9568 §6.4.3: the highest priority, then the highest address as a number.
func TestTable_Successor(t *testing.T) {
	var table Table
	for _, n := range []Node{
		node("holder", 9, stateActive, 200), node("c", 3, stateBackup, 100), node("d", 20, stateBackup, 100), node("b", 9, stateBackup, 100), node("e", 50, stateBackup, 90),
	} {
		table.Note(n)
	}
	if n, ok := table.Successor(stateBackup, now); !ok || n.Name != "d" {
		t.Errorf("got %s", n.Name)
	}
	if n, ok := table.Successor(stateActive, now); !ok || n.Name != "holder" {
		t.Errorf("got %s", n.Name)
	}
	if n, ok := table.Successor(3, now); ok {
		t.Errorf("got %s", n.Name)
	}
}

func TestTable_Nodes(t *testing.T) {
	var table Table
	for _, name := range []string{"c", "a", "b"} {
		table.Note(node(name, name[0], stateBackup, 100))
	}
	got := ""
	for _, n := range table.Nodes() {
		got += n.Name
	}
	if got != "abc" {
		t.Errorf("got %s", got)
	}
	if name, ok := table.ByAddr(netip.AddrFrom4([4]byte{192, 0, 2, 'b'})); !ok || name != "b" {
		t.Errorf("got %s", name)
	}
	if name, ok := table.ByAddr(netip.AddrFrom4([4]byte{192, 0, 2, 1})); ok {
		t.Errorf("got %s", name)
	}
}

// Invented names push out the one not heard for longest, and take no more than
// a bounded memory.
func TestTable_IsBounded(t *testing.T) {
	var table Table
	for i := range 1000 {
		n := node(fmt.Sprintf("n%d", i), 1, stateBackup, 100)
		n.Heard = now.Add(time.Duration(i) * time.Millisecond)
		n.Sent = n.Heard
		if i == 50 || i > 50 && i%300 == 0 { // said seldom, amid names that are invented
			n.Name = "steady"
		}
		table.Note(n)
	}
	if got := len(table.Nodes()); got != maxNodes {
		t.Errorf("%d nodes are remembered", got)
	}
	if _, ok := table.Named("steady", now.Add(time.Second)); !ok {
		t.Error("a node that speaks was pushed out")
	}
}
