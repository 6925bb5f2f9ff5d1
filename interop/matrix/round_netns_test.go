package matrix

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// kept is a connection of each family that is open all the time.
type kept struct {
	family
	*visit
	name string // of its backend
}

func (s *site) keep() (all []*kept) {
	s.Helper()
	for _, f := range families {
		k := &kept{family: f}
		s.Cleanup(func() {
			if k.visit != nil {
				k.Close()
			}
		})
		s.renew(k)
		all = append(all, k)
	}
	return all
}

func (s *site) renew(k *kept) {
	s.Helper()
	v, err := connect(s.client, k.family, netip.Addr{})
	if err != nil {
		s.Fatalf("%s: cannot connect: %v\n%s", k.family.name, err, s.logs())
	}
	k.visit = v
	k.name, err = v.who()
	s.must(err)
}

// round is all that is asked of a way to forward with one scheduler.
func (s *site) round(sch scheduler, all []*kept) {
	s.Helper()
	began := time.Now()
	for _, k := range all {
		s.still(k, "after a reload to "+sch.name)
		what := s.mode.name + ", " + sch.name + ", " + k.family.name
		for _, part := range []struct {
			name string
			ask  func(family, scheduler) error
		}{
			{"spread", s.spread}, {"transfers", s.transfers}, {"datagrams", s.datagrams}, {"errors", s.errors}, {"echo", s.echo},
		} {
			at := time.Now()
			if err := part.ask(k.family, sch); err != nil {
				s.Errorf("%s: %s: %v", what, part.name, err)
			}
			if took := time.Since(at); took > 10*time.Second {
				s.Logf("%s: %s took %s", what, part.name, took.Round(time.Millisecond))
			}
		}
		s.still(k, "after the others of "+sch.name)
	}
	s.moves(sch)
	for _, k := range all {
		if s.mode.forward == "proxy" {
			k.Close()
			s.renew(k)
			continue
		}
		s.still(k, "after a handover with "+sch.name)
	}
	s.Logf("%s, %s: %s", s.mode.name, sch.name, time.Since(began).Round(10*time.Millisecond))
}

// still checks that a connection is where it was.
func (s *site) still(k *kept, when string) {
	s.Helper()
	if name, err := k.who(); err != nil || name != k.name {
		s.Fatalf("%s, %s: a connection to %s got %q, %v\n%s", k.family.name, when, k.name, name, err, s.logs())
	}
}

const (
	transferred = 2 << 20
	begun       = 128 << 10 // of a download that is under way
)

// transfers downloads and uploads from both clients.
func (s *site) transfers(f family, _ scheduler) error {
	for _, ns := range []*netns.NS{s.client, s.far, s.backends[0].ns, s.backends[1].ns, s.backends[2].ns} {
		s.forget(ns, f)
	}
	for _, c := range []struct {
		name string
		ns   *netns.NS
	}{{"near", s.client}, {"far", s.far}} {
		v, err := connect(c.ns, f, netip.Addr{})
		if err != nil {
			return fmt.Errorf("the client that is %s cannot connect: %w", c.name, err)
		}
		defer v.Close()
		at, err := v.download(transferred)
		if err != nil {
			return fmt.Errorf("a download that is %s from %s: %w", c.name, at, err)
		}
		if c.name == "far" {
			if err := s.learned(at, f); err != nil {
				return err
			}
		}
		if err := s.upload(v, transferred); err != nil {
			return fmt.Errorf("an upload that is %s to %s: %w", c.name, at, err)
		}
	}
	return nil
}

// learned checks that who sends to the client behind the narrow link was told of
// it: the backend, or the proxy.
func (s *site) learned(name string, f family) error {
	ns, to := s.backend(name).ns, f.at(f.far, client)
	switch s.mode.forward {
	case "full-nat":
		to = f.inner()
	case "proxy":
		ns = s.balancers[s.holder].NS()
	}
	if out := s.ip(ns, "route get "+to.String()); !strings.Contains(out, fmt.Sprint("mtu ", narrow)) {
		return fmt.Errorf("nobody told %s how narrow the way to %s is: %s", name, to, out)
	}
	return nil
}

// moves hands the address over while downloads are under way.
func (s *site) moves(sch scheduler) {
	s.Helper()
	type half struct {
		*visit
		what string
	}
	var under []half
	for _, f := range families {
		for _, c := range []struct {
			name string
			ns   *netns.NS
		}{{"near", s.client}, {"far", s.far}} {
			what := fmt.Sprintf("%s, %s, %s, a download that is %s", s.mode.name, sch.name, f.name, c.name)
			v, err := connect(c.ns, f, netip.Addr{})
			if err != nil {
				s.Errorf("%s: %v", what, err)
				continue
			}
			defer v.Close()
			s.must(v.SetDeadline(time.Now().Add(2 * patience)))
			_, err = io.WriteString(v, "GET /file HTTP/1.0\r\n\r\n")
			if err == nil {
				err = v.skipHeader()
			}
			if err == nil {
				err = same(v.r, file()[:begun])
			}
			if err != nil {
				s.Errorf("%s: %v", what, err)
				continue
			}
			under = append(under, half{v, what})
		}
	}
	s.handOver()
	for _, u := range under {
		s.must(u.SetDeadline(time.Now().Add(2 * patience)))
		err := same(u.r, file()[begun:])
		if s.mode.forward == "proxy" {
			if err == nil {
				s.Errorf("%s went on through another proxy", u.what)
			}
			continue
		}
		if err != nil {
			s.Errorf("%s, and the address moved: %v\n%s", u.what, err, s.logs())
		}
	}
	s.settled()
}

// skipHeader reads up to the body of an answer.
func (v *visit) skipHeader() error {
	for {
		line, err := v.r.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(line) == "" {
			return nil
		}
	}
}
