// Package steps carries out what package order decides: it runs a group's steps,
// kills them, and keeps the book of what was begun on disk.
//
// A step is one of these (config.Step):
//
//   - exec: a program, and another one that undoes it; wait: a program that is
//     run until it exits with 0; notify: a program with keepalived's arguments;
//   - unit: a unit of systemd, started and stopped over D-Bus, waited for until
//     its job has ended;
//   - ocf: a resource agent as Pacemaker runs it, started and stopped, or
//     promoted and demoted, and asked with its monitor whether it is;
//   - address, route, rule, sysctl: what the kernel holds, through [Kernel].
//
// Steps of different groups do not wait for each other. Those of one group come
// one at a time, because order.Machine asks for no second one before the first
// has ended.
//
// [Plan] makes the order.Plan of a group, with everything in each step that
// undoing it takes: a daemon that comes back after a crash, with another file,
// undoes from the book alone.
//
//	r := steps.New(steps.Options{Dir: "/var/lib/holdfast/steps", Post: post, Kernel: k})
//	book, err := r.Load("web")
//	m := order.New("web", plan, book)
//	r.Do("web", m.Step(now, order.Take(why, 0), nil)) // the answers come by post
package steps
