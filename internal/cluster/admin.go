package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Admin looks at a cluster's store and changes its members.
type Admin struct {
	spec   Spec
	doors  *Doors
	client *clientv3.Client
}

// changeBound is how long a change of the members may take, tryBound one try of
// it: what was asked of a leader that is none any more is never answered.
const (
	changeBound = 30 * time.Second
	tryBound    = 4 * time.Second
)

// neededBound is how long a change waits for members that do not answer.
const neededBound = 3 * time.Second

// NewAdmin makes one with the certificates of this machine: those of the Spec's
// Name. Of a Spec it takes Peers and Heartbeat as well.
func NewAdmin(s Spec) (*Admin, error) {
	t, err := FilesOf(s.Certificates, s.Name).TLS()
	if err != nil {
		return nil, err
	}
	var at []string
	for _, p := range s.Peers {
		at = append(at, p.Client())
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: at, TLS: t, Logger: zap.NewNop(), DialTimeout: askBound})
	if err != nil {
		return nil, fmt.Errorf("cannot reach the store: %w", err)
	}
	return &Admin{spec: s, doors: NewDoors(t), client: c}, nil
}

// Close ends its connections.
func (a *Admin) Close() {
	a.doors.Close()
	_ = a.client.Close()
}

// ErrNoMajority is the error of a change that the store cannot agree on.
var ErrNoMajority = errors.New("the store has no majority of its members: nothing can be changed")

// Replace makes a member anew whose data is lost, or damaged: it is removed,
// and expected with the same name and address.
func (a *Admin) Replace(ctx context.Context, name string) error {
	var old uint64
	return a.change(ctx, func(ctx context.Context, r *Report) error {
		m := r.member(name)
		p, listed := a.peer(name)
		switch {
		case !listed:
			return fmt.Errorf("%s is not among the nodes and witnesses of the cluster in the file", name)
		case m != nil && m.ID != 0 && (old == 0 || m.ID == old):
			old = m.ID
			if err := a.remove(ctx, r, m); err != nil {
				return err
			}
		case old == 0:
			return fmt.Errorf("%s is no member: run `holdfast cluster grow %s`", name, name)
		case m != nil && m.ID != 0:
			return nil // it is expected: only the answer was lost
		}
		_, err := a.client.MemberAddAsLearner(ctx, []string{p.peerURL()})
		return err
	})
}

// Grow has the cluster expect another member. It joins as a learner and becomes
// a member by itself.
func (a *Admin) Grow(ctx context.Context, name string) error {
	return a.change(ctx, func(ctx context.Context, r *Report) error {
		p, listed := a.peer(name)
		if !listed {
			return fmt.Errorf("%s is not among the nodes and witnesses of the cluster in the file: add it there first", name)
		}
		if m := r.member(name); m != nil && m.ID != 0 {
			return fmt.Errorf("%s is a member already", name)
		}
		_, err := a.client.MemberAddAsLearner(ctx, []string{p.peerURL()})
		return err
	})
}

// Shrink removes a member.
func (a *Admin) Shrink(ctx context.Context, name string) error {
	tried := false
	return a.change(ctx, func(ctx context.Context, r *Report) error {
		m := r.member(name)
		if m == nil || m.ID == 0 {
			if tried {
				return nil // only the answer was lost
			}
			return fmt.Errorf("%s is no member", name)
		}
		tried = true
		return a.remove(ctx, r, m)
	})
}

// remove removes a member that can be spared. It is not itself asked to: it
// ends with it, and the answer would be lost.
func (a *Admin) remove(ctx context.Context, r *Report, m *Member) error {
	if err := r.spare(m.Name); err != nil {
		return err
	}
	var others []string
	for _, p := range a.spec.Peers {
		if o := r.member(p.Name); p.Name != m.Name && o.Answers() {
			others = append(others, p.Client())
		}
	}
	if len(others) > 0 {
		a.client.SetEndpoints(others...)
	}
	_, err := a.client.MemberRemove(ctx, m.ID)
	return err
}

func (a *Admin) peer(name string) (Peer, bool) {
	i := slices.IndexFunc(a.spec.Peers, func(p Peer) bool { return p.Name == name })
	if i < 0 {
		return Peer{}, false
	}
	return a.spec.Peers[i], true
}

// change does something once it is known that the cluster can agree on it. A
// leader that was elected a moment ago refuses for another one.
func (a *Admin) change(ctx context.Context, do func(context.Context, *Report) error) error {
	ctx, cancel := context.WithTimeout(ctx, changeBound)
	defer cancel()
	for begun := time.Now(); ; {
		r := a.Status(ctx)
		if r.Leader == "" {
			return ErrNoMajority
		}
		try, end := context.WithTimeout(ctx, tryBound)
		err := do(try, r)
		late := try.Err() != nil
		end()
		// A member that has just lost its leader answers again in a moment.
		soon := errors.Is(err, errNeeded) && time.Since(begun) < neededBound
		if err == nil || ctx.Err() != nil || !passes(err) && !soon && !late {
			return err
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return fmt.Errorf("another change is not over yet: %w", err)
		}
	}
}

// passes says whether etcd refused a change only for now: its members do not
// all know each other yet, an earlier one still learns, the leader changed
// before it had answered, or a member with the same address was added and removed
// in this very second: etcd makes a member's number of its address and the
// second, and takes none again ("member not found").
func passes(err error) bool {
	e := rpctypes.Error(err)
	if ours, ok := errors.AsType[rpctypes.EtcdError](e); ok && ours.Code() == codes.Unavailable {
		return true // a timeout, another leader
	}
	s, said := status.FromError(err)
	return errors.Is(e, rpctypes.ErrUnhealthy) || errors.Is(e, rpctypes.ErrTooManyLearners) || errors.Is(e, rpctypes.ErrMemberNotFound) || said && (s.Code() == codes.Unavailable || s.Code() == codes.Unknown)
}

// Snapshot writes all that the store has to a file, which Restore reads.
func (a *Admin) Snapshot(ctx context.Context, path string) (size int64, err error) {
	r, err := a.client.Snapshot(ctx)
	if err != nil {
		return 0, fmt.Errorf("cannot read the store: %w", err)
	}
	defer r.Close()
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	size, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		_ = os.Remove(path + ".part")
		return 0, fmt.Errorf("cannot write snapshot: %w", err)
	}
	return size, nil
}
