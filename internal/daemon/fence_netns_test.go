package daemon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// prison is a site whose group is fenced before it is taken over: nodes a and b,
// a third host that votes, and a machine whose BMC switches a off.
type prison struct {
	*site
	w     *node
	bmc   *lab.Host
	file  func(n *node, group, top string)
	begin func(n *node)
}

// brokenAsked is what the device says in the diary that is of no use.
const brokenAsked = "the broken device is asked"

// elections are the two kinds of groups that are certain, before they fence, that
// nobody else holds by the rules: with a lease, and with votes beside VRRP.
var elections = map[string]func(t *testing.T) *prison{
	"lease": func(t *testing.T) *prison {
		s := newStoreSite(t)
		s.watch()
		return &prison{site: s.site, w: s.w, file: s.file, begin: func(n *node) { n.run(n.command()) }}
	},
	"guarded": func(t *testing.T) *prison {
		q := newQuorum(t, "guarded", interval, signed)
		return &prison{site: q.site, w: q.w, file: q.write, begin: func(n *node) {
			if n == q.w {
				q.begin(n)
				return
			}
			n.run(n.command())
		}}
	},
}

// fences is a node's file: its group has steps, and before they are taken the
// other node is fenced by a device that is broken, or else by its BMC.
func (p *prison) fences(n *node, d *diary) {
	other := map[*node]string{p.a: "b", p.b: "a"}[n]
	line := func(what string) string {
		return fmt.Sprintf("echo $HOLDFAST_NODE %s $HOLDFAST_EPOCH >>%s", what, d.path)
	}
	step := func(name string) string {
		return fmt.Sprintf("      - {exec: [/bin/sh, -c, '%s'], undo: [/bin/sh, -c, '%s'], timeout: 5s}\n", line("does "+name), line("undoes "+name))
	}
	p.file(n, "    fence: {agents: true}\n    steps:\n"+step("disk")+step("service"), fmt.Sprintf(`fence:
  nodes: {%s: {levels: [[broken], [bmc]]}}
  devices:
    broken: {agent: %s, action: "off"}
    bmc:
      agent: fence_ipmilan
      action: "off"
      timeout: 30s
      parameters: {ip: 192.0.2.50, ipport: 9623, username: holdfast, login_timeout: 2, ipmitool_timeout: 2}
      secrets: {password: {file: %s}}
`, other, filepath.Join(p.dir, "fence_broken"), filepath.Join(p.dir, "password")))
}

// prepare puts what the files name into its place.
func (p *prison) prepare(d *diary) {
	p.t.Helper()
	for _, program := range []string{"ipmi_sim", "ipmitool", "fence_ipmilan"} {
		if _, err := exec.LookPath(program); err != nil {
			p.t.Fatalf("cannot fence: %v (scripts/need installs it)", err)
		}
	}
	p.bmc = p.host("bmc", 50)
	p.must(os.WriteFile(filepath.Join(p.dir, "password"), []byte("secret"), 0o600))
	// It reads what agents are given, as all of them do, and is of no use.
	p.must(os.WriteFile(filepath.Join(p.dir, "fence_broken"), fmt.Appendf(nil,
		"#!/bin/sh\ngrep -q '^action=off$' && echo %s >>%s\necho no such outlet >&2\nexit 1\n", brokenAsked, d.path), 0o755))
	p.fences(p.a, d)
	p.fences(p.b, d)
}

