# memo.sh: memoized functions against what people write by hand; sourced by run.sh
#
# STASH_BENCH_SECTIONS=inside,distinct chooses among inside, distinct, socket,
# fill and memory; all of them take some twelve minutes.
#
# The memo by hand is a function in PL/pgSQL that looks into a table, and
# inserts what it does not find. Where a section leaves out a cache, those
# behind it answer.

# the job, some 20 us; the memo by hand of it; what does nothing
memo_make() {
	sql <<-'SQL'
		CREATE FUNCTION bench.work(n int, t text)
			RETURNS bigint
			LANGUAGE plpgsql IMMUTABLE
		AS $$
		DECLARE
			sum bigint := n;
		BEGIN
			FOR i IN 1 .. length(t) * 10 LOOP
				sum := sum + ascii(substr(t, 1 + i % length(t), 1));
			END LOOP;
			RETURN sum;
		END
		$$;

		CREATE TABLE bench.by_hand_memo (
			n int,
			t text,
			result bigint,
			PRIMARY KEY (n, t)
		);
		CREATE FUNCTION bench.by_hand(n int, t text)
			RETURNS bigint
			LANGUAGE plpgsql
		AS $$
		DECLARE
			found_result bigint;
		BEGIN
			SELECT m.result INTO found_result
			FROM bench.by_hand_memo m
			WHERE m.n = by_hand.n AND m.t = by_hand.t;
			IF NOT FOUND THEN
				found_result := bench.work(n, t);
				INSERT INTO bench.by_hand_memo
				VALUES (n, t, found_result)
				ON CONFLICT DO NOTHING;
			END IF;
			RETURN found_result;
		END
		$$;

		CREATE FUNCTION bench.trivial(n int, t text)
			RETURNS bigint
			LANGUAGE plpgsql IMMUTABLE
		AS $$
		BEGIN
			RETURN n;
		END
		$$;

		-- the job over a table that is tracked
		CREATE TABLE bench.rate AS SELECT i AS n FROM generate_series(1, 1000) i;
		SELECT stash.track('bench.rate') \g /dev/null
		CREATE FUNCTION bench.read(n int, t text)
			RETURNS bigint
			LANGUAGE plpgsql STABLE
		AS $$
		BEGIN
			RETURN n + length(t) + (SELECT count(*) FROM bench.rate);
		END
		$$;
		SELECT stash.memoize('bench.work(int, text)'), stash.memoize('bench.read(int, text)') \g /dev/null
	SQL
}

# memo_calls TABLE DISTINCT: a million pairs of arguments, each answered once
memo_calls() {
	sql -v name="bench.$1" -v distinct="$2" <<-'SQL'
		CREATE UNLOGGED TABLE :name AS
		SELECT (i * 611953::bigint % :distinct)::int AS n, 'customer ' || i * 611953::bigint % :distinct AS t
		FROM generate_series(1, 1000000) i;
		VACUUM ANALYZE :name;
		SET max_parallel_workers_per_gather = 0;
		CREATE TEMP TABLE expected AS
		SELECT n, t, bench.work_uncached(n, t) AS result FROM (SELECT DISTINCT n, t FROM :name) c;
		-- the library is there before the statement that fills begins, as it mostly is
		SELECT stash.stash_of('bench.work(int, text)') \g /dev/null
		SELECT count(bench.by_hand(n, t)), count(bench.work(n, t)) FROM :name \g /dev/null
		SELECT count(bench.read(n, t)) FROM (SELECT n, t FROM :name WHERE n < 1000) c \g /dev/null
		VACUUM ANALYZE bench.by_hand_memo;
		VACUUM ANALYZE bench.work_stash;
		-- remembered answers equal computed ones, in all ways
		SELECT bool_and(bench.by_hand(n, t) = result AND bench.work(n, t) = result)
			AND bool_and(bench.read(n, t) = n + length(t) + 1000) FILTER (WHERE n < 1000)
			AND (SELECT count(*) FROM bench.work_stash) >= :distinct AS right
		FROM expected
		\gset
		SELECT format('DO $$BEGIN ASSERT %L; END$$', :'right') AS check \gset
		:check;
	SQL
}

