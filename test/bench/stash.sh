# stash.sh: stash tables against what people use today; sourced by run.sh
#
# STASH_BENCH_SECTIONS=socket,inside chooses among socket, inside, put, many and
# growth; all of them take some twenty minutes, four of them growth, whose largest
# table STASH_BENCH_ROWS makes smaller (10,000,000 entries unless said; they want
# 4 GB of memory).
#
# Anchors are prepared. What a stash is compared with when it is read is a table
# of somebody who needs no stash: the key is the bigint, the value the text, and
# the other columns are those of a stash. Through the socket, pgbench drives the
# server and redis-benchmark drives Redis. Both are written in C, and each client
# sends a command when the answer to its last one is there.

# stash_fill NAME ROWS: bench.NAME, a stash of that many entries, and bench.NAME_plain, of the same
stash_fill() {
	sql -v stash="bench.$1" -v plain="bench.$1_plain" -v pkey="$1_pkey" -v rows="$2" <<-'SQL'
		SELECT stash.create(:'stash', 'unlogged') \g /dev/null
		-- an index is made fastest over rows that are there
		ALTER TABLE :stash DROP CONSTRAINT :pkey;
		INSERT INTO :stash (key_hash, key, value)
		SELECT stash.hash(i), stash.to_variant(i), stash.to_variant('value ' || i)
		FROM generate_series(1, :rows::bigint) i;
		ALTER TABLE :stash ADD PRIMARY KEY (key_hash);

		CREATE UNLOGGED TABLE :plain (
			id bigint NOT NULL,
			value text,
			version bigint NOT NULL DEFAULT 1,
			created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
			expires_at timestamptz,
			cost interval
		);
		INSERT INTO :plain (id, value)
		SELECT i, 'value ' || i
		FROM generate_series(1, :rows::bigint) i;
		ALTER TABLE :plain ADD PRIMARY KEY (id);
		VACUUM ANALYZE :stash;
		VACUUM ANALYZE :plain;

		SELECT count(*) AS entries,
		       bool_and(stash.get(:'stash', p.id, NULL::text) = p.value) AS is_same
		FROM :plain p
		WHERE p.id % greatest(1, :rows / 10000) = 0
		\gset
		SELECT format($$DO $do$ BEGIN ASSERT %L AND %s >= 1000 AND NOT stash.has(%L, %s + 1); END $do$ $$,
			:'is_same', :'entries', :'stash', :rows::bigint) AS check
		\gset
		:check;
	SQL
}

# --- sections

# one statement a call: a value of some bytes among a million
stash_socket() {
	local clients title redis=

	stash_fill socket 1000000
	printf '%s\n' '\set i random(1, 1000000)' 'SELECT value FROM bench.socket_plain WHERE id = :i;' >"$work/select.pgbench"
	printf '%s\n' '\set i random(1, 1000000)' "SELECT stash.get('bench.socket', :i::bigint);" >"$work/get.pgbench"
	printf '%s\n' '\set i random(1, 1000000)' "SELECT stash.get('bench.socket', :i::bigint, NULL::text);" >"$work/get_like.pgbench"
	if bench_redis_start; then
		redis=yes
		say "pgbench -M prepared, and $(redis-server --version | sed 's/ sha.*//') by redis-benchmark without pipelining, each through its unix socket"
	else
		say 'pgbench -M prepared through the unix socket; Redis is missing: no package redis-server here'
	fi
	for clients in 1 8; do
		title="get through a socket, clients: $clients"
		bench_compare_rates "$title" "$clients" "1=select=SELECT by primary key, $clients" "2=get=stash.get, $clients" \
			"3=get_like=stash.get like text, $clients" ${redis:+"4=bench_redis_rate=Redis GET, $clients"}
		sql -v title="$title" -v clients="$clients" <<-'SQL'
			CALL bench.add_goal(:'title', 'stash.get, ' || :clients, 'SELECT by primary key, ' || :clients, 0.95);
			CALL bench.add_goal(:'title', 'stash.get like text, ' || :clients, 'SELECT by primary key, ' || :clients, 0.95);
			CALL bench.add_goal(:'title', 'stash.get, ' || :clients, 'Redis GET, ' || :clients, 1);
		SQL
	done
	[[ -z $redis ]] || stop_server "$work/redis/redis.pid"
}

