// Package watchdog is the door to a watchdog of the kernel: a timer, in
// hardware mostly, that resets the machine unless somebody feeds it
// (Documentation/watchdog/watchdog-api.rst of the kernel).
//
//   - [Look] tells what a device is without touching it: opening one starts it.
//   - [Open] starts it, or goes on with one that a process that died left
//     running, and gives it its time.
//   - [Device.Feed] is one ioctl. With some devices (IPMI) it takes
//     milliseconds, so the engine's loop does not call it by itself.
//   - [Device.Disarm] closes it with the letter V, which stops it. One that was
//     built or loaded with "nowayout" goes on nevertheless, and so does one
//     whose process dies: that is what it is for.
package watchdog