# memo_variant NAME EXPRESSION TABLE CACHES: CACHES are the kilobytes of the local one, and whether the shared one is used.
# A round begins when all has been asked for once, for a change of size may have emptied a cache.
memo_variant() {
	sql -v name="$1" -v statement="SELECT count($2) FROM bench.$3" -v local="${4% *}" -v shared="${4#* }" <<-'SQL'
		SELECT format($$
			PERFORM set_config('pg_hashstash.local_cache_size', %L, false), set_config('pg_hashstash.shared_cache', %L, false);
			EXECUTE %L;
			$$, :'local', :'shared', :'statement') AS prepare
		\gset
		CALL bench.add_statement(:'name', :'statement', 1000000, :'prepare');
	SQL
}

# memo_compare TITLE ROUNDS BASE VARIANT...
memo_compare() {
	local variants

	printf -v variants '"%s",' "${@:4}"
	say "$1, rounds: $2"
	sql -v title="$1" -v rounds="$2" -v base="$3" -v variants="{${variants%,}}" <<-'SQL'
		SET max_parallel_workers_per_gather = 0;
		CALL bench.compare(:'title', :'variants', :rounds);
		SELECT * FROM bench.report(:'title', nullif(:'base', ''));
	SQL
}

memo_goal() { sql -c "CALL bench.add_goal('$1', '$2', '$3', $4)"; }

# a million calls in one statement, 1,000 different ones
memo_inside() {
	local title='a million calls, 1,000 different'

	memo_calls call 1000
	memo_variant 'memo hit' 'bench.work(n, t)' call '16384 on'
	memo_variant 'memo hit, shared' 'bench.work(n, t)' call '0 on'
	memo_variant 'memo hit, table' 'bench.work(n, t)' call '0 off'
	memo_variant 'memo hit over a tracked table' 'bench.read(n, t)' call '16384 on'
	memo_variant 'the same, shared' 'bench.read(n, t)' call '0 on'
	memo_variant 'memo by hand' 'bench.by_hand(n, t)' call '16384 on'
	memo_variant 'trivial plpgsql' 'bench.trivial(n, t)' call '16384 on'
	memo_variant 'trivial C: left(text, int)' 'left(t, n)' call '16384 on'
	memo_variant 'trivial C: int4pl(int, int)' 'int4pl(n, n)' call '16384 on'
	memo_variant 'reading both arguments' 't' call '16384 on'
	memo_compare "$title" 7 '' 'memo hit' 'memo hit, shared' 'memo hit, table' 'memo hit over a tracked table' 'the same, shared' \
		'memo by hand' 'trivial plpgsql' 'trivial C: left(text, int)' 'trivial C: int4pl(int, int)' 'reading both arguments'
	memo_goal "$title" 'memo hit' 'trivial C: int4pl(int, int)' 0.286
	memo_goal "$title" 'memo hit' 'memo by hand' 30
	memo_goal "$title" 'memo hit, shared' 'memo hit' 0.5
	memo_goal "$title" 'memo hit over a tracked table' 'memo hit' 0.5
}

# a million different ones
memo_distinct() {
	local title='a million calls, all different'

	[[ -n $(sql -At -c "SELECT to_regclass('bench.call_distinct')") ]] || memo_calls call_distinct 1000000
	memo_variant 'memo hit, local: all different' 'bench.work(n, t)' call_distinct '1000000 off'
	memo_variant 'memo hit, shared: all different' 'bench.work(n, t)' call_distinct '0 on'
	memo_variant 'memo hit, table: all different' 'bench.work(n, t)' call_distinct '0 off'
	memo_variant 'memo by hand: all different' 'bench.by_hand(n, t)' call_distinct '16384 on'
	memo_compare "$title" 5 '' 'memo hit, local: all different' 'memo hit, shared: all different' 'memo hit, table: all different' \
		'memo by hand: all different'
	memo_goal "$title" 'memo hit, table: all different' 'memo by hand: all different' 2.5
	memo_goal "$title" 'memo hit, shared: all different' 'memo by hand: all different' 15
	memo_goal "$title" 'memo hit, shared: all different' 'memo hit, local: all different' 0.5
}

