package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/store"
)

// DefaultPrefix is before the names of leases in the store.
const DefaultPrefix = "/holdfast/"

// Config is where the store is.
type Config struct {
	Endpoints []string    // host:port, or with http:// or https:// before it
	TLS       *tls.Config // nil: plain TCP
	User      string      // empty: none
	Password  string
	Prefix    string // of keys; empty: DefaultPrefix
}

// Store is an etcd as its members' connections. It implements store.Store.
type Store struct {
	cfg     Config
	members []*member
	identity
	ctx    context.Context
	cancel context.CancelFunc
	asked  sync.WaitGroup

	mu   sync.Mutex
	best int // member that is asked first
}

// New makes a store. It connects when it is asked something.
func New(cfg Config) (*Store, error) {
	if len(cfg.Endpoints) == 0 {
		return nil, errors.New("cannot use etcd: it has no endpoints")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	s := &Store{cfg: cfg}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, e := range cfg.Endpoints {
		m, err := newMember(e, cfg)
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		s.members = append(s.members, m)
	}
	s.identity.of = make([]uint64, len(s.members))
	return s, nil
}

// Close ends what is under way and the connections.
func (s *Store) Close() error {
	s.cancel()
	s.asked.Wait()
	var errs []error
	for _, m := range s.members {
		errs = append(errs, m.conn.Close())
	}
	return errors.Join(errs...)
}

// Get reads a record from a majority.
func (s *Store) Get(ctx context.Context, id string) (lease.Found, error) {
	f, _, err := s.read(ctx, id)
	return f, err
}

// read is Get, with the revision that the whole store had.
func (s *Store) read(ctx context.Context, id string) (lease.Found, int64, error) {
	r, err := race(ctx, s, false, func(ctx context.Context, m *member) (*pb.RangeResponse, *pb.ResponseHeader, error) {
		r, err := m.kv.Range(ctx, &pb.RangeRequest{Key: s.key(id)})
		return r, r.GetHeader(), err
	}, nil)
	if err != nil {
		return lease.Found{}, 0, fmt.Errorf("cannot read lease %s: %w", id, err)
	}
	f, err := found(r.Kvs)
	return f, r.Header.Revision, err
}

// Swap replaces a record if the condition is met.
//
// That it was not is certain only when no other member may still carry it out.
// Where the condition is a revision it never will, for that revision is over.
// Where it is a record, an earlier Swap may yet bring it about: then all that
// were asked have to have answered.
func (s *Store) Swap(ctx context.Context, id string, is lease.Condition, to lease.Record) (bool, lease.Found, error) {
	cmp, err := s.compare(id, is)
	if err != nil {
		return false, lease.Found{}, err
	}
	key, value := s.key(id), to.Append(nil)
	txn := &pb.TxnRequest{
		Compare: []*pb.Compare{cmp},
		Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: key, Value: value}}}},
		Failure: []*pb.RequestOp{{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: key}}}},
	}
	done := func(r *pb.TxnResponse) bool { return r.Succeeded || is.Revision != "" || written(r, value) != nil }
	r, err := race(ctx, s, true, func(ctx context.Context, m *member) (*pb.TxnResponse, *pb.ResponseHeader, error) {
		r, err := m.kv.Txn(ctx, txn)
		return r, r.GetHeader(), err
	}, done)
	if err != nil {
		return false, lease.Found{}, fmt.Errorf("cannot write lease %s: %w", id, err)
	}
	if r.Succeeded {
		return true, lease.Found{Revision: revision(r.Header.Revision), Record: to}, nil
	}
	if kv := written(r, value); kv != nil {
		return true, lease.Found{Revision: revision(kv.ModRevision), Record: to}, nil
	}
	f, err := found(r.Responses[0].GetResponseRange().Kvs)
	return false, f, err
}

// written is the value of a failed transaction if it is the very one that it
// was to write: another member was faster with it.
func written(r *pb.TxnResponse, value []byte) *kv {
	if r.Succeeded || len(r.Responses) == 0 {
		return nil
	}
	kvs := r.Responses[0].GetResponseRange().GetKvs()
	if len(kvs) == 1 && string(kvs[0].Value) == string(value) {
		return kvs[0]
	}
	return nil
}

func (s *Store) compare(id string, is lease.Condition) (*pb.Compare, error) {
	c := &pb.Compare{Key: s.key(id), Result: pb.Compare_EQUAL}
	switch {
	case is.Revision == lease.Absent:
		c.Target, c.TargetUnion = pb.Compare_CREATE, &pb.Compare_CreateRevision{}
	case is.Revision != "":
		n, err := strconv.ParseInt(string(is.Revision), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot write lease %s: %q is no revision of etcd", id, is.Revision)
		}
		c.Target, c.TargetUnion = pb.Compare_MOD, &pb.Compare_ModRevision{ModRevision: n}
	case is.After != nil:
		c.Target, c.TargetUnion = pb.Compare_VALUE, &pb.Compare_Value{Value: is.After.Append(nil)}
	default:
		return nil, fmt.Errorf("cannot write lease %s: there is no condition", id)
	}
	return c, nil
}

func (s *Store) key(id string) []byte { return []byte(s.cfg.Prefix + id) }

func revision(n int64) lease.Revision { return lease.Revision(strconv.FormatInt(n, 10)) }

func found(kvs []*kv) (lease.Found, error) {
	if len(kvs) == 0 {
		return lease.Found{Revision: lease.Absent}, nil
	}
	r, err := lease.Parse(kvs[0].Value)
	return lease.Found{Revision: revision(kvs[0].ModRevision), Record: r}, err
}

// View lists the members as they are now.
func (s *Store) View() []store.View {
	s.mu.Lock()
	best := s.best
	s.mu.Unlock()
	out := make([]store.View, len(s.members))
	for i, m := range s.members {
		out[i] = m.view()
		out[i].First = i == best
	}
	return out
}
