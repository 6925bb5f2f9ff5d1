package database

import (
	"strings"
	"testing"
	"time"
)

func at(ms int) time.Time { return time.UnixMilli(int64(ms)) }

func TestRivals(t *testing.T) {
	tests := []struct {
		name    string
		answers []Answer
		want    string // of the only one; "": none
	}{
		{"one after the other", []Answer{{at(0), at(10), "db1", 1}, {at(20), at(30), "db2", 2}, {at(40), at(50), "db1", 3}}, ""},
		// Asked before the successor was heard: it may have answered in time.
		{"an answer that was long on its way", []Answer{{at(0), at(100), "db1", 1}, {at(20), at(30), "db2", 2}}, ""},
		{"an old one that still answers", []Answer{{at(0), at(10), "db2", 2}, {at(11), at(12), "db1", 1}}, "db1 takes writes in term 1, 1ms after db2"},
		{"two in a term", []Answer{{at(0), at(10), "db1", 2}, {at(5), at(12), "db2", 2}}, "both db1 and db2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Rivals(tt.answers)
			if (tt.want == "") != (len(got) == 0) || tt.want != "" && !strings.Contains(got[0], tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGap(t *testing.T) {
	acked := []Commit{{1, at(0)}, {2, at(500)}, {5, at(600)}, {9, at(800)}, {10, at(810)}}
	if got := Gap(acked, at(550)); got != 200*time.Millisecond {
		t.Errorf("the longest gap is %s", got)
	}
}
