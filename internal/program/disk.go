package program

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// disk is this machine's files.
type disk struct{ files }

// files is all that os.DirFS can do.
type files interface {
	fs.StatFS
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

// Disk is this machine's files from the root, with how they are mounted and
// their access control lists.
func Disk() fs.FS { return disk{os.DirFS("/").(files)} }

// NoExec tells whether a file is where nothing may be executed.
func (disk) NoExec(name string) bool {
	var st unix.Statfs_t
	err := unix.Statfs("/"+name, &st)
	return err == nil && st.Flags&unix.ST_NOEXEC != 0
}

// List is a file's access control list.
func (disk) List(name string) []byte {
	buf := make([]byte, 4096)
	n, err := unix.Lgetxattr("/"+name, "system.posix_acl_access", buf)
	if err != nil || n <= 0 {
		return nil // none, or a file system without
	}
	return buf[:n]
}
