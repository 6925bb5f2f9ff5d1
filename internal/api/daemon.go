package api

import "context"

// Daemon is what the control interface needs of the engine. Status and Events
// read snapshots; the commands wait for their outcome or for ctx.
type Daemon interface {
	Status() *Status
	// Events lists journal entries with an ID above after (0: from the
	// oldest kept), at most limit (0: all), and a channel that is closed
	// when there are newer ones.
	Events(after uint64, limit int) ([]Event, <-chan struct{})
	Handover(ctx context.Context, group string, h Handover) (Result, error)
	Maintenance(ctx context.Context, m Maintenance) (Result, error)
	// Fence cuts a node off, or takes a person's word that it is.
	Fence(ctx context.Context, f Fence) (Result, error)
	Fencing(ctx context.Context) (Fencing, error)
	// Backends tells how services and what stands behind them are; OrderBackend
	// changes what is wanted of one.
	Backends(ctx context.Context) (Backends, error)
	OrderBackend(ctx context.Context, o BackendOrder) (Result, error)
	// ExplainFlow says which backend the flow from a client's address and port
	// to a service has or gets.
	ExplainFlow(ctx context.Context, from, to string) (FlowExplanation, error)
	// Trace calls see with each packet of services that is asked for, until ctx
	// is over or see returns false.
	Trace(ctx context.Context, q TraceQuery, see func(*TracedPacket) bool) error
	// Plan compares the file on disk with the one in force; Reload also
	// applies it. A file with errors changes nothing and is described in
	// Diagnostics.
	Plan(ctx context.Context) (Plan, error)
	Reload(ctx context.Context) (Plan, error)
	// Upgrade starts the program anew from its file and lets the new process
	// go on with everything; where it cannot, nothing changes.
	Upgrade(ctx context.Context) (Result, error)
}
