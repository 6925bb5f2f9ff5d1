package balance

import "time"

// Header is what is written to a backend before the client's first byte: the
// PROXY protocol (haproxy.org, proxy-protocol.txt §2).
type Header uint8

const (
	NoHeader Header = iota
	HeaderV1
	HeaderV2
)

// Proxying is what a service with Forward: Proxy wants besides.
type Proxying struct {
	Connect time.Duration // after how long another backend is tried
	Retries uint8         // how many others are tried
	Header  Header
	// Queue is how long a connection waits where every backend has as many as
	// it may have (MaxFlows); 0 refuses it at once. MaxQueue bounds how many
	// wait on this node; 0 is any number.
	Queue    time.Duration
	MaxQueue uint32
}
