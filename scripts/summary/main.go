// Summary reads the events of `go test -json` and tells a person what
// matters: a line for each package as it ends, all that a failed test
// printed, why tests were skipped, and the count.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output, which has no Package
	Test       string
	Elapsed    float64
	Output     string
}

func main() {
	s := summary{output: map[string][]string{}}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			s.line(os.Stdout, line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "summary: cannot read test events: %v\n", err)
			os.Exit(1)
		}
	}
	s.close(os.Stdout)
	if s.failed > 0 || s.brokenPackages > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

type summary struct {
	output                          map[string][]string // of tests that have not passed, by package and test
	skips                           []string
	passed, failed, skipped         int
	brokenPackages, failedInPackage int
	slowest                         []string
}

func (s *summary) line(w io.Writer, line []byte) {
	var ev event
	if err := json.Unmarshal(line, &ev); err != nil {
		fmt.Fprintf(w, "%s", line) // not an event: the go command itself speaks
		return
	}
	key := ev.Package + ev.ImportPath + " " + ev.Test
	switch ev.Action {
	case "output", "build-output":
		s.output[key] = append(s.output[key], ev.Output)
	case "pass", "fail", "skip":
		if ev.Test == "" {
			s.packageEnded(w, ev)
			return
		}
		s.testEnded(w, ev, key)
	case "build-fail":
		s.show(w, key)
	}
}

func (s *summary) testEnded(w io.Writer, ev event, key string) {
	switch ev.Action {
	case "pass":
		s.passed++
		if ev.Elapsed >= 10 && !strings.Contains(ev.Test, "/") {
			s.slowest = append(s.slowest, fmt.Sprintf("%5.0fs  %s", ev.Elapsed, ev.Test))
		}
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s: %s", ev.Test, reason(s.output[key])))
	case "fail":
		s.failed++
		s.failedInPackage++
		s.show(w, key)
	}
	delete(s.output, key)
}

func (s *summary) packageEnded(w io.Writer, ev event) {
	took := time.Duration(ev.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch ev.Action {
	case "pass":
		fmt.Fprintf(w, "ok    %s  %s\n", ev.Package, took)
	case "fail":
		// A package can fail with no failed test: a panic, a time limit,
		// a build error.
		if s.failedInPackage == 0 {
			s.brokenPackages++
			for key := range s.output {
				if strings.HasPrefix(key, ev.Package+" ") {
					s.show(w, key)
				}
			}
		}
		fmt.Fprintf(w, "FAIL  %s  %s\n", ev.Package, took)
	}
	s.failedInPackage = 0
	for key := range s.output {
		if strings.HasPrefix(key, ev.Package+" ") {
			delete(s.output, key)
		}
	}
}

func (s *summary) show(w io.Writer, key string) {
	for _, line := range s.output[key] {
		fmt.Fprint(w, line)
	}
}

func (s *summary) close(w io.Writer) {
	section(w, "slow", s.slowest)
	section(w, "skipped", s.skips)
	fmt.Fprintf(w, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed+s.brokenPackages, s.skipped)
}

func section(w io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

// reason finds what a skipped test said: the last line that is not the
// framework's.
func reason(output []string) string {
	why := "no reason given"
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		why = line
	}
	return why
}
