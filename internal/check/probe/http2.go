package probe

import (
	"context"
	"net"
	"net/http"
)

// http2 asks over a connection of its own, which the standard library drives.
func (t *trip) http2(req *http.Request, address string) (*http.Response, error) {
	var refused error // of the handshake, before the library wraps it
	transport := &http.Transport{
		Protocols:          new(http.Protocols),
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return t.conns.dial(ctx, address)
		},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := t.conns.dial(ctx, address)
			if err != nil {
				return nil, err
			}
			secured, err := t.speak(conn, req.URL)
			if err != nil {
				refused = err
				return nil, err
			}
			return secured, nil
		},
		MaxResponseHeaderBytes: maxHead,
	}
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	conn, err := transport.NewClientConn(req.Context(), req.URL.Scheme, address)
	if err != nil {
		if refused != nil {
			return nil, refused
		}
		return nil, err
	}
	resp, err := conn.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return resp, nil
}
