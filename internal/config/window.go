package config

import (
	"fmt"
	"strings"
	"time"
)

// Window is a time of the day on some days, by the clock on the wall: when it
// is fine to move an address back.
type Window struct {
	Days     [7]bool // by time.Weekday: on which it begins
	From, To time.Duration
}

type rawWindow struct {
	at span
	v  Window
}

var weekdays = [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// Open says whether an instant is in the window, in the instant's location.
// One that ends before it begins goes on until the next day.
func (w Window) Open(t time.Time) bool {
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	today, yesterday := w.Days[t.Weekday()], w.Days[(t.Weekday()+6)%7]
	if w.From < w.To {
		return today && at >= w.From && at < w.To
	}
	return today && at >= w.From || yesterday && at < w.To
}

// String is the window as the file has it.
func (w Window) String() string {
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", d/time.Hour, d/time.Minute%60) }
	var days []string
	for i := range w.Days {
		if d := (i + 1) % 7; w.Days[d] { // from Monday on
			days = append(days, weekdays[d])
		}
	}
	text := clock(w.From) + "-" + clock(w.To)
	if len(days) == 7 {
		return text
	}
	return strings.Join(days, ",") + " " + text
}

// parseWindow reads "02:00-04:00", "Sat,Sun 02:00-04:00" or "Mon-Fri 22:00-06:00".
func parseWindow(s string) (w Window, ok bool) {
	days, times, some := strings.Cut(s, " ")
	if !some {
		days, times = "Mon-Sun", s
	}
	for part := range strings.SplitSeq(days, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := weekday(first), weekday(last)
		if a < 0 || b < 0 {
			return Window{}, false
		}
		for d := a; ; d = (d + 1) % 7 {
			if w.Days[d] = true; d == b {
				break
			}
		}
	}
	from, to, _ := strings.Cut(times, "-")
	var ok1, ok2 bool
	w.From, ok1 = clockTime(from)
	w.To, ok2 = clockTime(to)
	return w, ok1 && ok2 && w.From != w.To && w.From < 24*time.Hour
}

func weekday(s string) int {
	for i, d := range weekdays {
		if strings.EqualFold(s, d) {
			return i
		}
	}
	return -1
}

func clockTime(s string) (time.Duration, bool) {
	if s == "24:00" {
		return 24 * time.Hour, true
	}
	t, err := time.Parse("15:04", s)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil && len(s) == 5
}
