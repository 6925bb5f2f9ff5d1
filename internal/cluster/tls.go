package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Files name the certificates of a member.
type Files struct{ CA, Cert, Key string }

// FilesOf are those of a member in its directory.
func FilesOf(dir, name string) Files {
	in := func(file string) string { return filepath.Join(dir, file) }
	return Files{CA: in(authorityCert), Cert: in(name + ".crt"), Key: in(name + ".key")}
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
