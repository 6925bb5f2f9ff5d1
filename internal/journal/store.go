package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// file is what the store needs of an open file.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
	Stat() (os.FileInfo, error)
	ReadAt(p []byte, off int64) (int, error)
}

// openFile opens a journal file for appending.
func openFile(name string) (file, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
}

// fileName is the path of the i-th file, 0 being the newest.
func fileName(dir string, i int) string {
	if i == 0 {
		return filepath.Join(dir, "journal.jsonl")
	}
	return filepath.Join(dir, fmt.Sprintf("journal.%d.jsonl", i))
}

// store is the journal's files. It implements sink.
type store struct {
	dir   string
	files int
	max   int64
	open  func(name string) (file, error)
	lock  *os.File // the directory, locked against a second journal

	f    file // the newest file; nil after trouble
	size int64
	torn bool // the file does not end with a newline
}

// ErrBusy is the error of a second journal in one directory.
var ErrBusy = errors.New("another holdfast uses this directory (give each its own state)")

// openStore makes dir ready and takes it for this process.
func openStore(dir string, o Options) (*store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("cannot lock directory: %w", err)
	}
	s := &store{dir: dir, files: o.Files, max: o.FileBytes, open: openFile, lock: lock}
	if err := s.reopen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Write appends whole lines and brings them to the disk. After an error none
// of them is kept, as far as the file system lets us take them back.
func (s *store) Write(lines []byte) error {
	if err := s.write(lines); err != nil {
		// The next attempt starts from a fresh look at the directory: it
		// may have been mounted anew or emptied.
		if s.f != nil {
			s.f.Close()
			s.f = nil
		}
		return fmt.Errorf("cannot write journal in %s: %w", s.dir, bare(err))
	}
	return nil
}

func (s *store) write(lines []byte) error {
	if s.f == nil {
		if err := s.reopen(); err != nil {
			return err
		}
	}
	if s.size > 0 && s.size+int64(len(lines)) > s.max {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	if s.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	_, err := s.f.Write(lines)
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil {
		// Take the part that was written back. If even that fails the
		// tear is found by reopen, and readers skip it.
		_ = s.f.Truncate(s.size)
		return err
	}
	s.size += int64(len(lines))
	s.torn = false
	return nil
}

// reopen opens the newest file and sees whether a crash tore its last line.
func (s *store) reopen() error {
	f, err := s.open(fileName(s.dir, 0))
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	s.f, s.size, s.torn = f, st.Size(), false
	if s.size > 0 {
		var end [1]byte
		if _, err := f.ReadAt(end[:], s.size-1); err != nil {
			return err
		}
		s.torn = end[0] != '\n'
	}
	return nil
}

// rotate gives every file the next number, dropping the oldest, and begins a
// new one.
func (s *store) rotate() error {
	if err := s.f.Close(); err != nil {
		return err
	}
	s.f = nil
	for i := s.files - 1; i > 0; i-- {
		err := os.Rename(fileName(s.dir, i-1), fileName(s.dir, i))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if s.files == 1 {
		if err := os.Remove(fileName(s.dir, 0)); err != nil {
			return err
		}
	}
	return s.reopen()
}

// Close gives the directory back. Closing the lock alone would not do it at
// once, while a program that is just being started has a copy of it.
func (s *store) Close() error {
	var err error
	if s.f != nil {
		err = s.f.Close()
	}
	return errors.Join(err, unix.Flock(int(s.lock.Fd()), unix.LOCK_UN), s.lock.Close())
}

// bare takes the path off an error of the os package, where the message names
// it already.
func bare(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}