# a million gets in one statement
stash_inside() {
	stash_fill inside 1000000
	sql <<-'SQL'
		-- the same million entries under texts
		SELECT stash.create('bench.inside_text', 'unlogged') \g /dev/null
		INSERT INTO bench.inside_text (key_hash, key, value)
		SELECT stash.hash('key ' || i), stash.to_variant('key ' || i), stash.to_variant('value ' || i)
		FROM generate_series(1, 1000000) i;
		CREATE UNLOGGED TABLE bench.inside_text_plain AS
		SELECT 'key ' || id AS id, value, version, created_at, expires_at, cost
		FROM bench.inside_plain;
		ALTER TABLE bench.inside_text_plain ADD PRIMARY KEY (id);
		VACUUM ANALYZE bench.inside_text;
		VACUUM ANALYZE bench.inside_text_plain;
		CREATE FUNCTION bench.by_hand_get(key bigint)
			RETURNS text
			LANGUAGE plpgsql STABLE
		AS $$
		DECLARE
			found_value text;
		BEGIN
			SELECT value INTO found_value FROM bench.inside_plain WHERE id = key;
			RETURN found_value;
		END
		$$;
		CREATE FUNCTION bench.by_hand_get(key text)
			RETURNS text
			LANGUAGE plpgsql STABLE
		AS $$
		DECLARE
			found_value text;
		BEGIN
			SELECT value INTO found_value FROM bench.inside_text_plain WHERE id = key;
			RETURN found_value;
		END
		$$;
	SQL
	stash_inside_of '1,000 keys' 1000 7
	stash_inside_of '1,000,000 keys' 1000000 5
}

# stash_inside_of TITLE KEYS ROUNDS
stash_inside_of() {
	sql -v title="a million gets of $1 in one statement" -v name="$1" -v keys="$2" -v rounds="$3" <<-'SQL'
		CREATE UNLOGGED TABLE bench.inside_keys AS
		SELECT k, 'key ' || k AS t, stash.hash(k) AS h
		FROM (SELECT i * 611953::bigint % :keys + 1 AS k FROM generate_series(1, 1000000) i) q;
		VACUUM ANALYZE bench.inside_keys;
		SELECT format('%s: %s', q.what, :'name') AS name, q.what, q.expression
		INTO TEMP variant
		FROM (VALUES
			(1, 'index probe in C', $$bench.probe('bench.inside', 'bench.inside_pkey', h, 3)$$),
			(2, 'stash.get, bigint', $$stash.get('bench.inside', k)$$),
			(3, 'stash.get, bigint, like text', $$stash.get('bench.inside', k, NULL::text)$$),
			(4, 'stash.has, bigint', $$nullif(stash.has('bench.inside', k), false)$$),
			(5, 'stash.get, text', $$stash.get('bench.inside_text', t)$$),
			(6, 'plpgsql, bigint', 'bench.by_hand_get(k)'),
			(7, 'plpgsql, text', 'bench.by_hand_get(t)'),
			(8, 'reading the keys', 't')) q(place, what, expression)
		ORDER BY q.place;
		-- whoever finds less would be faster
		SELECT string_agg(format('ASSERT (SELECT count(%s) FROM bench.inside_keys) = 1000000;', expression), E'\n') AS check
		FROM variant
		\gset
		SELECT format($$DO $do$ BEGIN %s END $do$ $$, :'check') AS check \gset
		:check;
		SELECT format('CALL bench.add_statement(%L, %L, 1000000)', name, format('SELECT count(%s) FROM bench.inside_keys', expression))
		FROM variant
		\gexec
		SELECT array_agg(name) AS variants,
		       max(name) FILTER (WHERE what LIKE 'index probe%') AS probe,
		       max(name) FILTER (WHERE what = 'stash.get, bigint') AS get,
		       max(name) FILTER (WHERE what = 'stash.get, text') AS get_text,
		       max(name) FILTER (WHERE what = 'plpgsql, bigint') AS by_hand,
		       max(name) FILTER (WHERE what = 'plpgsql, text') AS by_hand_text,
		       max(name) FILTER (WHERE what LIKE 'reading%') AS reading
		FROM variant
		\gset
		CALL bench.compare(:'title', :'variants', :rounds);
		\echo :title, rounds: :rounds
		SELECT * FROM bench.report(:'title', :'reading');
		CALL bench.add_goal(:'title', :'get', :'probe', 0.667, :'reading');
		CALL bench.add_goal(:'title', :'get', :'by_hand', 2.5, :'reading');
		CALL bench.add_goal(:'title', :'get_text', :'by_hand_text', 2.5, :'reading');
		DROP TABLE bench.inside_keys;
	SQL
}

