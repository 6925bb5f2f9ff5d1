package vote

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A message byte by byte, as the package documentation has it.
func TestMessage_OnTheWire(t *testing.T) {
	s := newSigner([][]byte{[]byte("key")})
	h := header{kind: kindAsk, voters: 1, session: 2, token: 3, stamp: 4, instance: 5}
	b := appendHeader([]byte("before"), &h, "lb1", "w1")
	b = appendEntry(b, 6, &entry{key: 6, verb: opAsk, rank: 100, holding: true, time: 3 * time.Second, node: 7})
	b = s.sign(b, 6)[6:]
	want := strings.ReplaceAll(strings.Join([]string{
		"48465631 01 01 03 02",
		"0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005",
		"6c6231 7731",
		"0000000000000006 01 64 01 00 002dc6c0 0000000000000007",
	}, ""), " ", "")
	if diff := cmp.Diff(want, hex.EncodeToString(b[:len(b)-tagSize])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, rest, err := parse(b)
	if err != nil || !s.verify(b) {
		t.Fatalf("cannot read it back: %v", err)
	}
	h.from, h.to = []byte("lb1"), []byte("w1")
	if diff := cmp.Diff(h, got, cmp.AllowUnexported(header{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantEntry := entry{key: 6, verb: opAsk, rank: 100, holding: true, time: 3 * time.Second, node: 7}
	if diff := cmp.Diff(wantEntry, parseEntry(rest), cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Not a byte of a message may be missing, more, or another one.
func TestMessage_EveryByteCounts(t *testing.T) {
	s := newSigner(modelKey)
	h := header{kind: kindAsk, session: 2}
	good := s.sign(appendEntry(appendHeader(nil, &h, "lb1", "w1"), 0, &entry{key: 1, verb: opAsk}), 0)
	accepted := func(b []byte) bool {
		_, _, err := parse(b)
		return err == nil && s.verify(b)
	}
	if !accepted(good) {
		t.Fatal("the good one is refused")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x11
		if accepted(bad) || accepted(good[:i]) {
			t.Errorf("byte %d does not count", i)
		}
	}
	if accepted(append(bytes.Clone(good), 0)) {
		t.Error("a byte more is accepted")
	}
}

// The key is changed on one node after the other: both are accepted meanwhile.
func TestSigner_TwoKeys(t *testing.T) {
	old, young, both := newSigner([][]byte{{1}}), newSigner([][]byte{{2}}), newSigner([][]byte{{1}, {2}})
	b := make([]byte, headerSize)
	if !both.verify(old.sign(b, 0)) || !both.verify(young.sign(b, 0)) || !old.verify(both.sign(b, 0)) || young.verify(both.sign(b, 0)) {
		t.Error("the first signs, all are accepted")
	}
}

func TestMessage_FitsUnfragmented(t *testing.T) {
	long := strings.Repeat("n", maxName)
	b := appendHeader(nil, &header{}, long, long)
	for range maxEntries {
		b = appendEntry(b, 0, &entry{})
	}
	if n := len(b) + tagSize; n > MaxSize {
		t.Errorf("%d bytes", n)
	}
}
