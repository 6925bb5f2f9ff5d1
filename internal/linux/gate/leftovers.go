package gate

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
)

// Leftovers tells what there is of gates in this network namespace, a line for
// each thing, and touches nothing. To look into programs of another process
// needs CAP_SYS_ADMIN, or the directory of [Options].
func Leftovers(dir string) ([]string, error) {
	ps, err := openPrograms(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	attached, err := findAttached(ps)
	if err != nil {
		return nil, err
	}
	for _, a := range attached {
		found = append(found, fmt.Sprintf("program %s at the %s of interface %d", a.Name, a.dir, a.link.index))
	}
	conn, err := nftables.New()
	if err != nil {
		return found, nil // no nftables, so no tables
	}
	for family := range nftFamilies {
		tables, err := conn.ListTablesOfFamily(family)
		if err == nil && slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == nftTable }) {
			found = append(found, "nftables table "+nftTable)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
