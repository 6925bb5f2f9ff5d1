// Package conformance makes the pages of docs that list every requirement of a
// standard and the tests that prove it. Only tests use it.
//
// The requirements are in testdata/conformance of the package that implements
// them. A test of any package says which of them it proves by directives in its
// doc comment, such as
//
//	//conformance:9568-7.1-version negative
//
// for a test that shows what becomes of a packet with another version.
// "positive" is for a test that shows the demanded behaviour, "negative" for
// one that shows that its opposite is refused or that the condition matters.
// From both, a [Page] is made:
//
//	go test ./vrrp -run TestConformance -update
package conformance
