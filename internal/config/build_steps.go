package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// build makes the clean step.
func (s *rawStep) build() Step {
	out := Step{User: s.user.v, Undo: values(s.undo), Timeout: s.timeout.v, UndoTimeout: s.undoTimeout.v}
	switch s.words[0] {
	case "exec":
		out.Exec = values(s.argv)
	case "wait":
		out.Wait = values(s.argv)
	case "notify":
		out.Notify = values(s.argv)
	case "unit":
		out.Unit = s.unit.v
		if !strings.Contains(out.Unit, ".") {
			out.Unit += ".service"
		}
	case "ocf":
		out.OCF = &s.ocf
	case "address":
		out.Address = &StepAddress{Prefix: s.prefix.v, Interface: s.iface.v}
	case "route":
		out.Route = &StepRoute{To: s.prefix.v, Interface: s.iface.v, Table: s.table.v, Metric: s.metric.v}
		// A text that is no address was reported.
		out.Route.Via, _ = netip.ParseAddr(s.via.v)
		out.Route.Source, _ = netip.ParseAddr(s.source.v)
	case "rule":
		out.Rule = &s.rule
	case "sysctl":
		out.Sysctl = &StepSysctl{Name: s.name.v, Value: s.value.v, Undo: s.back.v}
	}
	return out
}

// steps compares what a group takes. What an agent is told may be a password: it
// is compared, not shown.
func (s *settings) steps(g Group) {
	for i, step := range g.Steps {
		path := fmt.Sprintf("steps[%d]", i+1)
		s.add(path, InPlace, step.Name())
		s.add(path+".timeout", InPlace, optional(step.Timeout))
		s.add(path+".undo_timeout", InPlace, optional(step.UndoTimeout))
		step.Timeout, step.UndoTimeout = 0, 0
		// Values only: there is nothing that JSON cannot write.
		text, _ := json.Marshal(step)
		s.secret(path+".details", InPlace, NewSecret(text))
	}
	s.add("ready", InPlace, list(g.Ready))
	if len(g.Ready) > 0 {
		s.add("ready_timeout", InPlace, duration(g.ReadyTimeout))
	}
}
