package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newTrace(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Show the packets of services, and what becomes of each",
		Long: `Trace shows the packets that the kernel forwards for services, which tcpdump does
not see: as each came, where it went and as what, or why it was dropped. It goes
on until it is interrupted, or has shown as many as --count says.

With --write it writes a file that Wireshark reads (pcapng): each packet as it
came and, on a second interface, as it left; the comment of a packet says what
became of it. "-" is the standard output.

While somebody looks, each packet of the services costs more, and at most 5000 a
second are shown; what is missed is counted. What proxies do tcpdump shows.`,
		Example: `  holdfast trace
  holdfast trace --service web --client 198.51.100.0/24
  holdfast trace --service web --backend 10.0.0.11:443 --count 100 --write web.pcapng
  holdfast trace --write - | wireshark -k -i -`,
		Args: noArguments,
	}
	var q api.TraceQuery
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.Flags().StringVar(&q.Service, "service", "", "only packets of this `service`")
	cmd.Flags().StringVar(&q.Backend, "backend", "", "only those of this `backend` of it, an address and port")
	cmd.Flags().StringVar(&q.Client, "client", "", "only those of this client, an `address` or a network")
	cmd.Flags().IntVar(&q.Snap, "snap", 256, "how many `bytes` of a packet are kept, 256 at most")
	count := cmd.Flags().IntP("count", "n", 0, "end after so many `packets`; 0 is never")
	file := cmd.Flags().StringP("write", "w", "", "write them to a `file` for Wireshark instead")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case q.Snap < 14 || q.Snap > 256:
			return usage(cmd, fmt.Errorf("--snap takes 14 to 256 bytes, not %d", q.Snap))
		case *count < 0:
			return usage(cmd, fmt.Errorf("--count takes a number of packets, not %d", *count))
		case q.Backend != "" && q.Service == "":
			return usage(cmd, errors.New("--backend needs --service: whose it is"))
		}
		show := func(p *api.TracedPacket) error { return t.tracedPacket(p) }
		if *form == jsonForm {
			show = func(p *api.TracedPacket) error { return writeLine(t.Out, p) }
		}
		end := func() error { return nil }
		if *file != "" {
			w, err := t.capture(*file)
			if err != nil {
				return doing("write "+*file, err)
			}
			show, end = w.add, w.close
		}
		return t.trace(cmd.Context(), socket, q, *count, show, end)
	}
	return cmd
}

// errEnough ends a trace that has shown as much as it was to.
var errEnough = errors.New("enough was shown")

func (t Terminal) trace(ctx context.Context, socket *string, q api.TraceQuery, count int, show func(*api.TracedPacket) error, end func() error) error {
	shown, missed := 0, uint64(0)
	err := dial(socket).Trace(ctx, q, func(p *api.TracedPacket) error {
		missed = p.Missed
		if err := show(p); err != nil {
			return err
		}
		if shown++; shown == count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if e := end(); err == nil && e != nil {
		return doing("write packets", e)
	}
	if missed > 0 {
		if _, e := fmt.Fprintf(t.Err, "holdfast: %d packets were missed: there were too many\n", missed); e != nil {
			return written(e)
		}
	}
	if err != nil {
		return doing("trace packets", err)
	}
	return nil
}

// fateOf says in words what became of a packet.
func fateOf(p *api.TracedPacket) string {
	to := "to " + p.Client
	if p.From == "client" {
		to = "to " + p.Backend
	}
	switch {
	case p.Fate == api.FateDropped:
		return "dropped: " + orDash(p.Reason)
	case p.Reason != "":
		return "its sender is told: " + p.Reason
	case p.Fate == api.FatePassed:
		return to + ", by way of the kernel"
	}
	return to
}

// tracedPacket writes one line: when, where, whose, as it came, what became of
// it, as it left.
func (t Terminal) tracedPacket(p *api.TracedPacket) error {
	looks := good
	switch {
	case p.Fate == api.FateDropped:
		looks = bad
	case p.Fate == api.FatePassed || p.Reason != "":
		looks = notice
	}
	line := fmt.Sprintf("%s  %s  %s  %s, %d bytes  %s", t.paint(faint, local(p.Time, "15:04:05.000000")), oneLine(p.Interface), t.paint(strong, oneLine(orDash(p.Service))),
		frameText(p.Came.Bytes), p.Came.Length, t.paint(looks, oneLine(fateOf(p))))
	if p.Fate != api.FateDropped {
		line += "  as " + frameText(p.Left.Bytes)
	}
	_, err := fmt.Fprintln(t.Out, line)
	return written(err)
}

// capture begins a file of packets.
func (t Terminal) capture(path string) (*capture, error) {
	if path == "-" {
		return newCapture(t.Out, nil), nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it has what clients say
	if err != nil {
		return nil, err
	}
	return newCapture(f, f), nil
}
