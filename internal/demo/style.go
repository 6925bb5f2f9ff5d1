package demo

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// style is how a terminal, or what stands in for one, is drawn to.
type style struct {
	marks  marks
	paint  func(colour, text string) string
	moving bool // what was drawn can be drawn over
	width  int  // columns
}

// marks are the characters of the pictures.
type marks struct {
	bar, lost, zero, arrow, good, bad, dot string
	top, middle, bottom, cable, attention  string
}

// The characters of a terminal that knows Unicode, and of one that does not.
var (
	unicodeMarks = marks{
		bar: "━", lost: "×", zero: "▲", arrow: "→", good: "✓", bad: "✗", dot: "·",
		top: "━┓", middle: "━╋━", bottom: "━┛", cable: "━", attention: "!",
	}
	asciiMarks = marks{
		bar: "=", lost: "x", zero: "^", arrow: "->", good: "ok", bad: "NO", dot: "-",
		top: "-+", middle: "-+-", bottom: "-+", cable: "-", attention: "!",
	}
)

// Colours, as ECMA-48 §8.3.117 numbers them.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// laneColours tells the nodes apart.
var laneColours = []string{"36", "35", "34"}

// widest is beyond which lines become hard to follow.
const widest = 100

// styleFor looks at where the output goes and at the environment: Unicode
// where the locale has it, colours on a terminal unless NO_COLOR is set
// (https://no-color.org), and moving pictures on a terminal that can.
func styleFor(out io.Writer, env func(string) string) style {
	s := style{marks: asciiMarks, paint: plain, width: 80}
	locale := env("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = env(name)
		}
	}
	if l := strings.ToLower(locale); strings.Contains(l, "utf-8") || strings.Contains(l, "utf8") {
		s.marks = unicodeMarks
	}
	columns, ok := terminal(out)
	if !ok {
		return s
	}
	s.width = min(max(columns, 60), widest)
	if env("TERM") == "dumb" {
		return s
	}
	s.moving = columns >= s.width
	if env("NO_COLOR") == "" {
		s.paint = coloured
	}
	return s
}

func plain(_, text string) string { return text }

func coloured(colour, text string) string { return "\x1b[" + colour + "m" + text + "\x1b[0m" }

// terminal is the width of the terminal behind a writer, 80 when it does not
// say.
func terminal(out io.Writer) (columns int, ok bool) {
	f, isFile := out.(*os.File)
	if !isFile {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	switch {
	case err != nil:
		return 0, false
	case size.Col == 0:
		return 80, true
	}
	return int(size.Col), true
}
