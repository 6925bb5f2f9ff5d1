package config

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		window, text string
		open, shut   []string
	}{
		// 2 March 2026 is a Monday.
		{"02:00-04:00", "02:00-04:00", []string{"2026-03-02 02:00", "2026-03-03 03:59"}, []string{"2026-03-02 04:00", "2026-03-02 01:59"}},
		{"sat,Sun 00:00-24:00", "Sat,Sun 00:00-24:00", []string{"2026-03-01 23:59", "2026-03-07 00:00"}, []string{"2026-03-02 00:00", "2026-03-06 23:59"}},
		{"Fri-Mon 22:00-06:00", "Mon,Fri,Sat,Sun 22:00-06:00", []string{"2026-03-02 22:00", "2026-03-03 05:59", "2026-03-07 05:00"}, []string{"2026-03-03 22:00", "2026-03-06 05:00"}},
	} {
		w, ok := parseWindow(c.window)
		if !ok || w.String() != c.text {
			t.Errorf("%s: read as %s, %t", c.window, w, ok)
		}
		for _, s := range c.open {
			if !w.Open(at(s)) {
				t.Errorf("%s: shut at %s", c.window, s)
			}
		}
		for _, s := range c.shut {
			if w.Open(at(s)) {
				t.Errorf("%s: open at %s", c.window, s)
			}
		}
	}
	for _, s := range []string{"", "2:00-4:00", "02:00", "24:00-02:00", "Foo 02:00-04:00", "Mon-02:00-04:00", "02:00-04:00 Sat"} {
		if w, ok := parseWindow(s); ok {
			t.Errorf("%q was read as %s", s, w)
		}
	}
}
