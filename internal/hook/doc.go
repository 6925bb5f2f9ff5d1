// Package hook runs the programs that a group's `run:` names when the group's
// state changes.
//
// What a program can rely on:
//
//   - Programs of one group never run at the same time, and they start in the
//     order of the states they are for. Programs of different groups do not
//     wait for each other, up to a bound on all of them.
//   - A program is never started for a state that is no longer the group's.
//     When the group moves on while a program still runs, that one is left to
//     finish, and then only the newest state's program starts; what was
//     skipped is in the journal.
//   - It gets its argv as configured, no shell, "/" as working directory, no
//     standard input, and the environment of the daemon plus HOLDFAST_*
//     (environment.go). It does not get the daemon's line to systemd. How it
//     is run and ended is package program's.
//   - It runs in a process group of its own. When its time is up the whole
//     group gets SIGTERM, and two seconds later SIGKILL, as does what it
//     started in sessions of their own; when the daemon dies,
//     the program gets SIGKILL. What it leaves in the background on purpose
//     is not touched once it has exited by itself.
//   - Its exit status, and on failure the end of its output, go to the
//     journal.
//
// The engine only calls Submit, which never blocks.
//
//	r := hook.New(hook.Options{Record: journal.Append})
//	defer r.Close()
//	r.Submit(hook.Event{Group: "web", State: "active", From: "backup", Run: cfg.Run.Active, ...})
package hook
