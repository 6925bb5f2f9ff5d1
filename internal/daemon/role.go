package daemon

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
	"github.com/holdfast-net/holdfast/internal/linux/sysctl"
)

// roles is what this machine is to the IPv6 neighbours on its interfaces. It
// belongs to the loop, which asks for every address that it announces, often
// thousands at a time: a file is read once a second at most.
type roles map[string]known

type known struct {
	role announce.Role
	at   time.Time
}

func (r roles) of(ifname string) announce.Role {
	now := time.Now()
	if k, ok := r[ifname]; ok && now.Sub(k.at) < time.Second {
		return k.role
	}
	k := known{role: announce.Host, at: now}
	if n, err := sysctl.ReadIPv6(ifname, "forwarding"); err == nil && n != 0 {
		k.role = announce.Router
	}
	r[ifname] = k
	return k.role
}
