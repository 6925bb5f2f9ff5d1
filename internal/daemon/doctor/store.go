package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/cluster"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/daemon"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/store"
)

// stores looks at where leases are: whether it answers, and how soon against
// the shortest lease in it; of a cluster's own its members, disk and
// certificates. Nothing is written there.
func (e *examination) stores(cfg *config.Config) {
	if cfg.Cluster != nil && cfg.Cluster.Store != nil {
		e.members(cfg)
		e.storeDisk(filepath.Join(cfg.State, "store"))
		f := cluster.FilesOf(cfg.Cluster.Store.Certificates, cfg.Node)
		e.certificate(f.Cert, "holdfast cluster init makes it anew where it is removed, with the authority's key")
		e.certificate(f.CA, "move it and all that it signed away, and run holdfast cluster init again")
	}
	for _, l := range electors(cfg) {
		e.reach(cfg, l)
		if t := l.Store.TLS; t != nil {
			for _, file := range []string{t.Cert, t.CA} {
				if file != "" {
					e.certificate(file, "ask who runs the etcd for a new one")
				}
			}
		}
	}
}

// electors are the groups' leases, one for each store: the shortest.
func electors(cfg *config.Config) []*config.Lease {
	var out []*config.Lease
	for i := range cfg.Groups {
		l := cfg.Groups[i].Lease
		if l == nil {
			continue
		}
		at := slices.IndexFunc(out, func(o *config.Lease) bool { return o.Store.Equal(l.Store) })
		switch {
		case at < 0:
			out = append(out, l)
		case l.TTL < out[at].TTL:
			out[at] = l
		}
	}
	return out
}

// tries is how often a store is asked: the first answer has the connection to
// be made in it.
const tries = 5

// reach asks the store for a record that is not there.
func (e *examination) reach(cfg *config.Config, l *config.Lease) {
	s, err := daemon.OpenStore(cfg, l.Store)
	if err != nil {
		e.add(api.FindingMissing, "store", "see to the certificates and endpoints of the file", "%v", err)
		return
	}
	defer func() { _ = s.Close() }() // it was only read from
	first, slowest, err := ask(s, l.TTL)
	e.answers(l.TTL, first, slowest, err, s.View())
}

// probed is a name that no group has: names of groups have no slash.
const probed = "/doctor"

// ask measures how long the store takes for an answer of its majority.
func ask(s store.Store, ttl time.Duration) (first, slowest time.Duration, err error) {
	for i := range tries {
		ctx, cancel := context.WithTimeout(context.Background(), max(ttl, 2*time.Second))
		begun := time.Now()
		_, err := s.Get(ctx, probed)
		took := time.Since(begun)
		cancel()
		if err != nil {
			return first, slowest, err
		}
		if i == 0 {
			first = took
		} else {
			slowest = max(slowest, took)
		}
	}
	return first, slowest, nil
}

// answers judges what was measured. A holder renews four times in a term, and
// a hold goes on for as long as a renewal takes less than lease.Slack.
func (e *examination) answers(ttl, first, slowest time.Duration, err error, members []store.View) {
	var silent []string
	for _, m := range members {
		if m.Err != "" {
			silent = append(silent, m.Endpoint+" ("+m.Err+")")
		}
	}
	beside := ""
	if len(silent) > 0 {
		beside = "; of its members these did not answer: " + strings.Join(silent, ", ")
	}
	took := fmt.Sprintf("it answered in %s at most (the first time in %s), and the shortest lease is %s", milli(slowest), milli(first), ttl)
	switch {
	case err != nil:
		e.add(api.FindingMissing, "store", "see that a majority of its members runs and can be reached; holdfast cluster status shows the cluster's own",
			"it does not answer: %v%s: no group with a lease is held", err, beside)
	case slowest > lease.Slack(ttl):
		e.add(api.FindingMissing, "store", "use a longer ttl, or a faster store", "%s: holds would end before they are renewed%s", took, beside)
	case slowest > ttl/4:
		e.add(api.FindingWeaker, "store", "use a longer ttl, or a faster store", "%s: a renewal takes longer than the time between two%s", took, beside)
	case beside != "":
		e.add(api.FindingWeaker, "store", "see to these members", "%s%s", took, beside)
	default:
		e.ok("store", "%s", took)
	}
}

// milli is a time for people.
func milli(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// members are those of the cluster's own store.
func (e *examination) members(cfg *config.Config) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := daemon.ClusterStore{}.Status(ctx, cfg)
	if err != nil {
		e.add(api.FindingMissing, "cluster store", "run holdfast cluster init, and copy what it made to all nodes", "%v", err)
		return
	}
	if !c.Majority {
		e.add(api.FindingMissing, "cluster store", "a majority of its members has to run", "it has no majority: no group with a lease is held")
	}
	for i := range c.Members {
		m := &c.Members[i]
		if m.Trouble != "" {
			e.add(api.FindingWeaker, "cluster store", m.Hint, "member %s: %s", m.Name, m.Trouble)
			continue
		}
		e.ok("cluster store", "member %s: %s, %d MiB of its database in use, writes took %s on average and %s at most in the last minute",
			m.Name, m.State, m.InUse>>20, milli(time.Duration(m.DiskAverage)), milli(time.Duration(m.DiskSlowest)))
	}
}

// roomy is what a member's disk should have left: a database of 1 GiB at most,
// its log and its snapshots.
const roomy = 2 << 30

// storeDisk looks at the room for this node's member.
func (e *examination) storeDisk(dir string) {
	var fs unix.Statfs_t
	err := unix.Statfs(dir, &fs)
	for os.IsNotExist(err) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir) // it is made at the first start
		err = unix.Statfs(dir, &fs)
	}
	free := fs.Bavail * uint64(fs.Bsize)
	switch {
	case err != nil:
		e.add(api.FindingMissing, "store disk", "see to the directory of state:", "the file system of %s cannot be looked at: %v", dir, err)
	case free < roomy:
		e.add(api.FindingWeaker, "store disk", "make room, or put state: elsewhere", "%d MiB are free for this node's member, which may need %d", free>>20, roomy>>20)
	default:
		e.ok("store disk", "%d GiB are free for this node's member", free>>30)
	}
}

// soon is when a certificate's end is to be thought of.
const soon = 30 * 24 * time.Hour

func (e *examination) certificate(file, do string) {
	ends, err := cluster.Ends(file)
	left := time.Until(ends)
	days := int(left.Hours() / 24)
	switch {
	case err != nil:
		e.add(api.FindingMissing, "certificate", do, "%v", err)
	case left <= 0:
		e.add(api.FindingMissing, "certificate", do, "%s ended at %s: nobody talks to who shows it", file, ends.Format(time.DateTime))
	case left < soon:
		e.add(api.FindingWeaker, "certificate", do, "%s ends in %d days", file, days)
	default:
		e.ok("certificate", "%s is good for %d days", file, days)
	}
}
