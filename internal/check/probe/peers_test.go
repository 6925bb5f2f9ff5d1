package probe

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-net/holdfast/internal/check"
)

// program finds a peer that the tests need, or says what would install it.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not here: scripts/need installs it", names[0])
	}
	t.Skipf("%s is not here: scripts/need installs it", names[0])
	return ""
}

// run starts a program that ends with the test.
func run(t *testing.T, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: as}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT) // PostgreSQL: disconnect all, and end
		stop := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		defer stop.Stop()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, out.String())
		}
	})
}

func TestScript_Redis(t *testing.T) {
	server := program(t, "redis-server")
	first, second, guarded := closed(t), closed(t), closed(t)
	start := func(to check.Endpoint, more ...string) {
		run(t, nil, server, append([]string{"--port", strconv.Itoa(int(to.Port)), "--bind", to.Host, "--save", "", "--dir", t.TempDir()}, more...)...)
		eventually(t, func() bool {
			c, err := net.Dial("tcp", to.String())
			if err == nil {
				c.Close()
			}
			return err == nil
		}, func() { t.Fatal("redis-server does not listen") })
	}
	start(first)
	start(second, "--replicaof", first.Host+" "+strconv.Itoa(int(first.Port)))
	start(guarded, "--requirepass", "hunter2")
	for _, c := range []struct {
		preset string
		to     check.Endpoint
		who    check.Login
		ok     bool
		want   string
	}{
		{"redis", first, check.Login{}, true, `answered "+PONG\r\n" in `},
		{"redis-primary", first, check.Login{}, true, ""},
		{"redis-replica", first, check.Login{}, false, `wanted "$5\r\nslave\r\n"`},
		{"redis", second, check.Login{}, true, ""},
		{"redis-replica", second, check.Login{}, true, ""},
		{"redis-primary", second, check.Login{}, false, `wanted "$6\r\nmaster\r\n"`},
		{"redis", guarded, check.Login{}, false, `answered "-NOAUTH`},
		{"redis", guarded, check.Login{Password: "wrong"}, false, `answered "-WRONGPASS`},
		{"redis", guarded, check.Login{Password: "hunter2"}, true, ""},
		{"redis-primary", guarded, check.Login{User: "default", Password: "hunter2"}, true, ""},
	} {
		t.Run(c.preset+" "+c.to.String(), func(t *testing.T) {
			got := try(t, preset(t, c.preset, c.who, c.to))
			sees(t, got, c.ok, c.want)
			if strings.Contains(got.Text, "hunter2") {
				t.Errorf("a password in %q", got.Text)
			}
		})
	}
}

// database is a PostgreSQL server of a test's own.
type database struct {
	t    *testing.T
	bin  string
	dir  string
	to   check.Endpoint
	as   *syscall.Credential
	kind check.Postgres
}

