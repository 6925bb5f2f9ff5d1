package vrrp

import "testing"

// A packet with every fault is named by the first check that it fails, in the
// RFC's order; mended one by one, it passes in the end.
//
//conformance:9568-7.1-order positive
func TestReceive_ChecksInOrder(t *testing.T) {
	good := []byte{0x31, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100}
	p := &Packet{Src: higher, Dst: Group4, TTL: 254, Payload: []byte{0x42, 52, 200, 99, 0, 0, 1, 1}}
	n := backup(t, ipv4())
	mend := func(from, to int) { copy(p.Payload[from:to], good[from:to]) }
	for i, step := range []struct {
		want Drop
		mend func()
	}{
		{DropTTL, func() { p.TTL = 255 }},
		{DropVersion, func() { p.Payload[0] = 0x32 }},
		{DropType, func() { mend(0, 1) }},
		{DropTruncated, func() { p.Payload[3] = 0 }},
		{DropChecksum, func() { sum(p) }},
		{DropVRID, func() { mend(1, 2); sum(p) }},
		{DropZeroCount, func() { p.Payload = append(p.Payload, good[8:]...); mend(3, 4); sum(p) }},
		{DropZeroInterval, func() { mend(4, 6); sum(p) }},
	} {
		n.Step(n.now, Received(p), nil)
		if got := n.Counters().Dropped[step.want]; got != 1 {
			t.Fatalf("fault %d: not dropped for %s: %v", i, step.want, n.Counters().Dropped)
		}
		step.mend()
	}
	n.do(Received(p))
	if got := n.Counters().Received; got != 1 {
		t.Errorf("the mended packet was not accepted: %+v", n.Counters())
	}
}

// The same for version 2, with a password and an insistence on the list.
//
//conformance:3768-7.1-order positive
func TestReceive_ChecksInOrderInVersion2(t *testing.T) {
	n := backup(t, version2(pass("secret"), func(c *Config) { c.StrictList = true }))
	good := n.AppendAdvert(nil, n.now, Group4, 200)
	p := &Packet{Src: higher, Dst: Group4, TTL: 254, Payload: []byte{0x32, 52, 200, 99, 2, 0, 1, 1}}
	mend := func(from, to int) { copy(p.Payload[from:to], good[from:to]) }
	for i, step := range []struct {
		want Drop
		mend func()
	}{
		{DropTTL, func() { p.TTL = 255 }},
		{DropVersion, func() { p.Payload[0] = 0x22 }},
		{DropType, func() { mend(0, 1) }},
		{DropTruncated, func() { p.Payload[3] = 0; p.Payload = append(p.Payload, "Secret\x00\x00"...) }},
		{DropChecksum, func() { sum(p) }},
		{DropVRID, func() { mend(1, 2); sum(p) }},
		{DropZeroCount, func() {
			mend(3, 4)
			p.Payload = append(p.Payload[:8], "\x0a\x00\x00\x01Secret\x00\x00"...)
			sum(p)
		}},
		{DropZeroInterval, func() { p.Payload[5] = 7; sum(p) }},
		{DropAuthType, func() { mend(4, 5); sum(p) }},
		{DropAuthFailed, func() { mend(12, 20); sum(p) }},
		{DropInterval, func() { mend(5, 6); sum(p) }},
		{DropAddressList, func() { mend(8, 12); sum(p) }},
	} {
		n.Step(n.now, Received(p), nil)
		if got := n.Counters().Dropped[step.want]; got != 1 {
			t.Fatalf("fault %d: not dropped for %s: %v", i, step.want, n.Counters().Dropped)
		}
		step.mend()
	}
	n.do(Received(p))
	if got := n.Counters().Received; got != 1 {
		t.Errorf("the mended packet was not accepted: %+v", n.Counters())
	}
}
