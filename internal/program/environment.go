package program

import "strings"

// Environment is a daemon's environment without what is the daemon's alone: a
// program with NOTIFY_SOCKET could speak for it to systemd. Variables of our
// own name are left out too: who starts the program adds those that are true.
func Environment(base []string, more ...string) []string {
	env := make([]string, 0, len(base)+len(more))
	for _, kv := range base {
		if !private(kv) {
			env = append(env, kv)
		}
	}
	return append(env, more...)
}

func private(kv string) bool {
	for _, prefix := range []string{
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
		"FDSTORE=", "MAINPID=", "CREDENTIALS_DIRECTORY=", "HOLDFAST_",
	} {
		if strings.HasPrefix(kv, prefix) {
			return true
		}
	}
	return false
}
