package sysctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// root is where the kernel keeps settings as files.
const root = "/proc/sys/net"

// All are the settings of "all" that count for every interface.
type All struct {
	ARPIgnore, ARPAnnounce, ARPFilter uint32
}

// ReadAll reads them. What cannot be read is zero, the kernel's default.
func ReadAll() All {
	get := func(name string) uint32 {
		n, err := read(filepath.Join(root, "ipv4/conf/all", name))
		if err != nil || n < 0 {
			return 0
		}
		return uint32(n)
	}
	return All{ARPIgnore: get("arp_ignore"), ARPAnnounce: get("arp_announce"), ARPFilter: get("arp_filter")}
}

// WriteIPv6 writes one setting below net.ipv6.conf.IFACE.
func WriteIPv6(ifname, name string, value int) error {
	path := filepath.Join(root, "ipv6/conf", ifname, name)
	if old, err := read(path); err == nil && old == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(value)), 0o644); err != nil {
		return fmt.Errorf("cannot set net.ipv6.conf.%s.%s: %w", ifname, name, err)
	}
	return nil
}

// ReadIPv6 reads one setting below net.ipv6.conf.IFACE.
func ReadIPv6(ifname, name string) (int, error) {
	n, err := read(filepath.Join(root, "ipv6/conf", ifname, name))
	if err != nil {
		return 0, fmt.Errorf("cannot read net.ipv6.conf.%s.%s: %w", ifname, name, err)
	}
	return n, nil
}

func read(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
