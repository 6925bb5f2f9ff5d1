package bpf

import (
	"testing"
	"unsafe"
)

// What is written here by hand is what the compiler of the kernel's half laid
// out.
func TestLayoutIsTheKernels(t *testing.T) {
	for _, tt := range []struct {
		name        string
		here, there uintptr
	}{
		{"vip", unsafe.Sizeof(vip{}), unsafe.Sizeof(kernelVip{})},
		{"place", unsafe.Sizeof(place{}), unsafe.Sizeof(kernelPlace{})},
		{"settings", unsafe.Sizeof(settings{}), unsafe.Sizeof(kernelService{})},
		{"settings.Select", unsafe.Offsetof(settings{}.Select), unsafe.Offsetof(kernelService{}.Select)},
		{"settings.Family", unsafe.Offsetof(settings{}.Family), unsafe.Offsetof(kernelService{}.Family)},
		{"target", unsafe.Sizeof(target{}), unsafe.Sizeof(kernelTarget{})},
		{"target.Nobody", unsafe.Offsetof(target{}.Nobody), unsafe.Offsetof(kernelTarget{}.Nobody)},
		{"tally", unsafe.Sizeof(tally{}), unsafe.Sizeof(kernelTally{})},
		{"counters", unsafe.Sizeof(counters{}), unsafe.Sizeof(kernelCounters{})},
		{"flowKey", unsafe.Sizeof(flowKey{}), unsafe.Sizeof(kernelKey{})},
		{"flow", unsafe.Sizeof(flow{}), unsafe.Sizeof(kernelFlow{})},
		{"flow.To", unsafe.Offsetof(flow{}.To), unsafe.Offsetof(kernelFlow{}.To)},
		{"told", unsafe.Sizeof(told{}), unsafe.Sizeof(kernelTold{})},
		{"told.Answer", unsafe.Offsetof(told{}.Answer), unsafe.Offsetof(kernelTold{}.Answer)},
		{"settled", unsafe.Sizeof(settled{}), unsafe.Sizeof(kernelSettled{})},
		{"watch", unsafe.Sizeof(watch{}), unsafe.Sizeof(kernelWatch{})},
		{"watch.lost", unsafe.Offsetof(watch{}.lost), unsafe.Offsetof(kernelWatch{}.Lost)},
		{"portRange", unsafe.Sizeof(portRange{}), unsafe.Sizeof(kernelPorts{})},
		{"source", unsafe.Sizeof(source{}), unsafe.Sizeof(kernelSource{})},
		{"tracing", unsafe.Sizeof(tracing{}), unsafe.Sizeof(kernelTracing{})},
		{"tracing.mask", unsafe.Offsetof(tracing{}.mask), unsafe.Offsetof(kernelTracing{}.Mask)},
		{"sighting", unsafe.Sizeof(sighting{}), unsafe.Sizeof(kernelSighting{})},
		{"sighting.Came", unsafe.Offsetof(sighting{}.Came), unsafe.Offsetof(kernelSighting{}.Came)},
		{"sighting.LeftAs", unsafe.Offsetof(sighting{}.LeftAs), unsafe.Offsetof(kernelSighting{}.LeftAs)},
		{"virtualMAC", unsafe.Sizeof(virtualMAC{}), unsafe.Sizeof(kernelMac{})},
	} {
		if tt.here != tt.there {
			t.Errorf("%s is at %d here, and at %d in the kernel", tt.name, tt.here, tt.there)
		}
	}
}
