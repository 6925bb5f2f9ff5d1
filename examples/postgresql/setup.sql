-- The role of the scripts and of holdfast's checks, with no more than they need.
\set pass `cut -d: -f5 /var/lib/postgresql/holdfast/pgpass`
set synchronous_commit = local;         -- there is no standby yet
create role holdfast login replication password :'pass' in role pg_monitor, pg_checkpoint;
grant execute on function pg_promote(boolean, integer) to holdfast;
grant execute on function pg_ls_dir(text, boolean, boolean) to holdfast;
grant execute on function pg_stat_file(text, boolean) to holdfast;
grant execute on function pg_read_binary_file(text) to holdfast;
grant execute on function pg_read_binary_file(text, bigint, bigint, boolean) to holdfast;
-- Who was primary, one after the other. The scripts compare it.
create schema holdfast authorization holdfast;
create table holdfast.terms (term bigint primary key, node text not null, at timestamptz not null default now());
alter table holdfast.terms owner to holdfast;
insert into holdfast.terms (term, node) values (0, 'db1');
