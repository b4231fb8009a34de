# memo_write.sh: what tracking a table costs those who write to it; sourced by run.sh
#
# STASH_BENCH_SECTIONS=single,bulk chooses among single, durable and bulk; all of
# them take some eight minutes. Two tables alike, one tracked: a primary key, an
# int, a text.

# memo_write_table NAME: a table of 100,000 rows, and a sequence for more
memo_write_table() {
	sql -v name="bench.$1" <<-'SQL'
		CREATE TABLE :name (id bigint PRIMARY KEY, n int NOT NULL, note text) WITH (autovacuum_enabled = off);
		INSERT INTO :name SELECT i, i % 1000, repeat('x', 80) FROM generate_series(1, 100000) i;
		VACUUM ANALYZE :name;
	SQL
}

# a round of pgbench, which begins with a checkpoint: those that come by the clock would fall into some rounds and not into others
memo_write_round() {
	sql -c CHECKPOINT
	bench_pgbench "$1" "$2"
}
untracked() { memo_write_round untracked "$1"; }
tracked() { memo_write_round tracked "$1"; }
untracked_insert() { memo_write_round untracked_insert "$1"; }
tracked_insert() { memo_write_round tracked_insert "$1"; }

# memo_write_rates TITLE WORD: single-row transactions through a socket, by 1 and by 8 clients; the word is for their names
memo_write_rates() {
	local clients title table

	for table in untracked tracked; do
		sql -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS bench.$table"
		memo_write_table "$table"
		printf '%s\n' '\set i random(1, 100000)' "UPDATE bench.$table SET n = n + 1 WHERE id = :i;" >"$work/$table.pgbench"
		printf '%s\n' '\set i random(200000, 9000000000)' \
			"INSERT INTO bench.$table VALUES (:i, 1, 'x') ON CONFLICT DO NOTHING;" >"$work/${table}_insert.pgbench"
	done
	sql -c "SELECT stash.track('bench.tracked')" >/dev/null
	for clients in 1 8; do
		title="$1, clients: $clients"
		bench_compare_rates "$title" "$clients" "1=untracked=UPDATE untracked, $clients$2" "2=tracked=UPDATE tracked, $clients$2" \
			"3=untracked_insert=INSERT untracked, $clients$2" "4=tracked_insert=INSERT tracked, $clients$2"
		sql -v title="$title" -v clients="$clients$2" <<-'SQL'
			CALL bench.add_goal(:'title', 'UPDATE tracked, ' || :'clients', 'UPDATE untracked, ' || :'clients', 0.9);
			CALL bench.add_goal(:'title', 'INSERT tracked, ' || :'clients', 'INSERT untracked, ' || :'clients', 0.9);
			DO $$ BEGIN ASSERT (SELECT max(xid)::text::bigint > pg_current_xact_id()::text::bigint - 100000 FROM stash.change WHERE relation = 'bench.tracked'::regclass); END $$;
		SQL
	done
}

# commits that wait for no disk: all that a transaction costs is the processor's time
memo_write_single() { memo_write_rates 'single-row transactions' ''; }

# commits that wait for the disk, as servers do that are not thrown away
memo_write_durable() {
	sql -c 'ALTER SYSTEM SET fsync = on' -c 'SELECT pg_reload_conf()' >/dev/null
	memo_write_rates 'single-row transactions that wait for the disk' ', durable'
	sql -c 'ALTER SYSTEM RESET fsync' -c 'SELECT pg_reload_conf()' >/dev/null
}

# a million rows in one statement
memo_write_bulk() {
	local table

	sql -c "COPY (SELECT i, i % 1000, repeat('x', 80) FROM generate_series(1, 1000000) i) TO '$work/rows'"
	for table in bulk_untracked bulk_tracked; do
		sql -v name="bench.$table" -v title="${table#bulk_}" -v file="$work/rows" <<-'SQL'
			CREATE TABLE :name (id bigint PRIMARY KEY, n int NOT NULL, note text) WITH (autovacuum_enabled = off);
			SELECT format($$INSERT INTO %s SELECT i, i %% 1000, repeat('x', 80) FROM generate_series(1, 1000000) i$$, :'name') AS insert,
			       format('COPY %s FROM %L', :'name', :'file') AS copy,
			       format('TRUNCATE %s;', :'name') AS empty
			\gset
			CALL bench.add_statement('INSERT ... SELECT ' || :'title', :'insert', 1, :'empty');
			CALL bench.add_statement('COPY ' || :'title', :'copy', 1, :'empty');
		SQL
	done
	sql <<-'SQL'
		SELECT stash.track('bench.bulk_tracked') \g /dev/null
		CALL bench.compare('a million rows', '{INSERT ... SELECT untracked,INSERT ... SELECT tracked}', 7);
		CALL bench.compare('a million rows by COPY', '{COPY untracked,COPY tracked}', 7);
		SELECT * FROM bench.report('a million rows');
		SELECT * FROM bench.report('a million rows by COPY');
		CALL bench.add_goal('a million rows', 'INSERT ... SELECT tracked', 'INSERT ... SELECT untracked', 0.99);
		CALL bench.add_goal('a million rows by COPY', 'COPY tracked', 'COPY untracked', 0.99);
	SQL
}

run_sections memo_write single durable bulk
