package config

import (
	"strconv"
)

func (s *settings) lease(l *Lease) {
	s.add("lease.ttl", InPlace, duration(l.TTL))
	s.add("lease.priority", InPlace, strconv.Itoa(l.Priority))
	s.add("lease.preempt", InPlace, strconv.FormatBool(l.Preempt))
	s.add("lease.preempt_delay", InPlace, duration(l.PreemptDelay))
	s.add("lease.failback", InPlace, list(texts(l.Failback, Window.String)))
	s.add("lease.stickiness", InPlace, strconv.Itoa(l.Stickiness))
	s.add("lease.failures", InPlace, strconv.Itoa(l.Failures))
	s.add("lease.barred", InPlace, duration(l.BarredFor))
	if l.Store.Embedded {
		s.add("lease.store", Election, "embedded")
	} else {
		s.add("lease.store", Election, "etcd")
		s.add("lease.endpoints", Election, list(l.Store.Endpoints))
	}
	if t := l.Store.TLS; t != nil {
		s.add("lease.tls.ca", Election, t.CA)
		s.add("lease.tls.cert", Election, t.Cert)
		s.add("lease.tls.key", Election, t.Key)
	}
	s.add("lease.user", Election, l.Store.User)
	if !l.Store.Password.Empty() {
		s.secret("lease.password", Election, l.Store.Password)
	}
	s.add("lease.prefix", Election, l.Store.Prefix)
}