# 100,000 keys, new and there already, in one statement and through the socket
stash_put() {
	local clients insert

	insert='INSERT INTO bench.put_plain AS s (key_hash, key, value, version, created_at, expires_at) VALUES (%s, %s, %s, 1, clock_timestamp(), NULL)
		ON CONFLICT (key_hash) DO UPDATE SET value = excluded.value, version = s.version + 1, created_at = excluded.created_at, expires_at = excluded.expires_at, cost = NULL'
	# shellcheck disable=SC2059
	sql -v insert="$(printf "$insert" e.key_hash e.key e.value)" <<-'SQL'
		SELECT stash.create('bench.put') \g /dev/null
		CREATE TABLE bench.put_plain (LIKE bench.put INCLUDING ALL);
		CREATE UNLOGGED TABLE bench.put_entries AS
		SELECT i AS k, 'value ' || i AS v, stash.hash(i) AS key_hash, stash.to_variant(i) AS key, stash.to_variant('value ' || i) AS value
		FROM generate_series(1, 100000::bigint) i;
		VACUUM ANALYZE bench.put_entries;
		SELECT format($f$
			CREATE FUNCTION bench.insert_all() RETURNS void LANGUAGE plpgsql AS $body$
			DECLARE
				e record;
			BEGIN
				FOR e IN SELECT key_hash, key, value FROM bench.put_entries LOOP
					%s;
				END LOOP;
			END
			$body$ $f$, :'insert') AS create
		\gset
		:create;
		CREATE FUNCTION bench.put_all() RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			e record;
			version int8;
		BEGIN
			FOR e IN SELECT k, v FROM bench.put_entries LOOP
				version := stash.put('bench.put', e.k, e.v);
			END LOOP;
		END
		$$;
		-- both write the same
		SELECT bench.insert_all(), bench.insert_all(), bench.put_all(), bench.put_all() \g /dev/null
		DO $$
		BEGIN
			ASSERT (SELECT count(*) FROM bench.put s JOIN bench.put_plain p USING (key_hash, version)
				WHERE s.version = 2 AND s.key::bytea = p.key::bytea AND s.value::bytea = p.value::bytea) = 100000;
		END
		$$;
	SQL
	stash_put_inside 'new keys' 'TRUNCATE bench.put, bench.put_plain;'
	stash_put_inside 'keys that are there' 'TRUNCATE bench.put, bench.put_plain;
		INSERT INTO bench.put (key_hash, key, value) SELECT key_hash, key, value FROM bench.put_entries;
		INSERT INTO bench.put_plain (key_hash, key, value) SELECT key_hash, key, value FROM bench.put_entries;'

	for clients in 1 8; do
		stash_put_socket 'new keys' 1000000000000 "$clients" "$insert"
		stash_put_socket 'keys that are there' 100000 "$clients" "$insert"
	done
}

# stash_put_inside WHAT PREPARE
stash_put_inside() {
	sql -v title="100,000 puts in one statement, $1" -v what="$1" -v prepare="$2" <<-'SQL'
		SELECT 'INSERT ON CONFLICT, ' || :'what' AS insert, 'stash.put, ' || :'what' AS put,
		       'stash.put in plpgsql, ' || :'what' AS loop
		\gset
		CALL bench.add_statement(:'insert', 'SELECT bench.insert_all()', 100000, :'prepare');
		CALL bench.add_statement(:'put', $$SELECT count(stash.put('bench.put', k, v)) FROM bench.put_entries$$, 100000, :'prepare');
		CALL bench.add_statement(:'loop', 'SELECT bench.put_all()', 100000, :'prepare');
		CALL bench.compare(:'title', ARRAY[:'insert', :'put', :'loop'], 7);
		\echo :title
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'put', :'insert', 0.9);
		CALL bench.add_goal(:'title', :'loop', :'insert', 0.9);
	SQL
}

# stash_put_socket WHAT KEYS CLIENTS INSERT: keys are random ones below KEYS
stash_put_socket() {
	local title="put through a socket, $1, clients: $3"

	{
		say "\\set i random(1, $2)"
		# shellcheck disable=SC2059
		printf "$4;\n" 'stash.hash(:i::bigint)' 'stash.to_variant(:i::bigint)' "stash.to_variant('value'::text)" | tr -d '\n'
		echo
	} >"$work/insert.pgbench"
	printf '%s\n' "\\set i random(1, $2)" "SELECT stash.put('bench.put', :i::bigint, 'value'::text);" >"$work/put.pgbench"
	sql -c 'TRUNCATE bench.put, bench.put_plain' -c 'SELECT bench.insert_all(), bench.put_all()' >/dev/null
	bench_compare_rates "$title" "$3" "1=insert=INSERT ON CONFLICT, $1, $3" "2=put=stash.put, $1, $3"
	sql -c "CALL bench.add_goal('$title', 'stash.put, $1, $3', 'INSERT ON CONFLICT, $1, $3', 0.9)"
}

