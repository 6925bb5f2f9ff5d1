package etcd

import (
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refused says whether an error means that a write was not carried out and
// will not be. Whatever is not known to mean that does not: a member that was
// lost on the way may have passed it on.
func refused(err error) bool {
	if errors.Is(err, errElsewhere) {
		return true
	}
	switch status.Code(err) {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument, codes.ResourceExhausted, codes.FailedPrecondition:
		return true
	}
	switch rpctypes.Error(err) {
	case rpctypes.ErrNoSpace, rpctypes.ErrNoLeader, rpctypes.ErrNotCapable, rpctypes.ErrTooManyRequests, rpctypes.ErrGRPCNotSupportedForLearner:
		return true
	}
	return false
}
