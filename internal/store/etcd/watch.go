package etcd

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/metadata"

	"github.com/holdfast-net/holdfast/internal/lease"
)

// afresh is how often a watched record is read as well. Nothing should come of
// it: it is for a store that went back in time, whose watches would be silent
// until it has caught up.
const afresh = 5 * time.Second

// readBound is how long such a reading may take.
const readBound = 2 * time.Second

// Watch tells of a record and its changes, as any member tells of them first.
// It ends with ctx only.
func (s *Store) Watch(ctx context.Context, id string, tell func(lease.Found)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	w := &watch{store: s, id: id, tell: tell, news: make(chan struct{})}
	var all sync.WaitGroup
	for _, m := range s.members {
		all.Go(func() { w.follow(ctx, m) })
	}
	w.read(ctx)
	all.Wait()
	return ctx.Err()
}

// watch is one record that is watched on all members.
type watch struct {
	store *Store
	id    string
	tell  func(lease.Found)
	news  chan struct{} // closed by the first reading

	mu   sync.Mutex
	told int64 // revision of the record that was told last
	seen int64 // of the store: a reading that begins now finds no less
	once bool
}

// read reads the record now and then. The first time that is what the watches
// go on from.
func (w *watch) read(ctx context.Context) {
	for ctx.Err() == nil {
		w.mu.Lock()
		least := w.seen
		w.mu.Unlock()
		bound, cancel := context.WithTimeout(ctx, readBound)
		f, at, err := w.store.read(bound, w.id)
		cancel()
		wait := afresh
		switch {
		case err == nil:
			w.found(f, at, least)
		case !w.once:
			wait = mostPause
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// found tells what was read, if that is news.
func (w *watch) found(f lease.Found, at, least int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	mod := modified(f)
	back := at < least
	if !w.once || back || mod > w.told {
		w.told = mod
		w.tell(f)
	}
	if back {
		w.seen = at
	} else {
		w.seen = max(w.seen, at)
	}
	if !w.once {
		w.once = true
		close(w.news)
	}
}

// follow watches on one member.
func (w *watch) follow(ctx context.Context, m *member) {
	select {
	case <-w.news:
	case <-ctx.Done():
		return
	}
	for pause := leastPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		begun := time.Now()
		_, _ = with(ctx, m, func(ctx context.Context) (struct{}, error) { return struct{}{}, w.stream(ctx, m) })
		if time.Since(begun) > time.Second {
			pause = leastPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// stream watches until the connection is lost, the member has lost its leader,
// or has forgotten what there was.
func (w *watch) stream(ctx context.Context, m *member) error {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, rpctypes.MetadataRequireLeaderKey, rpctypes.MetadataHasLeader))
	defer cancel()
	st, err := m.watcher.Watch(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	from := w.seen + 1
	w.mu.Unlock()
	err = st.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{
		Key: w.store.key(w.id), StartRevision: from,
	}}})
	if err != nil {
		return err
	}
	for {
		r, err := st.Recv()
		switch {
		case err != nil:
			return err
		case !w.store.known(r.Header.GetClusterId()):
			return errElsewhere
		case r.CompactRevision != 0:
			return w.skip(ctx, from)
		case r.Canceled:
			return fmt.Errorf("the watch was cancelled: %s", r.CancelReason)
		}
		w.take(r)
	}
}

// skip is for a revision that the store has forgotten: what there is now is
// read, and the watch goes on from there.
func (w *watch) skip(ctx context.Context, least int64) error {
	bound, cancel := context.WithTimeout(ctx, readBound)
	defer cancel()
	f, at, err := w.store.read(bound, w.id)
	if err == nil {
		w.found(f, at, least-1)
	}
	return err
}

// modified is the revision of a record as a number; zero where there is none.
func modified(f lease.Found) int64 {
	n, _ := strconv.ParseInt(string(f.Revision), 10, 64)
	return n
}

// take tells what is new in an answer: each member tells of the same changes.
func (w *watch) take(r *pb.WatchResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range r.Events {
		if e.Kv.ModRevision <= w.told {
			continue
		}
		f, err := found([]*kv{e.Kv})
		if e.Type != 0 { // deleted, by a person
			f, err = lease.Found{Revision: lease.Absent}, nil
		}
		w.told = e.Kv.ModRevision
		w.seen = max(w.seen, w.told)
		if err == nil {
			w.tell(f)
		}
	}
}
