package program

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// Permissions, as the bits of one class.
const (
	execute = 1
	read    = 4
)

// owner is who a file belongs to; root where the disk does not say.
func owner(info fs.FileInfo) (uid, gid uint32) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid, st.Gid
	}
	return 0, 0
}

// may tells whether the account has a permission on what is at a path. One
// class decides, the first that fits: being the owner with fewer rights than
// others is being without (path_resolution(7), acl(5)).
func (w *walk) may(name string, info fs.FileInfo, want uint32) bool {
	mode := uint32(info.Mode().Perm())
	if w.who.UID == 0 {
		// CAP_DAC_OVERRIDE: everything, but executing what nobody may.
		return want != execute || info.IsDir() || mode&0o111 != 0
	}
	uid, gid := owner(info)
	if w.who.UID == uid {
		return mode>>6&want != 0
	}
	// Linux asks the list only where the mode's group class, which is the
	// list's mask then, has a permission at all (acl_permission_check).
	if l, ok := w.disk.(Lists); ok && mode&0o070 != 0 {
		if acl := l.List(inner(name)); acl != nil {
			return aclAllows(acl, w.who, gid, mode, want)
		}
	}
	if w.in(gid) {
		return mode>>3&want != 0
	}
	return mode&want != 0
}

func (w *walk) in(gid uint32) bool { return w.who.in(gid) }

func (a Account) in(gid uint32) bool { return a.GID == gid || slices.Contains(a.Groups, gid) }

// Tags of the entries of an ACL (linux/posix_acl.h).
const (
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
)

// aclAllows follows the algorithm of acl(5) for who is not the owner. The
// attribute has a version and then entries of tag, permissions and id, all in
// little endian (linux/posix_acl_xattr.h).
func aclAllows(acl []byte, who Account, gid, mode, want uint32) bool {
	if len(acl) < 4 || binary.LittleEndian.Uint32(acl) != 2 {
		return mode&want != 0 // a version that is not known
	}
	mask, inGroup, groupMay := uint32(7), false, false
	var named *uint32
	for e := acl[4:]; len(e) >= 8; e = e[8:] {
		tag, perm, id := binary.LittleEndian.Uint16(e), uint32(binary.LittleEndian.Uint16(e[2:])), binary.LittleEndian.Uint32(e[4:])
		switch {
		case tag == aclMask:
			mask = perm
		case tag == aclUser && id == who.UID:
			named = &perm
		case tag == aclGroupObj && who.in(gid), tag == aclGroup && who.in(id):
			inGroup = true
			groupMay = groupMay || perm&want != 0
		}
	}
	switch {
	case named != nil:
		return *named&mask&want != 0
	case inGroup:
		return groupMay && mask&want != 0
	}
	return mode&want != 0
}

// rights is what a person needs to see: "mode 0700, owner root".
func (w *walk) rights(info fs.FileInfo) string {
	uid, gid := owner(info)
	text := fmt.Sprintf("mode %04o, owner %s", info.Mode().Perm(), userName(uid))
	if info.Mode().Perm()&0o070 != 0 {
		text += ", group " + groupName(gid)
	}
	return text
}

// hintFor is the smallest change that gives the permission.
func hintFor(info fs.FileInfo, name string, want uint32) string {
	_, gid := owner(info)
	letter := "x"
	if want == read {
		letter = "r"
	}
	if uint32(info.Mode().Perm())>>3&want != 0 && gid != 0 {
		return fmt.Sprintf("add the user to group %s, or chmod o+%s %s", groupName(gid), letter, name)
	}
	return fmt.Sprintf("chmod o+%s %s", letter, name)
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
