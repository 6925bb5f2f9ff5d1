// Package lease keeps a group from having two holders by means of a store that
// several nodes share (etcd): a node holds for as long as a record in it
// says so, and every hold ends by itself.
//
// The store needs to do no more than any coordination service can: read a
// record, replace it if it is still the one that was read, and tell of
// changes. See [Query].
package lease
