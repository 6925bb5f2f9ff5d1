// Package local looks at this machine for package check: programs, files,
// processes, links, routes and addresses; and at what this node knows of its
// neighbours: BFD sessions, other nodes, an agent beside a service.
//
//	p, err := local.New(check.File{Path: "/run/app/ready", Times: 1}, env)
//	seen := p.Try(ctx)
//
// What only the kernel's tables know comes through [Kernel], which
// internal/linux/look implements; what only the daemon knows comes as
// functions of [Env]. A kind whose part of Env is missing fails, and says so.
//
// # What may hang
//
// A program is given up at the end of ctx: its whole process group is ended,
// and the next look does not begin before it is gone. A file on a server that
// does not answer cannot be given up: the runner counts such a look as hanging
// and starts no second one beside it.
package local
