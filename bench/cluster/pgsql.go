package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/database"
)

// pgsql is PostgreSQL under Pacemaker: Debian's agent of that name with
// synchronous replication, and the address where the primary is. It is what
// examples/postgresql is with holdfast.
type pgsql struct {
	pacemaker
	formed bool
}

const (
	postgresBin = "/usr/lib/postgresql/15/bin/"
	postgresDir = "/var/lib/postgresql"
)

// postgresConf is what the agent's documentation wants, and what a machine
// that runs three of them can bear.
const postgresConf = `listen_addresses = '*'
wal_level = replica
hot_standby = on
max_wal_senders = 10
wal_keep_size = 256MB
wal_log_hints = on
wal_sender_timeout = 5s
wal_receiver_status_interval = 2s
restart_after_crash = off
shared_buffers = 16MB
max_connections = 60
`

// attribute stands in for crm_attribute. That of Debian 12 (2.1.5) takes the
// value in "-p -v -INFINITY", as resource-agents writes it, for options, and
// the agent waits for ever for it to succeed.
const attribute = `#!/bin/bash
for a; do
  if [[ ${value:-} ]]; then args+=(--update="$a"); value=; elif [[ $a == -v ]]; then value=1; else args+=("$a"); fi
done
exec %s "${args[@]}"
`

// mend puts it in its place, in the machine's own files.
func mend(m *machine) error {
	const path = "/usr/sbin/crm_attribute"
	real, mended := filepath.Join(m.dir, "crm_attribute"), filepath.Join(m.dir, "crm_attribute.sh")
	if out, err := exec.Command("cp", path, real).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot copy %s: %w: %s", path, err, out)
	}
	if err := os.WriteFile(mended, fmt.Appendf(nil, attribute, real), 0o755); err != nil {
		return err
	}
	_, err := m.run("mount", "--bind", mended, path)
	return err
}

// shell runs a script on a machine as the user postgres.
func shell(m *machine, script string) error {
	_, err := m.run("runuser", "-u", "postgres", "--", "sh", "-ec", "cd /; "+script)
	return err
}

// copyFrom makes a machine's database a copy of a primary's.
func copyFrom(m *machine, primary string) error {
	return shell(m, fmt.Sprintf("rm -rf %[1]s/data %[1]s/tmp; mkdir -p %[1]s/tmp; %[2]spg_basebackup -D %[1]s/data -h %[3]s -U holdfast -c fast -X stream",
		postgresDir, postgresBin, primary))
}

