// Package route puts what a group's steps want into the kernel, and takes it out
// again: addresses, routes, rules, settings (config.Step).
//
// Everything carries a mark: routes and rules the protocol number 112, which
// `ip route` and `ip rule` show as "proto 112", addresses the IFA_PROTO 113. What
// has another mark is somebody else's: it is not taken over, and not removed.
// A setting has no mark; its step says what it is put back to.
//
// Both directions may be repeated: what is there already is there, and what is
// gone is gone.
package route
