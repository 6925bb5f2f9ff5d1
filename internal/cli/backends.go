package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/client"
)

func newBackends(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backends [SERVICE]",
		Short: "Show services and what stands behind them, or change a backend",
		Long: `Backends shows every service of the file (services:) with its backends: their
state and why, the share of new connections that each gets, and the connections
that it has now. What an operator has changed lasts until it is changed again,
also over a reload and on the node that takes over; with the last daemon of the
group it is gone.`,
		Example: `  holdfast backends
  holdfast backends web -o json
  holdfast backends -v
  holdfast backends drain web 10.0.0.11:443
  holdfast backends weight web 10.0.0.11:443 50
  holdfast backends up web 10.0.0.11:443
  holdfast backends explain 198.51.100.7:40000 web`,
		Args: atMostOneArgument("the name of a service"),
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	more := cmd.Flags().BoolP("verbose", "v", false, "show why packets were dropped, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		b, err := dial(socket).Backends(cmd.Context())
		if err != nil {
			return doing("show backends", err)
		}
		if len(args) == 1 {
			if b.Services, err = onlyService(b.Services, args[0]); err != nil {
				return doing("show backends", err)
			}
		}
		if *form == jsonForm {
			return writeJSON(t.Out, b)
		}
		return t.backends(b, verbosity(*more))
	}
	cmd.AddCommand(newDrain(t), newBackendDown(t), newBackendUp(t), newWeight(t), newExplainFlow(t))
	return cmd
}