# 100,000 entries at once
stash_many() {
	sql <<-'SQL'
		SELECT stash.create('bench.many') \g /dev/null
		CREATE UNLOGGED TABLE bench.many_entries AS
		SELECT i AS k, 'value ' || i AS v
		FROM generate_series(1, 100000::bigint) i;
		CREATE UNLOGGED TABLE bench.many_arrays AS
		SELECT array_agg(k) AS keys, array_agg(v) AS "values" FROM bench.many_entries;
		CREATE FUNCTION bench.put_one_by_one() RETURNS void LANGUAGE plpgsql AS $$
		DECLARE
			e record;
		BEGIN
			FOR e IN SELECT k, v FROM bench.many_entries LOOP
				PERFORM stash.put('bench.many', e.k, e.v);
			END LOOP;
		END
		$$;
		\set title '100,000 entries at once'
		CALL bench.add_statement('loop of PERFORM stash.put', 'SELECT bench.put_one_by_one()', 100000, 'TRUNCATE bench.many;');
		CALL bench.add_statement('SELECT stash.put FROM', $$SELECT count(stash.put('bench.many', k, v)) FROM bench.many_entries$$,
			100000, 'TRUNCATE bench.many;');
		CALL bench.add_statement('stash.put_many', $$SELECT stash.put_many('bench.many', keys, "values") FROM bench.many_arrays$$,
			100000, 'TRUNCATE bench.many;');
		CALL bench.compare(:'title', ARRAY['loop of PERFORM stash.put', 'SELECT stash.put FROM', 'stash.put_many'], 7);
		DO $$ BEGIN ASSERT stash.count('bench.many') = 100000 AND stash.get('bench.many', 7::bigint, NULL::text) = 'value 7'; END $$;
		\echo :title
		SELECT * FROM bench.report(:'title');
		\set there '100,000 entries at once, keys that are there'
		SELECT $$TRUNCATE bench.many; PERFORM stash.put_many('bench.many', keys, "values") FROM bench.many_arrays;$$ AS fill \gset
		CALL bench.add_statement('loop, there', 'SELECT bench.put_one_by_one()', 100000, :'fill');
		CALL bench.add_statement('stash.put_many, there', $$SELECT stash.put_many('bench.many', keys, "values") FROM bench.many_arrays$$,
			100000, :'fill');
		CALL bench.compare(:'there', ARRAY['loop, there', 'stash.put_many, there'], 7);
		\echo :there
		SELECT * FROM bench.report(:'there');
		CALL bench.add_goal(:'title', 'stash.put_many', 'loop of PERFORM stash.put', 5);
		CALL bench.add_goal(:'title', 'stash.put_many', 'SELECT stash.put FROM', 5);
	SQL
}

# From 10,000 entries on, each table ten times the last. Buffers hold all of them: else a stash, of half as many bytes
# more than its plain table, would be compared by how much of either is at hand.
stash_growth() {
	local rows most=${STASH_BENCH_ROWS:-10000000} jobs=() place=0 title='get through a socket from a growing table'

	bench_restart shared_buffers=4GB
	for ((rows = 10000; rows <= most; rows *= 10)); do
		stash_fill "growth_$rows" "$rows"
		printf '%s\n' "\\set i random(1, $rows)" "SELECT value FROM bench.growth_${rows}_plain WHERE id = :i;" >"$work/select_$rows.pgbench"
		printf '%s\n' "\\set i random(1, $rows)" "SELECT stash.get('bench.growth_$rows', :i::bigint);" >"$work/get_$rows.pgbench"
		jobs+=("$((++place))=select_$rows=SELECT by primary key, $rows" "$((++place))=get_$rows=stash.get, $rows")
	done
	rows=$((rows / 10))
	sql <<-'SQL'
		CREATE EXTENSION IF NOT EXISTS pg_prewarm;
		SELECT sum(pg_prewarm(oid)) FROM pg_class WHERE relname LIKE 'growth%' AND relkind IN ('r', 'i') \g /dev/null
	SQL
	bench_compare_rates "$title" 1 "${jobs[@]}"
	sql -v title="$title" -v most="$rows" <<-'SQL'
		-- within each round, for what else the machine does meets all of it
		WITH kept AS (
			SELECT s.round, w.what, s.ms / l.ms AS kept
			FROM (VALUES ('stash.get'), ('SELECT by primary key')) w(what)
			JOIN bench.result s ON s.title = :'title' AND s.variant = w.what || ', 10000'
			JOIN bench.result l ON l.title = :'title' AND l.variant = w.what || ', ' || :'most' AND l.round = s.round
		), times AS (
			SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY g.kept / s.kept) AS middle
			FROM kept g
			JOIN kept s USING (round)
			WHERE (g.what, s.what) = ('stash.get', 'SELECT by primary key')
		)
		INSERT INTO bench.goal (goal, wanted, seen, is_met)
		SELECT format('what stash.get keeps of its rate at %s entries / what SELECT by primary key keeps', :'most'), '>= 0.97',
		       bench.times_text(middle), middle >= 0.97
		FROM times;
	SQL
	bench_restart
}

build_kernel
run_sections stash socket inside put many growth
