package pools

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

// roomy is a plane that is as full as it is told.
type roomy struct {
	*plane
	used uint64
}

func (r *roomy) Room() (balance.Room, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return balance.Room{Hook: "tcx", Tables: []balance.Table{
		{Name: "flows", Used: r.used, Size: 100}, {Name: "half-open", Used: 100, Size: 100, Gives: true},
	}}, nil
}

func TestPools_TellOfFullTables(t *testing.T) {
	inBubble(t, func(x *bench) {
		full := &roomy{plane: &x.kernel}
		x.opt.Kernel = nil
		x.Pools.kernel.open = func() (balance.Plane, error) { return full, nil }
		x.apply(newService("web", balance.NAT))
		x.checked("web/a", check.Up)
		told := func(used uint64) string {
			full.mu.Lock()
			full.used = used
			full.mu.Unlock()
			before := len(x.records)
			time.Sleep(3 * count)
			synctest.Wait()
			var out []string
			for _, r := range x.records[before:] {
				if r.Code == CodeFull {
					out = append(out, r.Reason)
				}
			}
			return strings.Join(out, "; ")
		}
		if got := told(89); got != "" {
			t.Errorf("at 89 %%: %q", got)
		}
		if got := told(90); got != "the table of flows (kernel): 90 of 100 are in use: when all are, new flows are refused" {
			t.Errorf("at 90 %%: %q", got)
		}
		if got := told(81) + told(95); got != "" {
			t.Errorf("it was told: %q", got)
		}
		if got := told(79); got != "the table of flows (kernel): there is room again, 79 of 100 are in use" {
			t.Errorf("at 79 %%: %q", got)
		}
		l := x.Latest()
		if len(l.Services) != 1 || l.Services[0].Service.Name != "web" || len(l.Planes) != 1 || l.Planes[0].Tables[0].Used != 79 {
			t.Errorf("latest: %+v", l)
		}
	})
}