// power runs a's BMC: OpenIPMI's simulator on a host of its own. Its chassis is
// switched off by the death of all processes of a, and of its link.
func (p *prison) power(d *diary) {
	p.t.Helper()
	dir := filepath.Join(p.dir, "bmc")
	p.must(os.Mkdir(dir, 0o755))
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		p.must(os.WriteFile(path, []byte(text), 0o755))
		return path
	}
	var victims []string
	for _, pid := range p.a.host.Processes() {
		victims = append(victims, strconv.Itoa(pid))
	}
	chassis := write("chassis", fmt.Sprintf(`#!/bin/sh
case "$2 $3 $4" in
  "get power "*) [ -e %[1]s/off ] && echo power:0 || echo power:1 ;;
  "set power 0") kill -9 %[2]s; touch %[1]s/off; echo a is switched off >>%[3]s ;;
esac
`, dir, strings.Join(victims, " "), d.path))
	lan := write("lan.conf", `name "bmc"
set_working_mc 0x20
  startlan 1
    addr 192.0.2.50 9623
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "`+chassis+` 0x20"
  user 2 true "holdfast" "secret" admin 10 none md2 md5 straight
`)
	emu := write("emu", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n")
	_, err := p.bmc.Start(exec.Command("ipmi_sim", "-n", "-c", lan, "-f", emu, "-s", dir))
	p.must(err)
}

// freeze stops every process of a node in mid-flight: it says nothing any more,
// undoes nothing, and may come back at any time.
func (p *prison) freeze(n *node, sig unix.Signal) time.Time {
	p.t.Helper()
	at := time.Now()
	for range 2 { // what one of them has begun meanwhile, too
		for _, pid := range n.host.Processes() {
			_ = unix.Kill(pid, sig)
		}
	}
	return at
}

// holder waits for one that holds.
func (p *prison) holder() (holder, other *node) {
	p.t.Helper()
	p.within("one holds", func() error {
		for i, n := range []*node{p.a, p.b} {
			if g, err := n.group("web"); err == nil && g.State == "active" {
				holder, other = n, []*node{p.b, p.a}[i]
				return nil
			}
		}
		return errNotYet
	})
	return holder, other
}

// takes has a node take the group over in order, if it does not have it.
func (p *prison) takes(n *node) {
	p.t.Helper()
	if holder, other := p.holder(); holder != n {
		other.becomes("web", "backup")
		if got := holder.cli("handover", "web", "--to", n.name); got.code != 0 {
			p.t.Fatalf("handover: %+v", got)
		}
	}
	n.becomes("web", "active")
	p.answers(vip, n.name)
}

// fencings counts what a node has begun.
func (n *node) fencings() int {
	count := 0
	for _, e := range n.events() {
		if e.Code == "HF2201" {
			count++
		}
	}
	return count
}

// A node that may still be at work is fenced before another one takes its steps:
// by the device that can, when another cannot, or by a person's word. Until then
// nothing is taken and nobody answers. A node that lets go in order is not
// fenced.
func TestFence_ComesBeforeTaking(t *testing.T) {
	for name, election := range elections {
		t.Run(name, func(t *testing.T) {
			p := election(t)
			d := p.diary()
			p.prepare(d)
			for _, n := range []*node{p.w, p.a, p.b} {
				p.begin(n)
			}
			p.takes(p.a)
			p.takes(p.b)
			p.takes(p.a)
			p.b.becomes("web", "backup")
			if n := p.a.fencings() + p.b.fencings(); n > 0 {
				t.Fatalf("%d fencings, and nobody was lost", n)
			}

			// Nothing can switch it off: its BMC does not answer.
			before := d.lines()
			at := p.freeze(p.a, unix.SIGSTOP)
			p.b.said(at, "HF2203", "a could not be fenced", "device bmc failed", "holdfast fence confirm a")
			p.b.said(at, "", "a could not be fenced") // its transition to fault
			p.answers(vip, "")
			for _, line := range d.lines()[len(before):] {
				if line != brokenAsked {
					t.Errorf("before a is fenced: %s", line)
				}
			}
			p.confirmed(d, len(before), at)

			// It wakes, undoes what it had taken, and counts as any other.
			p.freeze(p.a, unix.SIGCONT)
			p.a.becomes("web", "backup")
			p.within("a has undone its steps", func() error {
				if got := d.lines(); !strings.HasPrefix(got[len(got)-1], "a undoes disk") {
					return errNotYet
				}
				return nil
			})
			p.takes(p.a)

			// Its BMC can.
			p.power(d)
			fenced := p.b.fencings()
			before = d.lines()
			at = p.freeze(p.a, unix.SIGSTOP)
			p.answers(vip, "b")
			p.b.becomes("web", "active")
			p.a.proc = nil // it is off
			p.ordered(d, len(before), at)
			if p.b.fencings() == fenced {
				t.Error("it was not begun to fence a")
			}
			p.growing(d, name == "lease")
			for _, n := range []*node{p.b, p.w} {
				n.end()
			}
		})
	}
}

