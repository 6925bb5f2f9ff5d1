package guardian

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

func nowhere(string) engine.Port { return 0 }

func TestVoices_AreWhatWasToldLast(t *testing.T) {
	var vs Voices
	for _, r := range []Record{sample(3), sample(1), sample(2), Silence{ID: 2}, Silence{ID: 9}, sample(1)} {
		vs.Take(r)
	}
	if vs.Len() != 2 || vs.Routers() != 1 {
		t.Errorf("%d voices of %d routers", vs.Len(), vs.Routers())
	}
	out, failed := vs.Retract(time.Now(), func(ifname string) engine.Port { return engine.Port(len(ifname)) })
	if len(out) != 2 || failed != 0 {
		t.Fatalf("%d packets, %d failed", len(out), failed)
	}
	for _, o := range out {
		v := sample(0)
		if o.Port != 4 || o.Kind != engine.Advert || o.SrcMAC != v.SrcMAC || o.Src != v.Sent.Src || o.Dst != v.Sent.Dst || o.Data[priorityAt] != 0 {
			t.Errorf("%+v", o)
		}
	}
}

func TestVoices_OneThatCannotBeTakenBackCostsOnlyItself(t *testing.T) {
	var vs Voices
	bad := sample(1)
	bad.Sent.Message = make([]byte, 8)
	vs.Take(bad)
	vs.Take(sample(2))
	if out, failed := vs.Retract(time.Now(), nowhere); len(out) != 1 || failed != 1 {
		t.Errorf("%d packets, %d failed", len(out), failed)
	}
}
