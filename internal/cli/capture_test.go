package cli

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/holdfast-net/holdfast/internal/api/apitest"
)

// What is written is read again, with what became of each packet.
func TestCapture_IsRead(t *testing.T) {
	var file bytes.Buffer
	c := newCapture(&file, nil)
	packets := apitest.TracedPackets()
	for i := range packets {
		if err := c.add(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, want := range [][]byte{
		packets[0].Came.Bytes, packets[0].Left.Bytes, packets[1].Came.Bytes, packets[1].Left.Bytes, packets[2].Came.Bytes,
	} {
		data, info, opts, err := r.ReadPacketDataWithOptions()
		if err != nil {
			t.Fatal(i, err)
		}
		of, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(i, err)
		}
		names = append(names, of.Name)
		if !bytes.Equal(data, want) || !info.Timestamp.Equal(packets[i/2].Time) || len(opts.Comments) != 1 {
			t.Errorf("packet %d: %v %v % x", i, info, opts.Comments, data)
		}
		if i == 4 && opts.Comments[0] != "shop: dropped: ended" || i == 0 && opts.Comments[0] != "shop: to 10.0.0.12:443" {
			t.Errorf("packet %d: %q", i, opts.Comments[0])
		}
	}
	if want := []string{"eth0", "eth0 left", "eth0", "eth0 left", "eth0"}; !slices.Equal(names, want) {
		t.Errorf("by %v, want %v", names, want)
	}
}
