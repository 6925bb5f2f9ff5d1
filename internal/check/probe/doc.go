// Package probe looks over the network: it does what the network kinds of
// package check ask for.
//
//	p, err := probe.New(check.TCP{To: endpoint}) // reads certificates, compiles patterns
//	seen := p.Try(ctx)                           // ctx carries the deadline of this look
//
// # A look leaves nothing behind
//
// Checks run for years, thousands a second, against servers that refuse, hang,
// reset, speak garbage or send for ever. So in every probe
//
//   - the deadline of ctx is the deadline of the socket, and a ctx that ends
//     early ends the look ([dialer.dial]);
//   - whatever is read is bounded, and every connection is closed before Try
//     returns, also those that a library opened ([conns]);
//   - the calling goroutine does the work itself. Where a library starts
//     goroutines (HTTP/2, PostgreSQL, gRPC), they end with their connection.
//
// # Reset, not closed
//
// TCP connections end with RST (SO_LINGER with a time of 0), as those of
// keepalived and HAProxy do. The side that closes first keeps a TIME_WAIT for
// a minute: at 5,000 looks a second that would be 300,000 of them, while there
// are 28,000 ports to connect from. Where a server would log a reset as an
// error the look says goodbye in the server's protocol first, and lets the
// server close (check.Script's Goodbye and Polite, PostgreSQL's Terminate).
//
// # Names
//
// A name is resolved at each look, within its deadline, by the machine's
// resolver. The question itself does not take the way of check.Via.
package probe
