// Package lab builds a small LAN on one machine, out of network namespaces:
// real kernels' network stacks, real frames, real processes.
//
// A [LAN] is a switch (a bridge in a namespace of its own) and the hosts
// plugged into it. A [Host] is a namespace with one interface, eth0, whose
// MAC and addresses the caller chooses, and a veth pair is the cable to its
// port on the switch:
//
//	lan, err := lab.New()
//	node, err := lan.Add(lab.HostConfig{Name: "lb1", Addresses: ..., Echo: 7})
//	daemon, err := node.Start(exec.Command("holdfast", "run", "-c", file))
//	...
//	node.Cut(lab.Carrier)   // somebody pulls the cable
//	node.Restore()
//	daemon.Pause()          // the process freezes, the kernel does not
//	node.Kill()             // the machine is gone, at once
//	node.Boot()             // and comes back with nothing it had before
//	lan.Close()
//
// A [Prober] is the client that failover is about: it sends up to 2,000
// numbered datagrams a second to an address, and every host answers with its
// name (the [HostConfig] Echo port), so a [Report] tells not only for how
// long nobody answered, but also who answered when. [LAN.WhoHas] asks what a
// new client would ask, and tells from which hosts the answers came.
//
// Everything is done through netlink. No other program is needed, nothing
// gets a name in the file system, and programs die with the process that made
// the lab: after a crash the kernel itself takes down what is left. Making
// namespaces needs root, or a user namespace in which one is root.
package lab
