// Package cli is the command line: one constructor for each command, and no
// state outside what it is given.
//
// Commands that look at a daemon or tell it something do so over its control
// socket (package client); they show documents of package api, as tables for
// people and as they are for programs (-o json). What needs a kernel comes in
// as functions ([Commands]), so the package can be tested whole without one.
//
// Rules of the terminal: data goes to stdout, everything else to stderr. An
// error is one line, `holdfast: cannot VERB OBJECT: cause`, lower case and
// without a period, followed by `hint: ...` where there is something to try.
// Times are local in text and RFC 3339 in JSON. There is colour only on a
// terminal and only where NO_COLOR is not set, and it never carries meaning
// of its own. Text from the network is made harmless before it is shown.
package cli
