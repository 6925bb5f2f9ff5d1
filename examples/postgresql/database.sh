# shellcheck shell=bash disable=SC2034
# What the scripts share: settings first, the same on all nodes.

# Every node with the address that is its own, and the one that clients use.
declare -A nodes=([db1]=192.0.2.11 [db2]=192.0.2.12 [db3]=192.0.2.13)
address=192.0.2.10

bin=/usr/lib/postgresql/15/bin
base=/var/lib/postgresql/holdfast # belongs to postgres
data=$base/data
this=$(<"$base/node") # the name of this node

# With a lease: added to its epochs, which begin with 1 in a new store. Where the
# store was lost and made anew, set it to the last term of holdfast.terms.
past=0

export PGPASSFILE=$base/pgpass PGUSER=holdfast PGDATABASE=postgres PGCONNECT_TIMEOUT=3
export PGOPTIONS='-c statement_timeout=20s'

# Who waits for an answer of a node that is gone must learn of it.
alive='keepalives_idle=2 keepalives_interval=1 keepalives_count=3 tcp_user_timeout=5000'

# Two files say what this node's data may be:
#   promoted   a primary's. Only promote makes it, only demote takes it away.
#   demoted    was a primary's. It may have transactions that nobody else has
#              and that nobody was told were done; follow takes them away.
# Each says how far it came: "promoting" or "done".

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

# only_one HOW lets one of the scripts work at a time.
only_one() {
  exec 9>"$base/lock"
  flock "$@" 9
}

# ask HOST QUERY [SECONDS]
ask() { timeout --foreground "${3:-5}" "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -d "host=$1 $alive" -c "$2" 2>/dev/null; }

# position HOST says how far a standby is: the last term that it knows, who was
# primary in it, and how much it has. Nothing while it has not applied all it
# received, because only then it knows its term. A primary has no position: what
# it has grows.
position() {
  ask "$1" "
    select term, node, pg_last_wal_replay_lsn() - '0/0' from holdfast.terms
    where pg_is_in_recovery()
      and coalesce(pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn(), true)
      and exists (select from pg_stat_activity where backend_type = 'startup'
                  and wait_event in ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval'))
    order by term desc limit 1"
}

# processes [WORD] are PostgreSQL's here, or those of them with a word in the title.
processes() {
  local p
  for p in /proc/[0-9]*; do
    [[ $p/cwd -ef $data ]] || continue
    grep -qs -e "${1:-}" "$p/cmdline" && echo "${p#/proc/}"
  done
}

# stop ends PostgreSQL, also where it is frozen or its postmaster was killed and
# the others live on. Killing is safe: what was not written was not acknowledged.
stop() {
  local left
  if timeout --foreground 1 "$bin/pg_isready" -q -h 127.0.0.1; then
    # In a handover the standbys get the rest now. In a fault they hear nothing
    # more from here, and would be waited for until wal_sender_timeout.
    "$bin/pg_ctl" -D "$data" stop -s -m fast -t 2 2>/dev/null || {
      mapfile -t left < <(processes walsender)
      kill "${left[@]}" 2>/dev/null || true
      "$bin/pg_ctl" -D "$data" stop -s -m fast -t 4 2>/dev/null || true
    }
  fi
  for _ in {1..50}; do
    mapfile -t left < <(processes)
    ((${#left[@]} > 0)) || return 0
    kill -KILL "${left[@]}" 2>/dev/null || true
    sleep 0.1
  done
  return 1
}
