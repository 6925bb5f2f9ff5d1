// Package model is the balancer of balance/bpf once more, in plain Go: what it
// does with a frame, by the same rules, written for reading. It serves as the
// measure of the programs in the kernel, packet by packet, and tells what would
// become of a packet without sending one.
//
//	b := model.New(model.Config{Ports: [2]uint16{1024, 65535}, MAC: mac, Route: route})
//	b.Apply(plans)
//	r := b.Step(now, frame)
//
// It knows no sizes of tables, so nothing is ever pushed out, and tells any number
// of strangers in a second.
package model
