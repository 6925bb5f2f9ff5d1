package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/embed"
)

const (
	promoteEvery = 500 * time.Millisecond
	diskEvery    = 10 * time.Second
	diskOver     = 6 // of these
)

// keepHouse does what an operator of etcd would have to know to do: learners
// become members once they have everything, and a database that was full works
// again when there is room in it.
func (m *member) keepHouse(ctx context.Context, e *embed.Etcd) {
	promote, disk := time.NewTicker(promoteEvery), time.NewTicker(diskEvery)
	defer promote.Stop()
	defer disk.Stop()
	var d diskWatch
	d.look()
	for {
		select {
		case <-ctx.Done():
			return
		case <-promote.C:
			m.promote(ctx, e)
		case <-disk.C:
			seen := d.look()
			m.mu.Lock()
			m.disk = seen
			m.mu.Unlock()
			m.makeRoom(ctx, e)
		}
	}
}

// promote makes members of learners that have what there is. etcd refuses
// those that have not.
func (m *member) promote(ctx context.Context, e *embed.Etcd) {
	s := e.Server
	if s.Leader() != s.MemberID() {
		return
	}
	for _, i := range s.Cluster().Members() {
		if !i.IsLearner || i.Name == "" {
			continue
		}
		bound, cancel := context.WithTimeout(ctx, askBound)
		if _, err := s.PromoteMember(bound, uint64(i.ID)); err == nil {
			m.log.Info("store", "reason", fmt.Sprintf("%s has everything, and is a member now", i.Name))
		}
		cancel()
	}
}

// makeRoom is for a database that had reached its bound. What is over is
// removed from it all the time, and leaves holes: they are put together, and
// the alarm, which nobody else would take back, is over.
func (m *member) makeRoom(ctx context.Context, e *embed.Etcd) {
	s := e.Server
	for _, a := range s.Alarms() {
		if a.Alarm != pb.AlarmType_NOSPACE || a.MemberID != uint64(s.MemberID()) || s.Backend().SizeInUse() > quota/2 {
			continue
		}
		if s.Backend().Size() > quota/2 {
			if err := s.Backend().Defrag(); err != nil {
				m.log.Warn("store", "reason", fmt.Sprintf("cannot make room in the database: %v", err))
				return
			}
		}
		bound, cancel := context.WithTimeout(ctx, askBound)
		_, err := s.Alarm(bound, &pb.AlarmRequest{Action: pb.AlarmRequest_DEACTIVATE, Alarm: a.Alarm, MemberID: a.MemberID})
		cancel()
		m.log.Warn("store", "reason", "the database was full, and has room again", "err", err)
	}
}

// diskWatch reads how long the disk took, from etcd's own figures.
type diskWatch struct{ last []diskFigures }

type diskFigures struct {
	count   uint64
	sum     float64
	buckets []uint64
	bounds  []float64
}

// walFigures is the histogram of writes that had to be on the disk.
const walFigures = "etcd_disk_wal_fsync_duration_seconds"

func (w *diskWatch) look() Disk {
	all, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return Disk{}
	}
	var h *dto.Histogram
	for _, f := range all {
		if f.GetName() == walFigures && len(f.Metric) > 0 {
			h = f.Metric[0].Histogram
		}
	}
	if h == nil {
		return Disk{}
	}
	now := diskFigures{count: h.GetSampleCount(), sum: h.GetSampleSum()}
	for _, b := range h.Bucket {
		now.buckets, now.bounds = append(now.buckets, b.GetCumulativeCount()), append(now.bounds, b.GetUpperBound())
	}
	w.last = append(w.last, now)
	if len(w.last) > diskOver+1 {
		w.last = w.last[1:]
	}
	return now.since(w.last[0])
}

func (f diskFigures) since(o diskFigures) Disk {
	n := f.count - o.count
	if n == 0 || len(f.buckets) != len(o.buckets) {
		return Disk{}
	}
	d := Disk{Average: time.Duration((f.sum - o.sum) / float64(n) * float64(time.Second))}
	for i := range f.buckets {
		d.Slowest = time.Duration(f.bounds[i] * float64(time.Second))
		if f.buckets[i]-o.buckets[i] == n {
			break
		}
	}
	return d
}
