package watchdog

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options is how a device is opened.
type Options struct {
	Path    string
	Timeout time.Duration // in whole seconds; the device may round it
	// Pretimeout is how long before the end the kernel is told, so that it
	// may write a dump; 0: not.
	Pretimeout time.Duration
}

// Device is a watchdog that runs.
type Device struct {
	file    *os.File
	timeout time.Duration
}

// Open starts a watchdog.
func Open(o Options) (*Device, error) {
	f, err := os.OpenFile(o.Path, os.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, openError(o.Path, err)
	}
	d := &Device{file: f}
	if err := d.set(o); err != nil {
		// It runs already: better stopped than left to itself.
		return nil, errors.Join(err, d.Disarm())
	}
	return d, nil
}

func openError(path string, err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("cannot open watchdog %s: another process has it (systemd with RuntimeWatchdogSec=, watchdogd, sbd?)", path)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("cannot open watchdog %s: there is none (load the module of the machine's, or softdog)", path)
	}
	return fmt.Errorf("cannot open watchdog: %w", err)
}

func (d *Device) set(o Options) error {
	seconds := int32((o.Timeout + time.Second - 1) / time.Second)
	switch err := d.ioctl(unix.WDIOC_SETTIMEOUT, &seconds); {
	case err == nil:
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTTY):
		if err := d.ioctl(unix.WDIOC_GETTIMEOUT, &seconds); err != nil {
			return fmt.Errorf("cannot read the timeout of watchdog %s: %w", o.Path, err)
		}
	default:
		return fmt.Errorf("cannot set the timeout of watchdog %s to %s: %w", o.Path, o.Timeout, err)
	}
	d.timeout = time.Duration(seconds) * time.Second
	if d.timeout < o.Timeout {
		return fmt.Errorf("cannot use watchdog %s: its timeout is %s, and the file wants %s", o.Path, d.timeout, o.Timeout)
	}
	if o.Pretimeout > 0 {
		before := int32((o.Pretimeout + time.Second - 1) / time.Second)
		if err := d.ioctl(unix.WDIOC_SETPRETIMEOUT, &before); err != nil {
			return fmt.Errorf("cannot set the pretimeout of watchdog %s to %s: %w", o.Path, o.Pretimeout, err)
		}
	}
	return d.Feed()
}

// Timeout is the time after which the machine is reset, as the device has it.
func (d *Device) Timeout() time.Duration { return d.timeout }

// Feed begins its time anew.
func (d *Device) Feed() error {
	if err := d.ioctl(unix.WDIOC_KEEPALIVE, nil); err != nil {
		return fmt.Errorf("cannot feed watchdog %s: %w", d.file.Name(), err)
	}
	return nil
}

// Disarm stops it, where it can be stopped.
func (d *Device) Disarm() error {
	_, err := d.file.WriteString("V")
	if err != nil {
		err = fmt.Errorf("cannot stop watchdog %s: %w", d.file.Name(), err)
	}
	return errors.Join(err, d.file.Close())
}

// Abandon closes it without stopping it, for a process that goes on feeding it.
func (d *Device) Abandon() { _ = d.file.Close() }

func (d *Device) ioctl(request uintptr, value *int32) error {
	var unused int32
	if value == nil {
		value = &unused
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.file.Fd(), request, uintptr(unsafe.Pointer(value)))
	if errno != 0 {
		return errno
	}
	return nil
}
