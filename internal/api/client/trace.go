package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Trace calls see with each packet as it is told, until ctx is over (then it
// returns nil) or see returns an error.
func (c *Client) Trace(ctx context.Context, q api.TraceQuery, see func(*api.TracedPacket) error) error {
	v := url.Values{}
	for name, value := range map[string]string{"service": q.Service, "backend": q.Backend, "client": q.Client} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Snap > 0 {
		v.Set("snap", strconv.Itoa(q.Snap))
	}
	resp, err := c.send(ctx, http.MethodGet, "/v1/trace?"+v.Encode(), nil, http.Header{"Accept": {"text/event-stream"}})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var p api.TracedPacket
		if err := json.Unmarshal([]byte(data), &p); err != nil {
			return fmt.Errorf("cannot read a packet: %w", err)
		}
		if err := see(&p); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := lines.Err(); err != nil {
		return &Unreachable{Socket: c.socket, Err: bare(err)}
	}
	return nil
}
