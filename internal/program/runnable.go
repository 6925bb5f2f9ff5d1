package program

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Obstacle is why an account cannot run a program.
type Obstacle struct {
	Text string // "/opt/x is not searchable for user web: mode 0700, owner root"
	Hint string // what to do; may be empty
	// Name is what there is not, and Names are what there is in its place:
	// for who wants to say which of them was meant.
	Name  string
	Names []string
}

// Error is the text.
func (o *Obstacle) Error() string { return o.Text }

// maxLinks is how many symbolic links the kernel follows (path_resolution(7)).
const maxLinks = 40

// Runnable tells whether an account could run the program of an absolute path:
// nil, or an *Obstacle with the first thing in its way. It looks where
// execve(2) does: the permission to search each folder, symbolic links, the
// file's own permission, a file system that is mounted noexec, the interpreter
// of a script, the architecture and the loader of a binary. What a security
// module (SELinux, AppArmor, a unit's sandbox) forbids it does not see.
//
// The disk starts at "/". Where it implements Mounts or Lists, those are asked
// too.
func Runnable(disk fs.FS, name string, who Account) error {
	if !path.IsAbs(name) {
		return &Obstacle{Text: name + " is not an absolute path", Hint: "write it from /"}
	}
	w := walk{disk: disk, who: who}
	// A typed nil would not be nil to the caller.
	if o := w.program(name, 0); o != nil {
		return o
	}
	return nil
}

// Mounts is a disk that knows how its parts are mounted.
type Mounts interface {
	NoExec(name string) bool // of a path within the disk
}

// Lists is a disk that has access control lists.
type Lists interface {
	// List is the POSIX ACL of a path within the disk, as the extended
	// attribute system.posix_acl_access holds it; nil: none.
	List(name string) []byte
}

// walk is one look at a path.
type walk struct {
	disk  fs.FS
	who   Account
	links int
}

// program checks that a file can be executed. Interpreters of interpreters
// end at the kernel's bound.
func (w *walk) program(name string, depth int) *Obstacle {
	real, info, o := w.find(name)
	if o != nil {
		return o
	}
	shown := display(name, real)
	switch {
	case info.IsDir():
		return &Obstacle{Text: shown + " is a directory, not a program"}
	case !info.Mode().IsRegular():
		return &Obstacle{Text: shown + " is not a file"}
	}
	if info.Mode().Perm()&0o111 == 0 {
		return &Obstacle{Text: fmt.Sprintf("%s is not executable: %s", shown, w.rights(info)), Hint: "chmod +x " + real}
	}
	if !w.may(real, info, execute) {
		return &Obstacle{Text: fmt.Sprintf("%s is not executable for user %s: %s", shown, w.who.Name, w.rights(info)), Hint: hintFor(info, real, execute)}
	}
	if m, ok := w.disk.(Mounts); ok && m.NoExec(inner(real)) {
		return &Obstacle{Text: shown + " is on a file system that is mounted noexec", Hint: "move it to another file system, or name its interpreter first: [/bin/sh, " + real + "]"}
	}
	return w.content(shown, real, info, depth)
}

// display is how messages name a file: as it was written, and where its links
// lead.
func display(name, real string) string {
	if clean := path.Clean(name); clean != real {
		return name + " (" + real + ")"
	}
	return name
}

// find follows a path to what it names: the path without links, and what is
// there.
func (w *walk) find(name string) (real string, info fs.FileInfo, o *Obstacle) {
	info, err := fs.Lstat(w.disk, ".")
	if err != nil {
		return "", nil, &Obstacle{Text: "cannot look at /: " + cause(err)}
	}
	real, left := "/", strings.Split(name, "/")
	for len(left) > 0 {
		part := left[0]
		left = left[1:]
		if part == "" || part == "." {
			continue
		}
		if !info.IsDir() {
			return "", nil, &Obstacle{Text: real + " is not a directory"}
		}
		if !w.may(real, info, execute) {
			return "", nil, &Obstacle{
				Text: fmt.Sprintf("%s is not searchable for user %s: %s", real, w.who.Name, w.rights(info)),
				Hint: hintFor(info, real, execute),
			}
		}
		next := path.Join(real, part) // ".." goes up, and stays at the root
		if info, err = fs.Lstat(w.disk, inner(next)); err != nil {
			return "", nil, w.missing(real, part, name, err)
		}
		if info.Mode().Type() != fs.ModeSymlink {
			real = next
			continue
		}
		target, err := fs.ReadLink(w.disk, inner(next))
		if w.links++; err != nil || w.links > maxLinks {
			return "", nil, &Obstacle{Text: fmt.Sprintf("%s: too many symbolic links, or one that cannot be read", next)}
		}
		if path.IsAbs(target) {
			real = "/"
		}
		left = append(strings.Split(target, "/"), left...)
		if info, err = fs.Lstat(w.disk, inner(real)); err != nil {
			return "", nil, &Obstacle{Text: fmt.Sprintf("cannot look at %s: %s", real, cause(err))}
		}
	}
	return real, info, nil
}

// missing is for a part of a path that cannot be looked at.
func (w *walk) missing(dir, part, name string, err error) *Obstacle {
	at := path.Join(dir, part)
	if !errors.Is(err, fs.ErrNotExist) {
		return &Obstacle{Text: fmt.Sprintf("cannot look at %s: %s", at, cause(err))}
	}
	o := &Obstacle{Text: "no such file or directory: " + at, Name: part}
	if at != path.Clean(name) {
		o.Text += " (on the way to " + name + ")"
	}
	entries, err := fs.ReadDir(w.disk, inner(dir))
	if err != nil {
		return o // no names to offer
	}
	for _, e := range entries[:min(len(entries), 2000)] {
		o.Names = append(o.Names, e.Name())
	}
	return o
}

// inner is a path from the root as a path of an fs.FS.
func inner(name string) string {
	if name == "/" {
		return "."
	}
	return strings.TrimPrefix(name, "/")
}

func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