func onlyService(all []api.Service, name string) ([]api.Service, error) {
	i := slices.IndexFunc(all, func(s api.Service) bool { return s.Name == name })
	if i >= 0 {
		return all[i : i+1], nil
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	hint := "there are no services here"
	if len(names) > 0 {
		hint = "the services here: " + strings.Join(names, ", ")
	}
	return nil, &client.Refused{Result: api.Result{Text: "there is no service " + name, Hint: hint}}
}

// ownBackends is what serves a service as long as all is well.
const ownBackends = "its own backends"

// backends prints one table for each service, and with drops what was dropped
// and why.
func (t Terminal) backends(b api.Backends, drops verbosity) error {
	if len(b.Services) == 0 {
		_, err := fmt.Fprintln(t.Out, "no services")
		return written(err)
	}
	for i, s := range b.Services {
		if i > 0 {
			if _, err := fmt.Fprintln(t.Out); err != nil {
				return written(err)
			}
		}
		served := plain
		if s.Served != ownBackends {
			served = notice
		}
		if s.Unserved != "" {
			s.Served += ": " + s.Unserved
		}
		forward := s.Forward
		if s.ForwardWhy != "" {
			forward += " (" + oneLine(s.ForwardWhy) + ")"
		}
		if _, err := fmt.Fprintf(t.Out, "%s: %s, %s, %s, served by %s\n", t.paint(strong, oneLine(s.Name)), oneLine(strings.Join(s.Listen, " ")),
			s.Scheduler, forward, t.paint(served, oneLine(s.Served))); err != nil {
			return written(err)
		}
		tb := newTable(t, "BACKEND", "STATE", "WEIGHT", "SHARE", "NOW", "NEW", "IN", "OUT", "FAILED", "WHY")
		for _, x := range s.Backends {
			state := cell{x.State, good}
			if x.State != "up" {
				state.tone = notice
			}
			if x.State == "down" {
				state.tone = bad
			}
			name := x.Address
			if x.Backup {
				name += " (backup)"
			}
			if x.Sorry {
				name += " (sorry)"
			}
			tb.add(cell{name, strong}, state, cell{text: strconv.Itoa(int(x.Weight))}, cell{text: fmt.Sprintf("%.1f %%", x.Share)},
				cell{text: strconv.FormatUint(x.Flows, 10)}, cell{text: strconv.FormatUint(x.New, 10)}, cell{text: volume(x.BytesIn)},
				cell{text: volume(x.BytesOut)}, cell{text: strconv.FormatUint(x.Failures, 10)}, cell{oneLine(x.Why), faint})
		}
		if err := tb.write(t.Out); err != nil {
			return err
		}
		for _, x := range s.Backends {
			if x.Silent == "" {
				continue
			}
			if _, err := fmt.Fprintf(t.Out, "%s %s\n", t.paint(bad, oneLine(x.Address)), oneLine(x.Silent)); err != nil {
				return written(err)
			}
		}
		if drops == verbose {
			if err := t.drops(&s); err != nil {
				return err
			}
		} else if s.Refused+s.Limited > 0 {
			if _, err := fmt.Fprintf(t.Out, "refused %d, over a limit %d\n", s.Refused, s.Limited); err != nil {
				return written(err)
			}
		}
	}
	for i, h := range b.Hooks {
		space := ""
		if i == 0 {
			space = "\n"
		}
		if _, err := fmt.Fprintf(t.Out, "%sthe kernel looks at packets on %s by %s: %s\n", space, oneLine(h.Interface), t.paint(strong, h.Hook), oneLine(h.Why)); err != nil {
			return written(err)
		}
	}
	return t.mirror(b.Flows)
}

// verbosity is how much is told.
type verbosity bool

const verbose verbosity = true

// drops says why packets, or of proxies connections, were not served.
func (t Terminal) drops(s *api.Service) error {
	line := func(whose string, drops map[string]uint64) error {
		var all []string
		for _, why := range slices.Sorted(maps.Keys(drops)) {
			all = append(all, fmt.Sprintf("%s %d", why, drops[why]))
		}
		if len(all) == 0 {
			return nil
		}
		_, err := fmt.Fprintf(t.Out, "dropped, %s: %s\n", whose, oneLine(strings.Join(all, ", ")))
		return written(err)
	}
	if err := line("of no backend", s.OwnDrops()); err != nil {
		return err
	}
	for _, x := range s.Backends {
		if err := line("of "+oneLine(x.Address), x.Drops); err != nil {
			return err
		}
	}
	return nil
}

// volume is a number of bytes, short.
func volume(n uint64) string {
	units := [...]string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	x, i := float64(n), 0
	for ; x >= 1000 && i < len(units)-1; i++ {
		x /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}

// order sends an order and shows what came of it.
func (t Terminal) order(ctx context.Context, socket *string, form format, o api.BackendOrder) error {
	o.Who = "an operator"
	if u, err := user.Current(); err == nil {
		o.Who = u.Username
	}
	begin := time.Now()
	what := "change backend " + o.Backend
	r, err := dial(socket).OrderBackend(ctx, o)
	if err != nil {
		return doing(what, err)
	}
	return t.result(form, what, r, time.Since(begin))
}

func newDrain(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drain SERVICE BACKEND",
		Short: "Send a backend no new connections, and wait until it has none left",
		Long: `Drain sends a backend no new connections and keeps those that it has. It waits
until none is left, and tells how many there are meanwhile. With --within it gives
up after that time; with --cut as well, the backend is down then, and on_down says
what becomes of what is left.`,
		Example: `  holdfast backends drain web 10.0.0.11:443
  holdfast backends drain web 10.0.0.11:443 --within 5m --cut
  holdfast backends drain web 10.0.0.11:443 --no-wait`,
		Args: serviceAndBackend,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	within := cmd.Flags().Duration("within", 0, "how long it may take; 0 is for ever")
	cut := cmd.Flags().Bool("cut", false, "take the backend down after that time")
	noWait := cmd.Flags().Bool("no-wait", false, "do not wait until no connection is left")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *cut && *within <= 0 {
			return usage(cmd, fmt.Errorf("--cut needs --within: after how long"))
		}
		o := api.BackendOrder{Service: args[0], Backend: args[1], Want: api.BackendDrain, Within: api.Duration(*within), Cut: *cut}
		first := t
		var said bytes.Buffer
		if *form == jsonForm && !*noWait {
			first.Out = &said // there is one document: why not, or what came of it
		}
		if err := first.order(cmd.Context(), socket, *form, o); err != nil || *noWait {
			_, werr := t.Out.Write(said.Bytes())
			return cmp.Or(err, written(werr))
		}
		return t.watchDrain(cmd.Context(), socket, *form, args[0], args[1], *within)
	}
	return cmd
}

// drainLook is how often a drain that is waited for is looked at. Flows are
// counted once a second.
const drainLook = time.Second

// watchDrain waits until a backend has no connection left.
func (t Terminal) watchDrain(ctx context.Context, socket *string, form format, service, address string, within time.Duration) error {
	begun, said := time.Now(), uint64(0)
	what := "drain " + address
	for looks := 0; ; looks++ {
		select {
		case <-ctx.Done():
			return doing(what, ctx.Err())
		case <-time.After(drainLook):
		}
		b, err := dial(socket).Backends(ctx)
		if err != nil {
			return doing(what, err)
		}
		left, state, ok := flowsOf(b, service, address)
		switch {
		case !ok:
			return refused(what, api.Result{Text: "it is configured no more"})
		case left == 0 && looks > 0:
			return t.result(form, what, api.Result{Schema: api.SchemaResult, OK: true, Text: "it has no connection left"}, time.Since(begun))
		case state == "up":
			return refused(what, api.Result{Text: "somebody has let it up again"})
		case within > 0 && time.Since(begun) > within+drainLook:
			return t.result(form, what, api.Result{Schema: api.SchemaResult, Text: fmt.Sprintf("it has %s left after %s", many(int(left), "connection"), short(within))}, time.Since(begun))
		case left != said && form != jsonForm:
			said = left
			if _, err := fmt.Fprintf(t.Err, "%s left\n", many(int(left), "connection")); err != nil {
				return written(err)
			}
		}
	}
}

func flowsOf(b api.Backends, service, address string) (left uint64, state string, ok bool) {
	for _, s := range b.Services {
		for _, x := range s.Backends {
			if s.Name == service && x.Address == address {
				return x.Flows, x.State, true
			}
		}
	}
	return 0, "", false
}

// serviceAndBackend is the arguments of what changes a backend.
func serviceAndBackend(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return usage(cmd, fmt.Errorf("%s takes two arguments, a service and the address and port of a backend, not %d", cmd.Name(), len(args)))
}

func newBackendDown(t Terminal) *cobra.Command {
	return newOrder(t, api.BackendDown, "Take a backend down, as if a check said so",
		`Down sends a backend no new connections, and does with those that it has what
on_down of the service says.`)
}

func newBackendUp(t Terminal) *cobra.Command {
	return newOrder(t, api.BackendUp, "Let a backend be what its checks say",
		`Up ends what drain or down had asked for.`)
}

func newOrder(t Terminal, want, short, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use: want + " SERVICE BACKEND", Short: short, Long: long,
		Example: "  holdfast backends " + want + " web 10.0.0.11:443",
		Args:    serviceAndBackend,
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.order(cmd.Context(), socket, *form, api.BackendOrder{Service: args[0], Backend: args[1], Want: want})
	}
	return cmd
}

func newWeight(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "weight SERVICE BACKEND WEIGHT",
		Short: "Give a backend another weight",
		Long: `Weight gives a backend another share of new connections; those that it has stay.
The word default gives it the configured weight again. A weight of 0 sends it no
new ones.`,
		Example: `  holdfast backends weight web 10.0.0.11:443 50
  holdfast backends weight web 10.0.0.11:443 default`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 3 {
				return nil
			}
			return usage(cmd, fmt.Errorf("%s takes three arguments, a service, the address and port of a backend, and a weight, not %d", cmd.Name(), len(args)))
		},
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o := api.BackendOrder{Service: args[0], Backend: args[1], Want: api.BackendWeight}
		if args[2] != "default" {
			n, err := strconv.ParseUint(args[2], 10, 16)
			if err != nil {
				return usage(cmd, fmt.Errorf("%q is no weight: 0 to 65535, or default", args[2]))
			}
			w := uint16(n)
			o.Weight = &w
		}
		return t.order(cmd.Context(), socket, *form, o)
	}
	return cmd
}
