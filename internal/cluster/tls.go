package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Files name the certificates of a member.
type Files struct{ CA, Cert, Key string }

// FilesOf are those of a member in its directory.
func FilesOf(dir, name string) Files {
	in := func(file string) string { return filepath.Join(dir, file) }
	return Files{CA: in(authorityCert), Cert: in(name + ".crt"), Key: in(name + ".key")}
}

// Ends says until when the first certificate of a file is good.
func Ends(file string) (time.Time, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read certificate %s: %w", file, err)
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("cannot read certificate %s: %w", file, err)
		}
		return c.NotAfter, nil
	}
	return time.Time{}, fmt.Errorf("cannot read certificate %s: there is none in it", file)
}

// TLS is how to talk to who has a certificate of the same authority. The own
// certificate is read again for each connection, the authority's once. Without
// a Cert there is none.
func (f Files) TLS() (*tls.Config, error) {
	pool := x509.NewCertPool()
	b, err := os.ReadFile(f.CA)
	if err == nil && !pool.AppendCertsFromPEM(b) {
		err = errors.New("there is no certificate in it")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read certificate %s: %w", f.CA, err)
	}
	c := &tls.Config{RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	if f.Cert == "" {
		return c, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot read certificate %s and its key: %w", f.Cert, err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return c, nil
}
