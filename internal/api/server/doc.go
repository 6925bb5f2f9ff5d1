// Package server is the control interface of a running daemon: JSON over HTTP
// on a unix socket, and optionally a reading half of it on TCP.
//
// The server reads immutable snapshots of an [api.Daemon] and hands it
// commands; it never touches the engine's state, and nothing that a client
// does or fails to do can make the engine wait.
//
// Who may do what is decided by the kernel's word about the other end
// (SO_PEERCRED), not by anything a client says: root and the daemon's own user
// read and write, members of the socket's group read. The TCP listener reads
// only.
//
//	l, err := server.Listen("/run/holdfast/holdfast.sock", server.Access{Group: "holdfast"})
//	if err != nil {
//		return err
//	}
//	s := server.New(server.Options{Daemon: d, Version: v, Log: log})
//	return s.ServeControl(ctx, l)
package server
