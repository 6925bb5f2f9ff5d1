package macvlan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-net/holdfast/vrrp"
)

// aliasPrefix begins the alias of every macvlan of ours.
const aliasPrefix = "holdfast group "

// maxName is the longest name of an interface (IFNAMSIZ less the final zero).
const maxName = 15

// Name is the name of the macvlan of a virtual router on the interface with
// the index parent.
func Name(f vrrp.Family, parent int, vrid uint8) string {
	name := fmt.Sprintf("hf%d-%d-%d", f, parent, vrid)
	if len(name) > maxName { // an index of eight digits or more
		name = fmt.Sprintf("hf%d-%s-%d", f, strconv.FormatInt(int64(parent), 36), vrid)
	}
	return name
}

// ParseName takes a name made by Name apart.
func ParseName(name string) (f vrrp.Family, vrid uint8, ok bool) {
	switch {
	case strings.HasPrefix(name, "hf4-"):
		f = vrrp.IPv4
	case strings.HasPrefix(name, "hf6-"):
		f = vrrp.IPv6
	default:
		return 0, 0, false
	}
	n, err := strconv.ParseUint(name[strings.LastIndexByte(name, '-')+1:], 10, 8)
	return f, uint8(n), err == nil
}

// MAC is the virtual router MAC address of RFC 9568 §7.3.
func MAC(f vrrp.Family, vrid uint8) [6]byte {
	mac := [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, vrid}
	if f == vrrp.IPv6 {
		mac[4] = 0x02
	}
	return mac
}
