package group

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Claims that are forged with a new MAC address each time are one conflict, not
// a thousand pieces of news.
func TestConflict_OfManyMACs(t *testing.T) {
	b := holder(t, single())
	told, announced := 0, 0
	for i := range 300 { // ten a second
		acts := b.feed(Sighted(0, addr(vrrp.IPv4, 151), fmt.Sprintf("02:00:00:00:00:%02x", i%256), "00:00:5e:00:01:33"))
		for _, a := range append(acts, b.pass(100*time.Millisecond)...) {
			switch {
			case a.Kind == ActionRecord && a.Record.Code == "HF2030":
				told++
			case a.Kind == ActionAnnounce:
				announced++
			}
		}
	}
	if told < 2 || told > 7 {
		t.Errorf("told of %d times in half a minute", told)
	}
	if announced < 30 {
		t.Errorf("announced %d times in half a minute", announced)
	}
}
