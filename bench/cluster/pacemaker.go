package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// pacemaker is Pacemaker over Corosync, with an IPaddr2.
type pacemaker struct {
	totem []string // lines of corosync.conf
}

func (p *pacemaker) begin(s *stage, m *machine) error {
	var nodes strings.Builder
	for _, n := range s.machines {
		fmt.Fprintf(&nodes, "  node {\n    name: %s\n    nodeid: %d\n    ring0_addr: %s\n  }\n", n.name, n.number, n.address())
	}
	conf := fmt.Sprintf(`totem {
  version: 2
  cluster_name: bench
  crypto_cipher: none
  crypto_hash: none
%s}
logging {
  to_syslog: no
  to_stderr: yes
}
quorum {
  provider: corosync_votequorum
}
nodelist {
%s}
`, lines(p.totem), nodes.String())
	if err := os.WriteFile(m.file("/etc/corosync/corosync.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	if err := m.start("corosync", "-f"); err != nil {
		return err
	}
	// As its unit does, which wants corosync to be ready.
	err := until(20*time.Second, func() error { _, err := m.run("corosync-cpgtool"); return err })
	if err != nil {
		return err
	}
	return m.start("pacemakerd", "-f")
}

func lines(all []string) string {
	var b strings.Builder
	for _, l := range all {
		b.WriteString("  " + l + "\n")
	}
	return b.String()
}

// vipXML is the address as Pacemaker has it.
const vipXML = `<primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
<instance_attributes id="vip-attributes">
<nvpair id="vip-ip" name="ip" value="192.0.2.10"/><nvpair id="vip-mask" name="cidr_netmask" value="24"/>
<nvpair id="vip-nic" name="nic" value="eth0"/>
</instance_attributes>
<meta_attributes id="vip-meta"><nvpair id="vip-stickiness" name="resource-stickiness" value="100"/></meta_attributes>
<operations>
<op id="vip-monitor" name="monitor" interval="10s" timeout="20s"/>
<op id="vip-start" name="start" interval="0" timeout="20s"/>
<op id="vip-stop" name="stop" interval="0" timeout="20s"/>
</operations>
</primitive>`

func (p *pacemaker) form(s *stage) error {
	return p.configure(s, "<resources>"+vipXML+"</resources>", "<constraints/>")
}

// configure gives it what it is to do, once all are members.
func (p *pacemaker) configure(s *stage, resources, constraints string) error {
	first := s.machines[0]
	return until(90*time.Second, func() error {
		if err := errors.Join(s.stopped(), p.online(s)); err != nil {
			return err
		}
		// Nothing can be fenced in namespaces; without fencing it is faster.
		if _, err := first.run("crm_attribute", "--name", "stonith-enabled", "--update", "false"); err != nil {
			return err
		}
		if _, err := first.run("cibadmin", "--replace", "--scope", "resources", "--xml-text", resources); err != nil {
			return err
		}
		_, err := first.run("cibadmin", "--replace", "--scope", "constraints", "--xml-text", constraints)
		return err
	})
}

// online says which machines are not members.
func (p *pacemaker) online(s *stage) error {
	for _, m := range s.machines {
		out, err := m.run("crm_mon", "--one-shot")
		if err != nil {
			return err
		}
		for _, n := range s.machines {
			_, online, _ := strings.Cut(out, "Online: [")
			online, _, _ = strings.Cut(online, "]")
			if !strings.Contains(online+" ", " "+n.name+" ") {
				return fmt.Errorf("%s is not online for %s:\n%s", n.name, m.name, out)
			}
		}
	}
	return nil
}

func (p *pacemaker) whole(s *stage) error {
	if err := p.online(s); err != nil {
		return err
	}
	out, err := s.machines[0].run("crm_mon", "--one-shot")
	if err != nil {
		return err
	}
	if !strings.Contains(out, "Started n") {
		return errors.New("the address is nowhere:\n" + out)
	}
	// Joined, but the cluster's transition may go on.
	_, err = s.machines[0].run("crm_resource", "--wait", "--timeout", "15s")
	return err
}

func (p *pacemaker) move(_ *stage, holder *machine) error {
	return holder.start("crm_resource", "--resource", "vip", "--move")
}

func (p *pacemaker) settle(s *stage) error {
	_, err := s.machines[0].run("crm_resource", "--resource", "vip", "--clear")
	return err
}

func (p *pacemaker) daemon() func([]string) bool { return program("corosync") }
