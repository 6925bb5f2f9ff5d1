package route

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/address"
	"github.com/holdfast-net/holdfast/internal/linux/rtnl"
)

func putAddress(a *config.StepAddress) error {
	link, err := index(a.Interface)
	if err != nil {
		return err
	}
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	err = one(c, address.AddStep(link, a.Prefix))
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	there, err := find(c, link, a)
	if err != nil || there.Proto == address.StepMark || !marks() {
		return err
	}
	return fmt.Errorf("%s has it already, and no step added it", a.Interface)
}

func removeAddress(a *config.StepAddress) error {
	link, err := index(a.Interface)
	if err != nil {
		return nil // its addresses went with it
	}
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	there, err := find(c, link, a)
	if err != nil || !there.Prefix.IsValid() || there.Proto != address.StepMark && marks() {
		return err
	}
	return one(c, address.Remove(link, a.Prefix))
}

func find(c *rtnl.Conn, link int, a *config.StepAddress) (address.Entry, error) {
	all, err := address.List(c, link)
	for _, e := range all {
		if e.Prefix == a.Prefix {
			return e, err
		}
	}
	return address.Entry{}, err
}

func one(c *rtnl.Conn, r rtnl.Request) error {
	reqs := []rtnl.Request{r}
	if err := c.Do(reqs); err != nil {
		return err
	}
	return reqs[0].Err
}

// marks tells whether the kernel keeps the marks of addresses: Linux 5.18.
func marks() bool {
	var u unix.Utsname
	var major, minor int
	if unix.Uname(&u) != nil {
		return true
	}
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return err != nil || major > 5 || major == 5 && minor >= 18
}

// set writes a setting. As for sysctl(8), a name with a slash is a path, for
// interfaces that have a dot in their name.
func set(name, value string) error {
	if !strings.Contains(name, "/") {
		name = strings.ReplaceAll(name, ".", "/")
	}
	f, err := os.OpenFile(filepath.Join("/proc/sys", filepath.Join("/", name)), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
