package config

import (
	"github.com/holdfast-net/holdfast/internal/balance"
)

// Service is one service, and whose addresses it listens on. All of them move
// together.
type Service struct {
	*balance.Service
	Groups []string // sorted
	// Why is the reason for its way to backends where the file leaves that open
	// (forward: auto).
	Why     string
	written []setting
}

// The words of the file and the values they stand for, in the order of the
// reference.

var schedulerWords = []string{
	"round-robin", "weighted-round-robin", "least-connections", "weighted-least-connections",
	"two-choices", "source-hash", "maglev",
}

var schedulers = map[string]balance.Scheduler{
	"round-robin": balance.RoundRobin, "weighted-round-robin": balance.RoundRobin,
	"least-connections": balance.LeastConnections, "weighted-least-connections": balance.LeastConnections,
	"two-choices": balance.TwoChoices, "source-hash": balance.SourceHash, "maglev": balance.Maglev,
}

// autoForward is chosen by what the service and the machine are like.
const autoForward = "auto"

var forwardWords = []string{autoForward, "nat", "full-nat", "dsr", "tunnel", "proxy"}

var forwards = map[string]balance.Forward{
	"nat": balance.NAT, "full-nat": balance.FullNAT, "dsr": balance.DSR, "tunnel": balance.Tunnel, "proxy": balance.Proxy,
}

var policyWords = []string{"keep", "rehash", "reset"}

var policies = map[string]balance.Policy{"keep": balance.Keep, "rehash": balance.Rehash, "reset": balance.Reset}

var encapsulations = map[string]balance.Encapsulation{"ipip": balance.IPIP, "gue": balance.GUE}

var proxyHeaders = map[string]balance.Header{"none": balance.NoHeader, "v1": balance.HeaderV1, "v2": balance.HeaderV2}