# --- through a socket

# A server that only its socket reaches; false where there is no package. Sessions of database "peer" are its clients.
memo_memcached_start() {
	local dir=$work/memcached

	command -v memcached >/dev/null && [[ -e $("$PG_CONFIG" --pkglibdir)/pgmemcache.so ]] || return 1
	mkdir "$dir"
	chown "$user" "$dir"
	as_user memcached -d -s "$dir/socket" -P "$dir/memcached.pid" -m 256
	sql -c 'CREATE DATABASE peer' -c "ALTER DATABASE peer SET session_preload_libraries = 'pgmemcache'" \
		-c "ALTER DATABASE peer SET pgmemcache.default_servers = '$dir/socket'"
	sql -d peer <<-'SQL'
		CREATE EXTENSION pgmemcache;
		SELECT count(memcache_set('key:' || i, 'value ' || i)) FROM generate_series(1, 1000) i \g /dev/null
		DO $$ BEGIN ASSERT memcache_get('key:7') = 'value 7'; END $$;
	SQL
}

# memo_memcached_rate CLIENTS
memo_memcached_rate() { PGDATABASE=peer bench_pgbench memcached "$1"; }

# one statement a call, 1,000 hot ones
memo_socket() {
	local clients title redis='' memcached=''

	sql <<-'SQL'
		CREATE FUNCTION bench.value(n int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 'value ' || n; END $$;
		SELECT stash.memoize('bench.value(int)') \g /dev/null
		CREATE TABLE bench.value_plain AS SELECT n, bench.value(n) AS value FROM generate_series(1, 1000) n;
		ALTER TABLE bench.value_plain ADD PRIMARY KEY (n);
		VACUUM ANALYZE bench.value_plain;
		DO $$ BEGIN ASSERT (SELECT count(*) FROM bench.value_stash) = 1000; END $$;
	SQL
	printf '%s\n' '\set i random(1, 1000)' 'SELECT value FROM bench.value_plain WHERE n = :i;' >"$work/select.pgbench"
	printf '%s\n' '\set i random(1, 1000)' 'SELECT bench.value(:i);' >"$work/memo.pgbench"
	printf '%s\n' '\set i random(1, 1000)' "SELECT memcache_get('key:' || :i);" >"$work/memcached.pgbench"
	! bench_redis_start || redis=yes
	! memo_memcached_start || memcached=yes
	[[ -n $redis ]] || say 'Redis is missing: no package redis-server here'
	[[ -n $memcached ]] || say 'pgmemcache is missing: no packages memcached and postgresql-*-pgmemcache here'
	say 'pgbench -M prepared, and redis-benchmark without pipelining, each through its unix socket'
	for clients in 1 8; do
		title="one call a statement, clients: $clients"
		bench_compare_rates "$title" "$clients" "1=select=SELECT by primary key, $clients" "2=memo=memo hit, $clients" \
			${redis:+"3=bench_redis_rate=Redis GET, $clients"} ${memcached:+"4=memo_memcached_rate=pgmemcache, $clients"}
		memo_goal "$title" "memo hit, $clients" "SELECT by primary key, $clients" 0.97
		memo_goal "$title" "memo hit, $clients" "Redis GET, $clients" 1
		memo_goal "$title" "memo hit, $clients" "pgmemcache, $clients" 1
	done
	sql <<-'SQL'
		WITH rate AS (
			SELECT variant, 1 / median AS rate FROM bench.per_job WHERE title LIKE 'one call a statement%'
		), scaled AS (
			SELECT w.what, e.rate / o.rate AS scaled
			FROM (VALUES ('memo hit'), ('SELECT by primary key')) w(what)
			JOIN rate o ON o.variant = w.what || ', 1'
			JOIN rate e ON e.variant = w.what || ', 8'
		)
		INSERT INTO bench.goal (goal, wanted, seen, is_met)
		SELECT 'what memo hit gains by 8 clients / what SELECT by primary key does', '>= 0.95',
		       bench.times_text(m.scaled / s.scaled), m.scaled / s.scaled >= 0.95
		FROM scaled m, scaled s
		WHERE (m.what, s.what) = ('memo hit', 'SELECT by primary key');
	SQL
	[[ -z $redis ]] || stop_server "$work/redis/redis.pid"
	[[ -z $memcached ]] || stop_server "$work/memcached/memcached.pid"
}

# 100,000 misses of a function that does nothing, in one statement, against inserts of what they leave in the stash
memo_fill() {
	local title='100,000 misses in one statement'

	sql -v title="$title" -v kernel="$work/kernel" <<-'SQL'
		CREATE FUNCTION bench.cheap(n int, t text) RETURNS int8 AS :'kernel', 'bench_nothing' LANGUAGE C IMMUTABLE STRICT;
		SELECT stash.memoize('bench.cheap(int, text)') \g /dev/null
		CREATE UNLOGGED TABLE bench.fill AS
		SELECT i AS n, 'customer ' || i AS t FROM generate_series(1, 100000) i;
		SELECT count(bench.cheap(n, t)) FROM bench.fill \g /dev/null
		CREATE UNLOGGED TABLE bench.fill_entries AS SELECT * FROM bench.cheap_stash;
		DO $$ BEGIN ASSERT (SELECT count(*) FROM bench.fill_entries) = 100000; END $$;
		VACUUM ANALYZE bench.fill;
		VACUUM ANALYZE bench.fill_entries;
		CREATE TABLE bench.cheap_plain (LIKE bench.cheap_stash INCLUDING ALL);
		CREATE FUNCTION bench.insert_fills() RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			e record;
		BEGIN
			FOR e IN SELECT * FROM bench.fill_entries LOOP
				INSERT INTO bench.cheap_plain (key_hash, key, value, version, created_at, expires_at, cost, proof)
				VALUES (e.key_hash, e.key, e.value, e.version, e.created_at, e.expires_at, e.cost, e.proof);
			END LOOP;
		END
		$$;
		CALL bench.add_statement('misses', 'SELECT count(bench.cheap(n, t)) FROM bench.fill', 100000, 'TRUNCATE bench.cheap_stash;');
		CALL bench.add_statement('INSERT, one by one', 'SELECT bench.insert_fills()', 100000, 'TRUNCATE bench.cheap_plain;');
		CALL bench.add_statement('INSERT ... SELECT', 'INSERT INTO bench.cheap_plain SELECT * FROM bench.fill_entries', 100000,
			'TRUNCATE bench.cheap_plain;');
		CALL bench.compare(:'title', ARRAY['misses', 'INSERT, one by one', 'INSERT ... SELECT'], 7);
		DO $$ BEGIN ASSERT (SELECT count(*) FROM bench.cheap_stash) = 100000 AND (SELECT count(*) FROM bench.cheap_plain) = 100000; END $$;
		\echo :title
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', 'misses', 'INSERT, one by one', 0.667);
	SQL
}

# what a million different hits leave in a backend
memo_memory() {
	[[ -n $(sql -At -c "SELECT to_regclass('bench.call_distinct')") ]] || memo_calls call_distinct 1000000
	sql <<-'SQL'
		SELECT format($$SELECT substring(pg_read_file('/proc/%s/status') FROM 'RssAnon:\s*(\d+)')::float8 / 1024$$, pg_backend_pid()) AS used
		\gset
		SELECT bench.work(1, 'customer 1') \g /dev/null
		:used AS before \gset
		SELECT count(bench.work(n, t)) FROM bench.call_distinct \g /dev/null
		:used AS after \gset
		CALL bench.add_limit('MB that a million different hits leave in a backend, 16 of them its cache', 32, :after - :before, 'MB');
	SQL
}

build_kernel
memo_make
run_sections memo inside distinct socket fill memory
