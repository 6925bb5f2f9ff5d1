package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Script runs a scenario and returns its story, one line for each fact. The
// same text gives the same story always.
//
// A scenario describes a world, and then what happens to it and when:
//
//	lan path 50us kernel 300us probe 5ms
//	group web vrid 51 ipv4 ipv6 interval 1s check service weight disk 40
//	group dns vrid 53 ipv4 with web
//	node a priority 150
//	node b priority 100 no-preempt
//	tell kernel adverts
//	at 0s   power a b
//	at 10s  handover a to b
//	end 15s
//
// A line that begins with # is for the reader. docs/simulation.md lists all
// words.
func Script(text string) (string, error) {
	s := script{names: map[string]int{}}
	s.cfg.Path.Delay, s.cfg.Kernel.Latency, s.cfg.Probe = 50*time.Microsecond, 300*time.Microsecond, 5*time.Millisecond
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := s.read(words); err != nil {
			return "", fmt.Errorf("cannot read line %d of scenario: %w", i+1, err)
		}
	}
	if s.end == 0 || len(s.cfg.Nodes) == 0 || len(s.cfg.Sets) == 0 {
		return "", fmt.Errorf("cannot run scenario: it needs a group, a node and an end")
	}
	return s.run(), nil
}

// script is a scenario that was read.
type script struct {
	cfg   Config
	names map[string]int // of nodes
	story Story
	steps []step
	end   time.Duration
}

// step is one line that happens.
type step struct {
	at   time.Duration
	text string
	do   func(*World)
}

func (s *script) run() string {
	var out strings.Builder
	s.story.Line = func(line string) { out.WriteString(line + "\n") }
	for n := range s.cfg.Nodes {
		mine := s.cfg.Nodes[n].Sets[0]
		s.cfg.Nodes[n].Sets = slices.Repeat([]NodeSet{mine}, len(s.cfg.Sets))
	}
	w := New(s.cfg, 1, s.story)
	w.judge.watch(20 * time.Millisecond)
	for _, st := range s.steps {
		w.at(w.now+st.at, func() {
			w.tell("input", "%s", st.text)
			st.do(w)
		})
	}
	w.Run(s.end)
	for vr := range w.vrs {
		w.tell("end", "%s", w.whoAnswers(vr))
	}
	for _, text := range w.broken {
		w.tell("broken", "%s", text)
	}
	return out.String()
}

// whoAnswers says where a virtual router's addresses are.
func (w *World) whoAnswers(vr int) string {
	var names []string
	for _, n := range w.judge.answering(vr) {
		names = append(names, n.name)
	}
	name := w.vrs[vr].name
	switch len(names) {
	case 0:
		return "nobody answers for " + name
	case 1:
		return names[0] + " answers for " + name
	}
	return strings.Join(names, " and ") + " answer for " + name
}

// read takes one line in.
func (s *script) read(words []string) error {
	first, rest := words[0], &reader{words: words[1:]}
	switch first {
	case "lan":
		s.readLAN(rest)
	case "group":
		s.readGroup(rest)
	case "node":
		s.readNode(rest)
	case "tell":
		for rest.more() {
			switch w := rest.word(); w {
			case "kernel":
				s.story.Kernel = true
			case "adverts":
				s.story.Adverts = true
			default:
				rest.unknown(w)
			}
		}
	case "at":
		at := rest.duration()
		text := strings.Join(rest.words, " ")
		s.steps = append(s.steps, step{at, text, s.readStep(rest)})
	case "end":
		s.end = rest.duration()
	default:
		rest.unknown(first)
	}
	if rest.err == nil && rest.more() {
		rest.unknown(rest.word())
	}
	return rest.err
}
