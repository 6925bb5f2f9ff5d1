package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The files of a cluster's certificates. A member needs the first, those of
// its own name, and the key of votes; the authority's key is needed to make
// certificates, and should be nowhere else than where that is done.
const (
	authorityCert = "ca.crt"
	// AuthorityKey is the file with the key of the authority.
	AuthorityKey = "ca.key"
)

const (
	authorityAge = 20 * 365 * 24 * time.Hour
	memberAge    = 10 * 365 * 24 * time.Hour
)

// Init makes what is missing in a directory: the authority, a certificate for
// each member, and the key of votes. It says which files it made.
func Init(dir, voteKey string, peers []Peer) (made []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make directory of certificates: %w", err)
	}
	write := func(name string, mode os.FileMode, b []byte) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = f.Write(b)
		made = append(made, name)
		return errors.Join(err, f.Close())
	}
	ca, key, err := authority(dir, write)
	if err != nil {
		return made, fmt.Errorf("cannot make the authority: %w", err)
	}
	for _, p := range peers {
		if has(dir, p.Name+".crt") && has(dir, p.Name+".key") {
			continue
		}
		if key == nil {
			return made, fmt.Errorf("cannot make a certificate for %s: there is no %s in %s", p.Name, AuthorityKey, dir)
		}
		if err := certify(ca, key, p, write); err != nil {
			return made, fmt.Errorf("cannot make a certificate for %s: %w", p.Name, err)
		}
	}
	if !has(dir, voteKey) {
		var k [32]byte
		_, _ = rand.Read(k[:]) // never fails: crypto/rand ends the program instead
		if err := write(voteKey, 0o600, []byte(hex.EncodeToString(k[:])+"\n")); err != nil {
			return made, fmt.Errorf("cannot make the key of votes: %w", err)
		}
	}
	slices.Sort(made)
	return made, nil
}

func has(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

type writer func(name string, mode os.FileMode, b []byte) error

// authority reads the one that is there, or makes one. Its key is nil where
// it is kept elsewhere.
func authority(dir string, write writer) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	der, err := readPEM(filepath.Join(dir, authorityCert))
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(write)
	}
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	der, err = readPEM(filepath.Join(dir, AuthorityKey))
	if errors.Is(err, fs.ErrNotExist) {
		return ca, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, nil, err
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("%s has a key of another kind than holdfast makes", AuthorityKey)
	}
	return ca, ec, nil
}

func readPEM(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("there is no PEM in %s", path)
	}
	return block.Bytes, nil
}

func newAuthority(write writer) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "holdfast cluster " + rand.Text()[:8]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(authorityAge),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	if err := writeKey(write, AuthorityKey, key); err != nil {
		return nil, nil, err
	}
	if err := write(authorityCert, 0o644, pemOf("CERTIFICATE", der)); err != nil {
		return nil, nil, err
	}
	ca, err = x509.ParseCertificate(der)
	return ca, key, err
}

func certify(ca *x509.Certificate, by *ecdsa.PrivateKey, p Peer, write writer) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	// Who has a certificate of the authority is a member: the addresses are
	// for etcd's clients, which look at them.
	cert := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: p.Name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(memberAge),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{p.Name}, IPAddresses: []net.IP{p.Addr.Addr().AsSlice()},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, by)
	if err != nil {
		return err
	}
	if err := writeKey(write, p.Name+".key", key); err != nil {
		return err
	}
	return write(p.Name+".crt", 0o644, pemOf("CERTIFICATE", der))
}

func writeKey(write writer, name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return write(name, 0o600, pemOf("PRIVATE KEY", der))
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand never fails
	return n
}
