package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// view is what becomes of a demo while it runs.
type view interface {
	opening(*Result)
	begin(number int, step *Step)
	look(step *Step) // it is going on
	end(step *Step)
	closing(*Result) error
}

// screen tells it to a person.
type screen struct {
	out   io.Writer
	style style
	nodes []Node
	drawn int // lines of the picture that can be drawn over
}

func (v *screen) print(lines []string) {
	// A reader that went away ends the show by SIGPIPE, or does not matter.
	_, _ = io.WriteString(v.out, strings.Join(lines, "\n")+"\n")
}

func (v *screen) opening(r *Result) {
	v.nodes = r.Nodes
	v.print(opening(r, v.style))
}

func (v *screen) begin(number int, step *Step) {
	v.print(heading(number, step, v.style))
	v.drawn = 0
}

// look draws the picture as far as it is known, over the one before.
func (v *screen) look(step *Step) {
	if v.style.moving {
		v.draw(append(lanes(step, v.nodes, v.style), v.style.paint(dim, clip(soFar(step), v.style.width))))
	}
}

// clip keeps a line from wrapping, after which it could not be drawn over.
func clip(line string, width int) string {
	if r := []rune(line); len(r) > width {
		return string(r[:width])
	}
	return line
}

func (v *screen) end(step *Step) {
	v.draw(append(lanes(step, v.nodes, v.style), outcome(step, v.style)...))
	v.drawn = 0
}

func (v *screen) draw(lines []string) {
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.drawn) // back to the top, clear below
	}
	b.WriteString(strings.Join(lines, "\n") + "\n")
	v.drawn = len(lines)
	_, _ = io.WriteString(v.out, b.String())
}

func (v *screen) closing(r *Result) error {
	v.print(closing(r, v.style))
	return nil
}

// document tells it to a program, when all is over.
type document struct{ out io.Writer }

func (document) opening(*Result)  {}
func (document) begin(int, *Step) {}
func (document) look(*Step)       {}
func (document) end(*Step)        {}

func (v document) closing(r *Result) error {
	e := json.NewEncoder(v.out)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("cannot print the result: %w", err)
	}
	return nil
}
