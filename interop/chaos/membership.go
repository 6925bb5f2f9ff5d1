package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// loseMember kills all that runs on a node and loses the data of its member of
// the store. While the node is down, and whatever else goes wrong meanwhile, an
// operator has the others replace the member, or remove it and add it again.
func (r *run) loseMember(e Event, on *node, h *Happened) (end func() error, err error) {
	switch {
	case !r.cluster.mode.embedded():
		return nil, skipped{"the store is none of the nodes"}
	case on.lost != "":
		return nil, skipped{"its member is lost already"}
	}
	for _, o := range r.cluster.nodes {
		if o.lost != "" {
			return nil, skipped{"another member is lost: two would be a majority, and what they have"}
		}
	}
	on.signal(unix.SIGSTOP, all)
	if err := r.signal(on, unix.SIGKILL, all); err != nil {
		return nil, err
	}
	for len(on.pids(all)) > 0 {
		time.Sleep(time.Millisecond)
	}
	store := filepath.Join(on.state(), "store")
	if on.disk != nil {
		store = on.disk.path("store")
	}
	if err := os.RemoveAll(store); err != nil {
		return nil, err
	}
	on.lost = "replace"
	if e.Fault == Regrow {
		on.lost = "shrink"
	}
	left := make(chan string, 1)
	go func(how string) {
		how, _ = r.operate(on, how, time.Now().Add(e.Length)) // what cannot be done yet is done when all is over
		left <- how
	}(on.lost)
	return func() error {
		on.lost = <-left
		h.Note = "the others could not agree on it by then"
		if on.lost == "" {
			h.Note = "done while it was down"
		}
		return on.start()
	}, nil
}

// operate has a lost member replaced, or removed and added again, by an operator
// who tries on one other node after the other until an instant. It says what is
// left to do.
func (r *run) operate(lost *node, how string, until time.Time) (left string, err error) {
	for {
		var errs []error
		for _, n := range r.cluster.others(lost) {
			for how != "" {
				if err := r.change(n, how, lost.name); err != nil {
					errs = append(errs, err)
					break
				}
				how = map[string]string{"shrink": "grow"}[how]
			}
		}
		if how == "" {
			return "", nil
		}
		if time.Now().After(until) {
			return how, errors.Join(errs...)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// change is `holdfast cluster HOW NAME` on a node.
func (r *run) change(n *node, how, name string) error {
	if n.host.NS() == nil {
		return fmt.Errorf("%s is off", n.name)
	}
	cmd := exec.Command(n.opt.Binary, "cluster", how, name, "-c", filepath.Join(n.opt.Dir, "holdfast.yaml"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	p, err := n.host.Start(cmd)
	if err != nil {
		return err
	}
	impatient := time.NewTimer(10 * time.Second)
	defer impatient.Stop()
	select {
	case <-p.Done():
	case <-impatient.C:
		_ = p.Kill()
		<-p.Done()
	}
	if err := p.Err(); err != nil {
		return fmt.Errorf("cluster %s %s on %s: %w: %s", how, name, n.name, err, said.Bytes())
	}
	return nil
}
