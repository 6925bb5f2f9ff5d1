// Package config reads the file that users write and gives the rest of the
// program clean values.
//
// A file goes through four steps, each in files of its own:
//
//	yaml.go            bytes to a tree of nodes that know their place
//	schema.go, read*   the tree to raw values: keys, types, ranges, defaults
//	check*.go          what only the whole file can tell
//	clean.go           the result: a [Config] of netip and time values
//
// Nothing stops at the first problem. Each step adds to [Diagnostics], and a
// [Config] comes out only when none of them is an error. A diagnostic carries
// a stable rule id (HF1107), the place, what is allowed and a hint; see
// docs/configuration.md for the list of keys, which is generated from
// schema.go, and rules.go for the list of rules.
//
// What depends on the machine (interfaces, subnets, secret files, programs)
// comes in as [Facts]. What Facts leaves out is not checked, so a file can be
// checked on another machine than the one it is for.
package config
