package conformance

// Page is one page of docs, and where what is on it comes from.
type Page struct {
	Package   string // its folder from the root of the module: its testdata has the requirements
	File      string // from the root of the module
	Standards []Source
}

// Source is a file of requirements, and what the ids of its requirements begin
// with in directives.
type Source struct{ Prefix, File string }

// The pages there are. A directive whose prefix is on none of them is an error.
var (
	VRRP = Page{
		Package: "vrrp", File: "docs/conformance.md",
		Standards: []Source{{"9568", "rfc9568.txt"}, {"3768", "rfc3768.txt"}, {"unh", "unh.txt"}},
	}
	BFD = Page{
		Package: "bfd", File: "docs/conformance-bfd.md",
		Standards: []Source{{"5880", "rfc5880.txt"}, {"5881", "rfc5881.txt"}},
	}
	pages = []Page{VRRP, BFD}
)
