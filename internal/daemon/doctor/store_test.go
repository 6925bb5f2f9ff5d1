package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/store"
)

func TestStore_Answers(t *testing.T) {
	silent := []store.View{{Endpoint: "10.0.0.1:2379"}, {Endpoint: "10.0.0.2:2379", Err: "connection refused"}}
	for _, tt := range []struct {
		name    string
		slowest time.Duration
		err     error
		members []store.View
		want    string
		text    string
	}{
		{"soon", 3 * time.Millisecond, nil, nil, api.FindingOK, "answered in 3ms at most"},
		{"later than a pace", 600 * time.Millisecond, nil, nil, api.FindingWeaker, "longer than the time between two"},
		{"too late", 1500 * time.Millisecond, nil, nil, api.FindingMissing, "would end before they are renewed"},
		{"not all of it", 3 * time.Millisecond, nil, silent, api.FindingWeaker, "10.0.0.2:2379 (connection refused)"},
		{"not at all", 0, errors.New("context deadline exceeded"), silent, api.FindingMissing, "no group with a lease is held"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e examination
			e.answers(2*time.Second, 10*time.Millisecond, tt.slowest, tt.err, tt.members)
			if f := finding(t, &e, "store"); f.Result != tt.want || !strings.Contains(f.Text, tt.text) || f.Result != api.FindingOK && f.Do == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// A store that nobody runs is missing, and said so in time.
func TestStore_Gone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	cfg := &config.Config{Node: "lb1", Groups: []config.Group{{Name: "db", Lease: &config.Lease{
		TTL: 2 * time.Second, Store: config.Store{Endpoints: []string{"http://" + at}},
	}}}}
	var e examination
	begun := time.Now()
	e.stores(cfg)
	if f := finding(t, &e, "store"); f.Result != api.FindingMissing || !strings.Contains(f.Text, "does not answer") {
		t.Errorf("%+v", f)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		left time.Duration
		want string
	}{
		"good":  {400 * 24 * time.Hour, api.FindingOK},
		"soon":  {20*24*time.Hour + time.Hour, api.FindingWeaker},
		"ended": {-time.Hour, api.FindingMissing},
	} {
		t.Run(name, func(t *testing.T) {
			c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(tt.left)}
			der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, name+".crt")
			if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
				t.Fatal(err)
			}
			var e examination
			e.certificate(file, "make it anew")
			if f := finding(t, &e, "certificate"); f.Result != tt.want || name == "soon" && !strings.Contains(f.Text, "ends in 20 days") {
				t.Errorf("%+v", f)
			}
		})
	}
	var e examination
	e.certificate(filepath.Join(dir, "nothing.crt"), "make it")
	if f := finding(t, &e, "certificate"); f.Result != api.FindingMissing {
		t.Errorf("%+v", f)
	}
}

// The room for a member is that of the first directory there is.
func TestStoreDisk(t *testing.T) {
	var e examination
	e.storeDisk(filepath.Join(t.TempDir(), "state", "store"))
	if f := finding(t, &e, "store disk"); f.Result == api.FindingMissing {
		t.Errorf("%+v", f)
	}
}