// newDatabase prepares a server; it runs as a user that is not root, because
// PostgreSQL insists.
func newDatabase(t *testing.T) *database {
	t.Helper()
	var versions []string
	for _, dir := range []string{"/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin"} {
		found, _ := filepath.Glob(dir + "/postgres")
		versions = append(versions, found...)
	}
	d := &database{t: t, to: closed(t)}
	if len(versions) > 0 {
		d.bin = filepath.Dir(versions[len(versions)-1])
	} else {
		d.bin = filepath.Dir(program(t, "postgres"))
	}
	dir, err := os.MkdirTemp("", "holdfast-pg-") // not below a folder that only root may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d.dir = filepath.Join(dir, "data")
	if os.Geteuid() == 0 {
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		d.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	d.kind = check.DefaultPostgres()
	d.kind.To, d.kind.User, d.kind.Password = d.to, "holdfast", "hunter2"
	return d
}

// do runs one of PostgreSQL's programs to its end.
func (d *database) do(name string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(filepath.Join(d.bin, name), args...)
	cmd.Dir = filepath.Dir(d.dir)
	cmd.Env = append(os.Environ(), "PGPASSWORD=hunter2", "LC_ALL=C", "HOME="+cmd.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (d *database) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if d.as != nil {
		os.Chown(filepath.Join(d.dir, name), int(d.as.Uid), int(d.as.Gid))
	}
}

// start runs the server and waits until it lets somebody in.
func (d *database) start(settings ...string) {
	d.t.Helper()
	args := []string{"-D", d.dir, "-p", strconv.Itoa(int(d.to.Port)), "-c", "listen_addresses=" + d.to.Host, "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=16MB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	run(d.t, d.as, filepath.Join(d.bin, "postgres"), args...)
	eventually(d.t, func() bool {
		ctx, cancel := context.WithTimeout(d.t.Context(), patience)
		defer cancel()
		p, err := New(d.kind)
		return err == nil && p.Try(ctx).OK
	}, func() { d.t.Fatal("PostgreSQL does not let anybody in") })
}

// sql has the superuser say something.
func (d *database) sql(text string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("host=%s port=%d user=holdfast password=hunter2 dbname=postgres sslmode=disable", d.to.Host, d.to.Port))
	if err != nil {
		d.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text).ReadAll(); err != nil {
		d.t.Fatal(err)
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel() // most of its time is waiting for the disk
	primary, standby := newDatabase(t), newDatabase(t)
	password := filepath.Join(filepath.Dir(primary.dir), "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	primary.do("initdb", "-D", primary.dir, "-U", "holdfast", "-A", "scram-sha-256", "--pwfile", password, "--no-sync", "--no-instructions")
	a := newAuthority(t)
	cert, key := a.files(a.issue("db.example.org", 30))
	for file, name := range map[string]string{cert: "server.crt", key: "server.key"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		primary.write(name, string(b))
	}
	primary.start("ssl=on")
	standby.do("pg_basebackup", "-D", standby.dir, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-h", primary.to.Host, "-p", strconv.Itoa(int(primary.to.Port)), "-U", "holdfast")
	standby.start("ssl=off", "recovery_min_apply_delay=0")

	type change func(*check.Postgres)
	both := func(changes ...change) change {
		return func(k *check.Postgres) {
			for _, c := range changes {
				c(k)
			}
		}
	}
	role := func(r check.PostgresRole) change { return func(k *check.Postgres) { k.Role = r } }
	lag := func(d time.Duration) change { return func(k *check.Postgres) { k.MaxLag = d } }
	query := func(q, v string) change { return func(k *check.Postgres) { k.Query, k.Value = q, v } }
	ssl := func(mode, ca, name string) change {
		return func(k *check.Postgres) { k.SSLMode, k.Secure.CA, k.Secure.Name = mode, ca, name }
	}
	encrypted := query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", "t")
	plain := query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", "f")
	for _, c := range []struct {
		name   string
		on     *database
		change change
		ok     bool
		want   string
	}{
		{"login", primary, both(), true, "login in "},
		{"wrong password", primary, func(k *check.Postgres) { k.Password = "wrong-one" }, false, "password authentication failed for user"},
		{"no such database", primary, func(k *check.Postgres) { k.Database = "nowhere" }, false, `"nowhere" does not exist (3D000)`},
		{"primary", primary, role(check.Primary), true, "primary in "},
		{"primary, but standby is wanted", primary, role(check.Standby), false, "primary in "},
		{"standby", standby, role(check.Standby), true, "standby in "},
		{"standby, but primary is wanted", standby, role(check.Primary), false, ", wanted primary"},
		{"standby is near", standby, both(role(check.Standby), lag(time.Hour)), true, "standby, 0s behind in "},
		{"query", primary, query("select 40 + 2", "42"), true, `the query gave "42"`},
		{"another value", primary, query("select 40 + 3", "42"), false, `the query gave "43", wanted "42"`},
		{"any row", primary, query("select 1 where true", ""), true, ""},
		{"no row", primary, query("select 1 where false", ""), false, "no row, wanted a row from the query"},
		{"many rows", primary, query("select * from generate_series(1, 100000)", "1"), true, ""},
		{"query fails", primary, query("select 1/0", "1"), false, "division by zero (22012)"},
		{"query writes", primary, query("create table t ()", ""), false, "read-only transaction (25006)"},
		{"TLS where it is to be had", primary, encrypted, true, ""},
		{"no TLS where there is none", standby, plain, true, ""},
		{"TLS disabled", primary, both(ssl("disable", "", ""), plain), true, ""},
		{"TLS allowed", primary, both(ssl("allow", "", ""), plain), true, ""},
		{"TLS required", primary, both(ssl("require", "", ""), encrypted), true, ""},
		{"TLS required and not there", standby, ssl("require", "", ""), false, "refused TLS"},
		{"verify-ca", primary, ssl("verify-ca", a.file, "another.example.org"), true, ""},
		{"verify-full", primary, ssl("verify-full", a.file, "db.example.org"), true, ""},
		{"verify-full of another", primary, ssl("verify-full", a.file, "another.example.org"), false, "certificate of another name (db.example.org)"},
		{"verify-ca of nobody", primary, ssl("verify-ca", "", ""), false, "certificate of an unknown authority"},
		{"few days", primary, both(ssl("require", "", ""), func(k *check.Postgres) { k.Secure.MinDays = 40 }), false, "expires in 30 days, wanted 40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := c.on.kind
			c.change(&k)
			got := try(t, k)
			sees(t, got, c.ok, c.want)
			if strings.Contains(got.Text, "hunter2") || strings.Contains(got.Text, "wrong-one") {
				t.Errorf("a password in %q", got.Text)
			}
		})
	}

	t.Run("a query that hangs", func(t *testing.T) {
		k := primary.kind
		k.Query = "select pg_sleep(100)"
		leavesNothing(t, func() {
			sees(t, tryFor(t, k, 500*time.Millisecond), false, ", wanted a row from the query")
		})
		// Nor does the server go on with it.
		k = primary.kind
		k.Query, k.Value = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'", "0"
		eventually(t, func() bool { return try(t, k).OK }, func() { t.Error(try(t, k).Text) })
	})
	t.Run("read-only primary", func(t *testing.T) {
		primary.sql("alter role holdfast set default_transaction_read_only = on")
		k := primary.kind
		k.Role = check.Primary
		sees(t, try(t, k), false, "primary that is read-only in ", ", wanted primary")
		primary.sql("begin transaction read write; alter role holdfast reset default_transaction_read_only; commit")
	})
	t.Run("standby that stands still", func(t *testing.T) {
		primary.sql("create table moved ()")
		k := standby.kind
		k.Query, k.Value = "select count(*) from pg_class where relname = 'moved'", "1"
		eventually(t, func() bool { return try(t, k).OK }, func() { t.Error("nothing is replicated") })
		standby.sql("select pg_wal_replay_pause()")
		primary.sql("drop table moved")
		k = standby.kind
		k.Role, k.MaxLag = check.Standby, 50*time.Millisecond
		eventually(t, func() bool {
			got := try(t, k)
			return !got.OK && strings.Contains(got.Text, " behind in ") && strings.Contains(got.Text, "wanted at most 50ms")
		}, func() { t.Errorf("no lag seen: %s", try(t, k).Text) })
		standby.sql("select pg_wal_replay_resume()")
		eventually(t, func() bool { return try(t, k).OK }, func() { t.Errorf("still behind: %s", try(t, k).Text) })
	})
	t.Run("the preset", func(t *testing.T) {
		sees(t, try(t, preset(t, "postgresql", check.Login{}, standby.to)), true)
		sees(t, try(t, preset(t, "postgresql-tls", check.Login{}, primary.to)), true)
		sees(t, try(t, preset(t, "postgresql-tls", check.Login{}, standby.to)), false, `answered "N"`)
	})
	t.Run("promoted", func(t *testing.T) {
		standby.sql("select pg_promote()")
		k := standby.kind
		k.Role = check.Primary
		eventually(t, func() bool { return try(t, k).OK }, func() { t.Errorf("not promoted: %s", try(t, k).Text) })
	})
}
