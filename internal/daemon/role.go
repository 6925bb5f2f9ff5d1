package daemon

import (
	"os"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/announce"
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
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + ifname + "/forwarding")
	if err == nil && strings.TrimSpace(string(b)) != "0" {
		k.role = announce.Router
	}
	r[ifname] = k
	return k.role
}
