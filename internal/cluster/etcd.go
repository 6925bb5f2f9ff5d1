package cluster

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Bounds of what a member keeps. A lease is a few hundred bytes and replaced
// all the time: a minute of history is enough for any watch, and what is freed
// is used again.
const (
	quota      = 1 << 30
	defragment = 64 << 20 // worth it, at a start
	history    = "1m"
)

// electionBeats is how many heartbeats are missing before an election. Members
// wait for a random time between this and twice as much.
const electionBeats = 10

// start starts etcd. The initial members count only where there is no data.
func (m *member) start(initial map[string]string, existing bool) (*embed.Etcd, error) {
	own, err := m.spec.own()
	if err != nil {
		return nil, err
	}
	c := embed.NewConfig()
	c.Name, c.Dir = m.spec.Name, m.data()
	c.ListenClientUrls = []url.URL{{Scheme: "https", Host: own.Addr.String()}}
	c.ListenPeerUrls = []url.URL{{Scheme: "https", Host: own.after(1).String()}}
	c.AdvertiseClientUrls, c.AdvertisePeerUrls = c.ListenClientUrls, c.ListenPeerUrls
	c.ClientTLSInfo = transport.TLSInfo{
		CertFile: m.files.Cert, KeyFile: m.files.Key, TrustedCAFile: m.files.CA, ClientCertAuth: true,
		// A node has more addresses than the one in its certificate.
		SkipClientSANVerify: true,
	}
	c.PeerTLSInfo = c.ClientTLSInfo
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(initial)) {
		parts = append(parts, name+"="+initial[name])
	}
	c.InitialCluster = strings.Join(parts, ",")
	c.ClusterState = embed.ClusterStateFlagNew
	if existing {
		c.ClusterState = embed.ClusterStateFlagExisting
	}
	c.InitialClusterToken = token(m.memory.Formation)
	c.TickMs = uint(m.spec.Heartbeat.Milliseconds())
	c.ElectionMs = electionBeats * c.TickMs
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModePeriodic, history
	c.QuotaBackendBytes = quota
	c.BootstrapDefragThresholdMegabytes = defragment >> 20
	c.EnableGRPCGateway = false
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(newCore(m.log, &m.ending)))
	e, err := embed.StartEtcd(c)
	if err != nil {
		return nil, fmt.Errorf("cannot start the store: %w", err)
	}
	return e, nil
}
