// Package address adds, removes and lists the addresses of interfaces.
//
// Every address that holdfast adds carries a mark of its own in the kernel
// (IFA_PROTO, Linux 5.18), which `ip address` shows as "proto 0x70". A run
// that finds marked addresses knows that an earlier run left them behind, even
// where the configuration has changed since. Older kernels ignore the mark;
// there a leftover is found by its value only.
//
// The package makes requests; package rtnl sends them, many at a time.
package address
