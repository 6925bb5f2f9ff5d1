// Package program runs other people's programs: hooks, checks, whatever a
// file names. There is one way to do it, so that all of them get the same and
// none of them gets away.
//
//   - [Start] runs argv without a shell, in "/", with no more standard input
//     than it is given, in a process group of its own. [Process.Kill] ends that whole group: SIGTERM,
//     and after a grace SIGKILL. What left the group but carries the run's
//     mark in its environment goes with it. When the daemon dies the program
//     gets SIGKILL.
//   - Output is never more than the reader's bounds, and never holds the
//     program up.
//   - [Environment] is the daemon's own without what is between the daemon and
//     systemd.
//   - An [Account] is who a program runs as. Another one than the daemon's
//     gets none of the daemon's capabilities.
//   - [Runnable] says whether an account could run a program and, if not,
//     which permission on which part of its path is missing. It is asked when
//     a file is checked, and again when a start fails.
//
// Example:
//
//	p := program.Start(program.Command{Argv: []string{"/bin/true"}, Env: program.Environment(os.Environ())})
//	select {
//	case <-p.Done:
//	case <-ctx.Done():
//		p.Kill()
//		<-p.Done
//	}
//	fmt.Println(p.Outcome().Failure())
package program
