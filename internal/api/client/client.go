// Package client talks to a running daemon over its control socket. It is
// what the command line is made of, and it shows what other programs need:
// HTTP over a unix socket and the documents of package api.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// dialTimeout bounds connecting. A daemon that is stopped or hangs accepts
// nothing, and a person should not wait for it.
const dialTimeout = 3 * time.Second

// maxAnswer bounds what is read of a document.
const maxAnswer = 64 << 20

// Client asks the daemon behind one socket. Its methods may be called from
// any goroutine. They fail with *Unreachable where no daemon answers and with
// *Refused where it says no; what a daemon answers to a command is no error
// but the command's Result, whether OK or not.
type Client struct {
	socket string
	http   *http.Client
}

// Dial returns a client for the socket at path. It connects when asked
// something.
func Dial(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: dialTimeout}
		c, err := d.DialContext(ctx, "unix", path)
		if err != nil && ctx.Err() == nil {
			return nil, &Unreachable{Socket: path, Err: bare(err)}
		}
		return c, err
	}
	// One connection for each question: the daemon accepts a bounded number,
	// and clients that were let go would hold theirs until it times out.
	return &Client{socket: path, http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// Unreachable says that no daemon answers on a socket.
type Unreachable struct {
	Socket string
	Err    error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("cannot reach the daemon on %s: %v", e.Socket, e.Err)
}

func (e *Unreachable) Unwrap() error { return e.Err }

// Hint says what to try.
func (e *Unreachable) Hint() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return "root may, and members of the socket's group for reading: try with sudo"
	}
	return "is it running? systemctl status holdfast; another socket is given with --socket"
}

// Refused is an answer that says no.
type Refused struct {
	Status int // of HTTP
	Result api.Result
}

func (e *Refused) Error() string { return e.Result.Text }

// Hint says what to try.
func (e *Refused) Hint() string { return e.Result.Hint }

// Status asks for the node's view of everything.
func (c *Client) Status(ctx context.Context) (*api.Status, error) {
	s := new(api.Status)
	return s, c.get(ctx, "/v1/status", s)
}

// Version asks which program the daemon is.
func (c *Client) Version(ctx context.Context) (api.Version, error) {
	var v api.Version
	return v, c.get(ctx, "/v1/version", &v)
}

// Plan asks what a reload would change.
func (c *Client) Plan(ctx context.Context) (api.Plan, error) {
	var p api.Plan
	return p, c.get(ctx, "/v1/plan", &p)
}

// Reload puts the file on disk in force. A file with errors is no error here:
// the plan says so.
func (c *Client) Reload(ctx context.Context) (api.Plan, error) {
	var p api.Plan
	return p, c.post(ctx, "/v1/reload", nil, http.StatusUnprocessableEntity, &p)
}

// Handover moves a group and waits until it has moved.
func (c *Client) Handover(ctx context.Context, group string, h api.Handover) (api.Result, error) {
	var r api.Result
	return r, c.post(ctx, "/v1/groups/"+url.PathEscape(group)+"/handover", h, http.StatusConflict, &r)
}

// Maintenance takes the node out of all elections, or back in.
func (c *Client) Maintenance(ctx context.Context, m api.Maintenance) (api.Result, error) {
	var r api.Result
	return r, c.post(ctx, "/v1/maintenance", m, http.StatusConflict, &r)
}

// Fence cuts a node off, or says that it is.
func (c *Client) Fence(ctx context.Context, f api.Fence) (api.Result, error) {
	var r api.Result
	return r, c.post(ctx, "/v1/fence", f, http.StatusConflict, &r)
}

// Fencing asks who can be cut off, and whether the watchdog runs.
func (c *Client) Fencing(ctx context.Context) (api.Fencing, error) {
	var f api.Fencing
	return f, c.get(ctx, "/v1/fencing", &f)
}

// Backends asks how services and what stands behind them are.
func (c *Client) Backends(ctx context.Context) (api.Backends, error) {
	var b api.Backends
	return b, c.get(ctx, "/v1/backends", &b)
}

// OrderBackend changes what is wanted of a backend.
func (c *Client) OrderBackend(ctx context.Context, o api.BackendOrder) (api.Result, error) {
	var r api.Result
	return r, c.post(ctx, "/v1/backend", o, http.StatusConflict, &r)
}

// ExplainFlow asks which backend a flow has or gets.
func (c *Client) ExplainFlow(ctx context.Context, from, to string) (api.FlowExplanation, error) {
	var e api.FlowExplanation
	return e, c.get(ctx, "/v1/backends/explain?"+url.Values{"from": {from}, "to": {to}}.Encode(), &e)
}

// Upgrade replaces the daemon's program by the one on the disk, and waits until
// that goes on.
func (c *Client) Upgrade(ctx context.Context) (api.Result, error) {
	var r api.Result
	return r, c.post(ctx, "/v1/upgrade", nil, http.StatusConflict, &r)
}

// Events asks for a page of the journal.
func (c *Client) Events(ctx context.Context, q Query) (api.Events, error) {
	var e api.Events
	return e, c.get(ctx, "/v1/events?"+q.values().Encode(), &e)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.ask(ctx, http.MethodGet, path, nil, http.StatusOK, into)
}

// post sends a command. Its answer comes with 200, or with also where the
// daemon could not do it.
func (c *Client) post(ctx context.Context, path string, doc any, also int, into any) error {
	return c.ask(ctx, http.MethodPost, path, doc, also, into)
}

func (c *Client) ask(ctx context.Context, method, path string, doc any, also int, into any) error {
	resp, err := c.send(ctx, method, path, doc, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != also {
		return refused(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("cannot read the daemon's answer to %s: %w", path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, doc any, header http.Header) (*http.Response, error) {
	var body io.Reader
	if doc != nil {
		data, err := json.Marshal(doc)
		if err != nil {
			return nil, fmt.Errorf("cannot write a request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://holdfast"+path, body)
	if err != nil {
		return nil, fmt.Errorf("cannot make a request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := c.http.Do(req)
	if err == nil {
		return resp, nil
	}
	if u, ok := errors.AsType[*Unreachable](err); ok {
		return nil, u
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Connected, but the other end went away or speaks something else.
	return nil, &Unreachable{Socket: c.socket, Err: bare(err)}
}

// refused reads why an answer says no.
func refused(resp *http.Response) error {
	e := &Refused{Status: resp.StatusCode}
	err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&e.Result)
	if err != nil || e.Result.Text == "" {
		e.Result = api.Result{Schema: api.SchemaResult, Text: "the daemon answered " + resp.Status}
	}
	return e
}

// bare takes off what the message around it says already.
func bare(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
