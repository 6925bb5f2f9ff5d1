package cli

import (
	"fmt"
	"time"
)

// How times look in text: local.
const (
	instant = "2006-01-02 15:04:05.000"
	second  = "2006-01-02 15:04:05"
)

// age is a duration for people, in the two largest units that matter: 12d,
// 3d04h, 5h03m, 7m02s, 12s, 40ms.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d < 10*24*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// since is the age of an instant, "-" where there is none.
func since(now, at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return age(now.Sub(at))
}

// short is a precise duration without more digits than tell something.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// many is "1 group" or "2 groups".
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