// confirmed takes a person's word that a is off, after which b goes on.
func (p *prison) confirmed(d *diary, from int, at time.Time) {
	p.t.Helper()
	said := time.Now()
	if got := p.b.cli("fence", "confirm", "a"); got.code != 0 {
		p.t.Fatalf("fence confirm: %+v", got)
	}
	p.answers(vip, "b")
	p.b.becomes("web", "active")
	p.t.Logf("a stands still; confirmed after %s, b answers after %s", said.Sub(at).Round(time.Millisecond), time.Since(at).Round(time.Millisecond))
	p.b.said(said, "HF2204", "a is fenced: confirmed by")
	if taken := p.b.at(said, "HF2810", "step 1 of 2"); taken.Before(said) {
		p.t.Errorf("the first step was taken at %s, and it was confirmed at %s", taken, said)
	}
	got := doings(d.lines()[from:])
	got = slices.DeleteFunc(got, func(line string) bool { return line == brokenAsked }) // it is tried again and again
	if !slices.Equal(got, []string{"b does disk", "b does service"}) {
		p.t.Errorf("after it was confirmed: %q", got)
	}
}

// ordered looks at what was done for a takeover, by the words of those who did
// it and by the journal.
func (p *prison) ordered(d *diary, from int, at time.Time) {
	p.t.Helper()
	got := doings(d.lines()[from:])
	off := slices.Index(got, "a is switched off")
	if off < 1 || got[off-1] != brokenAsked || !slices.Equal(got[off+1:], []string{"b does disk", "b does service"}) {
		p.t.Errorf("the takeover: %q", got)
	}
	var last time.Time
	for _, e := range []struct{ code, words string }{
		{"HF2201", "a is to be fenced"},
		{"HF2205", "no such outlet"},
		{"HF2202", "a is fenced: off by bmc"},
		{"HF2810", "step 1 of 2"},
		{"HF2810", "step 2 of 2"},
		{"HF2814", "2 steps done"},
	} {
		when := p.b.at(at, e.code, e.words)
		if when.Before(last) {
			p.t.Errorf("%s %s came before what it waits for", e.code, e.words)
		}
		p.t.Logf("%6d ms %s %s", when.Sub(at).Milliseconds(), e.code, e.words)
		last = when
	}
}

// doings are lines of the diary without their epochs.
func doings(lines []string) []string {
	var out []string
	for _, line := range lines {
		words := strings.Fields(line)
		if _, err := strconv.Atoi(words[len(words)-1]); err == nil {
			words = words[:len(words)-1]
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// growing checks that nobody took with an epoch that was not more than his own
// last one; with a lease, than everybody's.
func (p *prison) growing(d *diary, everybody bool) {
	p.t.Helper()
	last := map[string]uint64{}
	for _, line := range d.lines() {
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "does" || words[2] != "disk" {
			continue
		}
		epoch, err := strconv.ParseUint(words[3], 10, 64)
		p.must(err)
		for who, before := range last {
			if epoch <= before && (everybody || who == words[0]) {
				p.t.Errorf("%q, and %s has had %d", line, who, before)
			}
		}
		last[words[0]] = epoch
	}
	if len(last) != 2 {
		p.t.Errorf("not both took: %q", d.lines())
	}
}
