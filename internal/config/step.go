package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Step is one thing that a group takes before its addresses answer and leaves
// after they have stopped. Exactly one of Exec, Wait, Notify, Unit, OCF,
// Address, Route, Rule and Sysctl is set.
type Step struct {
	Exec    []string     `json:",omitempty"` // argv, run when taking
	Undo    []string     `json:",omitempty"` // argv, run when leaving; beside Exec, or alone
	Wait    []string     `json:",omitempty"` // argv, run again and again until it exits with 0
	Notify  []string     `json:",omitempty"` // argv, with keepalived's four arguments after it
	User    string       `json:",omitempty"` // who runs any of these; empty: as the daemon
	Unit    string       `json:",omitempty"` // of systemd, with its suffix
	OCF     *OCF         `json:",omitempty"`
	Address *StepAddress `json:",omitempty"`
	Route   *StepRoute   `json:",omitempty"`
	Rule    *StepRule    `json:",omitempty"`
	Sysctl  *StepSysctl  `json:",omitempty"`

	Timeout     time.Duration `json:",omitempty"` // of taking; 0: what the OCF agent asks for, else the default
	UndoTimeout time.Duration `json:",omitempty"` // of leaving; 0: as Timeout
}

// OCF is a resource agent.
type OCF struct {
	Provider   string            // heartbeat
	Type       string            // pgsql
	Instance   string            `json:",omitempty"` // OCF_RESOURCE_INSTANCE
	Parameters map[string]string `json:",omitempty"`
	Promote    bool              `json:",omitempty"` // taken is promoted, left is demoted; else started and stopped
}

// StepAddress is an address that no other node has to be told of.
type StepAddress struct {
	Prefix    netip.Prefix
	Interface string
}

// StepRoute is a route.
type StepRoute struct {
	To        netip.Prefix
	Via       netip.Addr // invalid: none
	Interface string     `json:",omitempty"`
	Source    netip.Addr // invalid: none
	Table     int        `json:",omitempty"` // 0: main
	Metric    int        `json:",omitempty"`
}

// StepRule is a rule that chooses a table.
type StepRule struct {
	From, To  netip.Prefix // invalid: any
	Interface string       `json:",omitempty"` // through which a packet came in
	Mark      uint32       `json:",omitempty"`
	Table     int
	Priority  int
}

// StepSysctl is a setting of the kernel.
type StepSysctl struct {
	Name  string // net.ipv4.ip_forward
	Value string
	Undo  string `json:",omitempty"` // empty: it stays
}

// Name is what people call the step. No two of a group have the same.
func (s Step) Name() string {
	switch {
	case s.Wait != nil:
		return "wait " + strings.Join(s.Wait, " ")
	case s.Notify != nil:
		return "notify " + strings.Join(s.Notify, " ")
	case s.Unit != "":
		return "unit " + s.Unit
	case s.OCF != nil:
		return strings.TrimSpace(fmt.Sprintf("ocf %s:%s %s", s.OCF.Provider, s.OCF.Type, s.OCF.Instance))
	case s.Address != nil:
		return fmt.Sprintf("address %s on %s", s.Address.Prefix, s.Address.Interface)
	case s.Route != nil:
		return s.Route.name()
	case s.Rule != nil:
		return s.Rule.name()
	case s.Sysctl != nil:
		return "sysctl " + s.Sysctl.Name
	case s.Exec != nil:
		return "exec " + strings.Join(s.Exec, " ")
	}
	return "undo " + strings.Join(s.Undo, " ")
}

func (r *StepRoute) name() string {
	name := "route " + r.To.String()
	if r.Via.IsValid() {
		name += " via " + r.Via.String()
	}
	if r.Interface != "" {
		name += " on " + r.Interface
	}
	if r.Table != 0 {
		name += fmt.Sprintf(" table %d", r.Table)
	}
	if r.Metric != 0 {
		name += fmt.Sprintf(" metric %d", r.Metric)
	}
	return name
}

func (r *StepRule) name() string {
	name := "rule"
	if r.From.IsValid() {
		name += " from " + r.From.String()
	}
	if r.To.IsValid() {
		name += " to " + r.To.String()
	}
	if r.Interface != "" {
		name += " interface " + r.Interface
	}
	if r.Mark != 0 {
		name += fmt.Sprintf(" mark %d", r.Mark)
	}
	return fmt.Sprintf("%s table %d", name, r.Table)
}
