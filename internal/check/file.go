package check

import (
	"path"
	"time"
)

// File looks at a file: that it is there, what it says, how old it is. It
// looks again at every interval, so a file may be written, replaced or removed
// at any time; who writes a value writes a new file and renames it.
//
//	file: /run/app/ready                          # it must exist
//	file: {path: /run/maintenance, absent: true}  # it must not
//	file: {path: /run/app/weight, value: true, times: -10}
//	file: {path: /run/app/state, contains: primary, max_age: 30s}
type File struct {
	// Path of a regular file, absolute.
	Path string
	// Absent turns the question round: fit while there is no such file. It
	// goes with none of the others.
	Absent bool
	// Value says that the file holds an integer, as keepalived's track_file
	// does. The integer times Times is the weight that the check gives, which
	// is added to the priority. A product of -254 or less is a failure, and
	// the sum of priority and weight stays within 1 to 254. A file without an
	// integer, or without anything, is a failure. (keepalived takes an empty
	// or missing file for 0; a file that should be there and is not says
	// nothing good here.)
	Value bool
	// Times is what a value is multiplied by: -1000000 to 1000000. Default 1.
	// Negative values turn it round (keepalived's reverse). With 0 there is no
	// weight, and every value but 0 is a failure.
	Times int
	// Contains is text that must be in the file's first 64 KiB. Empty: any.
	Contains string
	// MaxAge is how long ago the file may have been written. Zero: any time.
	MaxAge time.Duration
}

// Bounds of what a file may give.
const (
	maxTimes = 1_000_000
	// LeastWeight and MostWeight bound the weight that a check gives. Less
	// than the least is a failure of the check, more than the most is the
	// most: what keepalived does with a track_file.
	LeastWeight, MostWeight = -253, 253
)

// Word is the kind's key in the file.
func (File) Word() string { return "file" }

// Target is the file.
func (x File) Target() string { return x.Path }

// Problems says what is wrong. Fields: path, absent, value, times, contains,
// max_age.
func (x File) Problems() []Problem {
	var p problems
	p.add(!path.IsAbs(x.Path), "path", "write the path from /", "path %q is not absolute", x.Path)
	p.add(x.Absent && (x.Value || x.Contains != "" || x.MaxAge != 0), "absent", "remove one of them", "a file that must be absent has no value, text or age")
	p.add(x.Value && x.Contains != "", "contains", "use one check for each", "a value and a text are two different files")
	p.add(x.Times != 1 && !x.Value, "times", "add value: true", "times has no effect without a value")
	p.add(x.Times < -maxTimes || x.Times > maxTimes, "times", "", "times %d is not from %d to %d", x.Times, -maxTimes, maxTimes)
	p.add(x.MaxAge < 0, "max_age", "", "max_age %s is negative", x.MaxAge)
	return p
}