func (p *pgsql) begin(s *stage, m *machine) error {
	if _, err := m.run("install", "-d", "-o", "postgres", "-g", "postgres", "-m", "2775", "/run/postgresql", postgresDir); err != nil {
		return err
	}
	if err := mend(m); err != nil {
		return err
	}
	switch {
	case p.formed:
		// The agent does not start one again that was primary and is not known
		// to have what the new one has. To make it a copy is the safe way.
		if err := copyFrom(m, vip.Addr().String()); err != nil {
			return err
		}
		return p.pacemaker.begin(s, m)
	case m != s.machines[0]:
		return copyFrom(m, s.machines[0].address().String())
	}
	if err := shell(m, fmt.Sprintf("mkdir -p %[1]s/tmp; %[2]sinitdb -D %[1]s/data -k --auth trust >/dev/null", postgresDir, postgresBin)); err != nil {
		return err
	}
	data := m.file(postgresDir + "/data")
	for name, text := range map[string]string{
		"postgresql.conf": postgresConf, "pg_hba.conf": "host all all 192.0.2.0/24 trust\nhost replication all 192.0.2.0/24 trust\n",
	} {
		f, err := os.OpenFile(filepath.Join(data, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return shell(m, fmt.Sprintf("%[2]spg_ctl -D %[1]s/data -s -w -l %[1]s/log start; psql -qX postgres -c 'create role holdfast superuser login replication'", postgresDir, postgresBin))
}

// database is the part of the configuration that Pacemaker has for it, after
// the example of the agent's authors.
const databaseXML = `<resources>
<clone id="db-clone"><meta_attributes id="db-clone-meta">
<nvpair id="db-promotable" name="promotable" value="true"/><nvpair id="db-notify" name="notify" value="true"/>
<nvpair id="db-max" name="promoted-max" value="1"/><nvpair id="db-clone-max" name="clone-max" value="3"/>
</meta_attributes>
<primitive id="db" class="ocf" provider="heartbeat" type="pgsql">
<instance_attributes id="db-attributes">
<nvpair id="db-ctl" name="pgctl" value="` + postgresBin + `pg_ctl"/><nvpair id="db-psql" name="psql" value="/usr/bin/psql"/>
<nvpair id="db-data" name="pgdata" value="` + postgresDir + `/data"/><nvpair id="db-tmp" name="tmpdir" value="` + postgresDir + `/tmp"/>
<nvpair id="db-socket" name="socketdir" value="/run/postgresql"/><nvpair id="db-log" name="logfile" value="` + postgresDir + `/log"/>
<nvpair id="db-mode" name="rep_mode" value="sync"/><nvpair id="db-nodes" name="node_list" value="n1 n2 n3"/>
<nvpair id="db-ip" name="master_ip" value="192.0.2.10"/><nvpair id="db-user" name="repuser" value="holdfast"/>
<nvpair id="db-opt" name="primary_conninfo_opt" value="keepalives_idle=5 keepalives_interval=2 keepalives_count=3"/>
<nvpair id="db-restart" name="restart_on_promote" value="false"/>
</instance_attributes>
<meta_attributes id="db-meta"><nvpair id="db-threshold" name="migration-threshold" value="1"/><nvpair id="db-stickiness" name="resource-stickiness" value="100"/></meta_attributes>
<operations>
<op id="db-start" name="start" interval="0" timeout="60s"/><op id="db-stop" name="stop" interval="0" timeout="60s"/>
<op id="db-promote" name="promote" interval="0" timeout="60s"/><op id="db-demote" name="demote" interval="0" timeout="60s"/>
<op id="db-tell" name="notify" interval="0" timeout="60s"/>
<op id="db-monitor" name="monitor" interval="4s" timeout="60s"/>
<op id="db-monitor-promoted" name="monitor" role="Promoted" interval="3s" timeout="60s"/>
</operations>
</primitive></clone>
` + vipXML + `
</resources>`

const databaseOrder = `<constraints>
<rsc_colocation id="vip-with-db" rsc="vip" with-rsc="db-clone" with-rsc-role="Promoted" score="INFINITY"/>
<rsc_order id="promote-first" first="db-clone" first-action="promote" then="vip" then-action="start" score="INFINITY" symmetrical="false"/>
<rsc_order id="demote-first" first="db-clone" first-action="demote" then="vip" then-action="stop" score="0" symmetrical="false"/>
</constraints>`

func (p *pgsql) form(s *stage) error {
	if err := shell(s.machines[0], fmt.Sprintf("%[2]spg_ctl -D %[1]s/data -s -w -m fast stop", postgresDir, postgresBin)); err != nil {
		return err
	}
	for _, m := range s.machines {
		if err := p.pacemaker.begin(s, m); err != nil {
			return err
		}
	}
	p.formed = true
	return p.configure(s, databaseXML, databaseOrder)
}

func (p *pgsql) whole(s *stage) error {
	if err := p.online(s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rows, err := s.door().Ask(ctx, "select application_name, state, sync_state from pg_stat_replication")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, p.monitor(s))
	}
	streaming, sync := 0, 0
	for _, r := range rows {
		if r[1] == "streaming" && strings.HasPrefix(r[0], "n") {
			streaming++
			if r[2] == "sync" {
				sync++
			}
		}
	}
	if streaming != len(s.machines)-1 || sync == 0 {
		return fmt.Errorf("the standbys are %q\n%s", rows, p.monitor(s))
	}
	_, err = s.machines[0].run("crm_resource", "--wait", "--timeout", "15s")
	return err
}

// monitor is what Pacemaker thinks.
func (p *pgsql) monitor(s *stage) string {
	out, _ := s.machines[0].run("crm_mon", "--one-shot", "--show-node-attributes", "--failcounts")
	return out
}

// move takes the node out of service in good order.
func (p *pgsql) move(_ *stage, holder *machine) error {
	_, err := holder.run("crm_attribute", "--node", holder.name, "--name", "standby", "--update", "on")
	return err
}

func (p *pgsql) settle(s *stage) error {
	for _, m := range s.machines {
		if _, err := s.machines[0].run("crm_attribute", "--node", m.name, "--name", "standby", "--update", "off"); err != nil {
			return err
		}
	}
	_, err := s.machines[0].run("crm_resource", "--cleanup")
	return err
}

// door is how the database is reached.
func (s *stage) door() database.Door {
	return database.Door{From: s.client, Address: vip.Addr().String(), User: "holdfast", Password: "unused"}
}
