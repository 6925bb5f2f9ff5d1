package balance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExcept_NamesWhatAnErrorLeavesOut(t *testing.T) {
	odd := errors.New("odd")
	web, eth1 := &NotServed{"web", odd}, &NotOn{"eth1", odd}
	for _, c := range []struct {
		err                  error
		services, interfaces []string
		all                  bool
	}{
		{err: nil},
		{err: odd, all: true},
		{err: errors.Join(nil, errors.Join(web), eth1), services: []string{"web"}, interfaces: []string{"eth1"}},
		{err: errors.Join(web, odd), services: []string{"web"}, all: true},
		{err: fmt.Errorf("cannot do it: %w", web), all: true},
	} {
		services, interfaces, all := Except(c.err)
		if !cmp.Equal(services, c.services) || !cmp.Equal(interfaces, c.interfaces) || all != c.all {
			t.Errorf("%v leaves out %v, %v, %v", c.err, services, interfaces, all)
		}
	}
}
