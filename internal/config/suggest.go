package config

import "strings"

// nearest is the candidate that was probably meant by a misspelt word, or
// nothing if none is near.
func nearest(word string, candidates []string) string {
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	best, bestDist := "", 1+len(word)/3
	for _, c := range candidates {
		low := strings.ToLower(strings.ReplaceAll(c, "-", "_"))
		d := bestDist + 1
		if low == word {
			d = 0
		} else if len(low) >= 3 && len(word) >= 3 && (strings.HasPrefix(low, word) || strings.HasPrefix(word, low)) {
			d = 1
		} else if max(len(low)-len(word), len(word)-len(low)) <= bestDist {
			d = distance(word, low)
		}
		if d >= len(word) {
			continue
		}
		if d < bestDist || d == bestDist && best == "" {
			best, bestDist = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur := make([]int, len(b)+1)
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev = prev, cur
	}
	return prev[len(b)]
}

// familiar translates words that users bring along from other programs.
func familiar(name string) string {
	switch strings.ToLower(name) {
	case "state", "initial_state":
		return "there is no initial state: the node with the highest priority becomes active"
	case "virtual_router_id", "vrid", "vhid", "router_id":
		return "write it as vrrp: {id: N}"
	case "advert_int", "advert_interval", "advertisement_interval":
		return "write it as vrrp: {interval: 1s}"
	case "nopreempt", "no_preempt":
		return "write it as vrrp: {preempt: false}"
	case "virtual_ipaddress", "virtual_ipaddresses", "vip", "vips", "virtual_ip", "address":
		return "write it as addresses: [192.0.2.10/24] in a group"
	case "unicast_peer", "unicast_peers":
		return "write it as vrrp: {peers: [192.0.2.2]}"
	case "unicast_src_ip", "mcast_src_ip":
		return "the source is the interface's primary address"
	case "authentication", "auth_type", "auth_pass":
		return "write it as vrrp: {version: 2, auth: {pass: {file: PATH}}}"
	case "auth_hmac":
		return "write it as vrrp: {auth: {hmac: {keys: {1: {file: PATH}}}}}"
	case "use_vmac":
		return "write it as vrrp: {mac: virtual}"
	case "track_interface", "track_interfaces":
		return "write it as checks: {uplink: {link: eth1}} at the top level and checks: [uplink] in the group"
	case "track_script", "vrrp_script":
		return "write it as checks: {NAME: {exec: [PROGRAM]}} at the top level and checks: [NAME] in the group"
	case "notify", "notify_master", "notify_backup", "notify_fault":
		return "write it as run: {active: [PROGRAM], backup: [PROGRAM], fault: [PROGRAM]}"
	case "vrrp_sync_group", "sync_group":
		return "write it as with: [GROUP] in a group"
	case "garp_master_repeat":
		return "write it as announce: {repeat: 5}"
	case "garp_master_refresh":
		return "write it as announce: {refresh: 60s}"
	case "no_accept":
		return "write it as vrrp: {accept: false}"
	}
	return ""
}
