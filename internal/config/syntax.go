package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The forms of names, paths and endpoints. Each function says what is wrong,
// or nothing.

const nameForm = "use lower-case letters, digits, - and _, at most 63, starting with a letter or digit"

// badName is about names of groups and checks, which appear in file names,
// metrics and commands.
func badName(s string) string {
	for i, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '-' || c == '_') && i > 0:
		default:
			return nameForm
		}
	}
	if s == "" || len(s) > 63 {
		return nameForm
	}
	return ""
}

// badInterface follows what the kernel takes as an interface name (dev_valid_name).
func badInterface(s string) string {
	if s == "" || len(s) > 15 || s == "." || s == ".." || strings.ContainsAny(s, "/: \t\n\r\v\f") || printable(s) != s {
		return "interface names have 1 to 15 characters, without blanks, / and :"
	}
	return ""
}

// badNode is about node names: what a host name may have.
func badNode(s string) string {
	for i, c := range s {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("-_.", c)) {
			return "node names have letters, digits, -, _ and ., and start with a letter or digit"
		}
	}
	if len(s) > 253 {
		return "node names have at most 253 characters"
	}
	return ""
}

// badUnixGroup is about names of unix groups, as useradd takes them.
func badUnixGroup(s string) string {
	if !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$`).MatchString(s) {
		return "this is not the name of a unix group"
	}
	return ""
}

func badPath(s string) string {
	switch {
	case !filepath.IsAbs(s):
		return "it must start with /"
	case strings.ContainsRune(s, 0):
		return "it has a zero byte"
	case len(s) > 4095:
		return "it is longer than 4095 bytes"
	}
	return ""
}

// badSocket is badPath and the bound on unix socket addresses (unix(7)).
func badSocket(s string) string {
	if len(s) > 107 {
		return "the path of a socket has at most 107 bytes"
	}
	return badPath(s)
}

func badListen(s string) string {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "write an address and a port: 127.0.0.1:9110, or :9110 for all addresses"
	}
	if n, err := strconv.Atoi(port); err != nil || !isDigits(port) || n < 1 || n > 65535 {
		return "the port must be a number from 1 to 65535"
	}
	if _, err := netip.ParseAddr(host); host != "" && host != "localhost" && err != nil {
		return "write an IP address before the port, or localhost"
	}
	return ""
}
