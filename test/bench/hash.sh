# hash.sh: every kind of hash against what people use today; sourced by run.sh
#
# STASH_BENCH_SECTIONS=bytes,rows chooses among bytes, arrays, rows, stored and
# tables. All of them take some six minutes and 5 GB below $STASH_TMP. What was
# promised is listed at the end. How much faster than md5 a hash is depends on
# the processor: its vectors, and whether it has instructions for SHA-256.

# bytea of 64 kB and 1 MB in memory
hash_bytes() {
	sql <<-'SQL'
		-- bytes that do not repeat
		CREATE TABLE bench.bytes AS
		SELECT decode(string_agg(md5(i::text), '' ORDER BY i), 'hex') AS b
		FROM generate_series(1, 65536) i;

		-- the hash is that of the kernel for the canonical form; another byte, another hash
		DO $$
		DECLARE
			mb bytea := (SELECT b FROM bench.bytes);
			part bytea;
		BEGIN
			FOREACH part IN ARRAY ARRAY[mb, substring(mb, 1, 65536)] LOOP
				ASSERT stash.hash(part) = bench.xxh3(bench.head_of_bytea(octet_length(part)) || part);
				ASSERT stash.hash(part) <> stash.hash(set_byte(part, 50000, get_byte(part, 50000) # 1));
			END LOOP;
		END
		$$;
	SQL
	hash_bytes_of '1 MB' 1048576
	hash_bytes_of '64 kB' 65536
}

# hash_bytes_of TITLE BYTES
hash_bytes_of() {
	sql -v title="$1" -v bytes="$2" <<-'SQL'
		-- the concatenation leaves an uncompressed value in memory
		SELECT format('SELECT substring(b, 1, %s) || '''' AS b FROM bench.bytes', :bytes) AS bytes_in_memory,
		       format('SELECT encode(substring(b, 1, %s / 2), ''hex'') AS b FROM bench.bytes', :bytes) AS text_in_memory,
		       'stash.hash, ' || :'title' AS hash, 'stash.hash64, ' || :'title' AS hash64,
		       'XXH3 kernel, ' || :'title' AS kernel, 'hashtextextended, ' || :'title' AS text,
		       'sha256, ' || :'title' AS sha, 'md5, ' || :'title' AS md5, 'the loop alone, ' || :'title' AS nothing
		\gset
		CALL bench.add_loop(:'hash', :'bytes_in_memory', 'stash.hash(v.b)', bytes => :bytes);
		CALL bench.add_loop(:'hash64', :'bytes_in_memory', 'stash.hash64(v.b)', bytes => :bytes);
		CALL bench.add_loop(:'kernel', :'bytes_in_memory', 'bench.xxh3(v.b)', bytes => :bytes);
		CALL bench.add_loop(:'text', :'text_in_memory', 'hashtextextended(v.b, 0)', bytes => :bytes);
		CALL bench.add_loop(:'sha', :'bytes_in_memory', 'sha256(v.b)', bytes => :bytes);
		CALL bench.add_loop(:'md5', :'bytes_in_memory', 'md5(v.b)', bytes => :bytes);
		CALL bench.add_loop(:'nothing', :'bytes_in_memory', 'bench.nothing(v.b)');
		CALL bench.compare(:'title', ARRAY[:'hash', :'hash64', :'kernel', :'text', :'sha', :'md5', :'nothing'], 7);
		\echo bytea in memory
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'hash', :'md5', 80);
		CALL bench.add_goal(:'title', :'hash', :'sha', 35);
		CALL bench.add_goal(:'title', :'hash', :'kernel', 0.9);
	SQL
}

# float8[131072]: flat, as it comes from a table, and in the two forms that a variable of plpgsql has
hash_arrays() {
	sql <<-'SQL'
		CREATE TABLE bench.floats AS
		SELECT array_agg(sqrt(i) ORDER BY i) AS a
		FROM generate_series(1, 131072) i;

		-- how the server keeps the three, and that they are one value to each hash
		DO $$
		DECLARE
			flat record;
			copied float8[] := (SELECT a FROM bench.floats);
			elements float8[] := (SELECT a FROM bench.floats);
			other float8[] := (SELECT a FROM bench.floats);
		BEGIN
			SELECT a || '{}'::float8[] AS a INTO STRICT flat FROM bench.floats;
			elements[1] := elements[1];
			other[70000] := other[70000] + 1;
			ASSERT bench.array_form(flat.a) = 'flat';
			ASSERT bench.array_form(copied) = 'expanded, flat copy';
			ASSERT bench.array_form(elements) = 'expanded, elements';
			ASSERT stash.hash(flat.a) = stash.hash(copied) AND stash.hash(flat.a) = stash.hash(elements);
			ASSERT stash.hash(flat.a) <> stash.hash(other);
			ASSERT bench.array_form(elements) = 'expanded, elements', 'hashing has changed its form';
			ASSERT hash_array_extended(flat.a, 0) = hash_array_extended(elements, 0);
		END
		$$;
	SQL
	hash_arrays_of 'flat' 20 record v.a ''
	hash_arrays_of 'expanded, flat copy' 12 'float8[]' v ''
	hash_arrays_of 'expanded, elements' 12 'float8[]' v 'v[1] := v[1];'
}

# hash_arrays_of FORM GOAL KIND EXPRESSION PREPARE
hash_arrays_of() {
	sql -v form="$1" -v goal="$2" -v kind="$3" -v a="$4" -v prepare="$5" <<-'SQL'
		-- the concatenation leaves a flat array in memory, as it does with bytes
		\set array 'SELECT a || ''{}''::float8[] AS a FROM bench.floats'
		SELECT 'float8[131072], ' || :'form' AS title, 'stash.hash, ' || :'form' AS hash,
		       'hash_array_extended, ' || :'form' AS anchor, 'md5(a::text), ' || :'form' AS md5,
		       :'prepare' || format(' IF bench.array_form(%s) <> %L THEN RAISE EXCEPTION ''another form''; END IF;',
			       :'a', :'form') AS prepare
		\gset
		CALL bench.add_loop(:'hash', :'array', format('stash.hash(%s)', :'a'), NULL, 1048576, :'kind', :'prepare');
		CALL bench.add_loop(:'anchor', :'array', format('hash_array_extended(%s, 0)', :'a'), NULL, 1048576, :'kind',
			:'prepare');
		CALL bench.add_loop(:'md5', :'array', format('md5(%s::text)', :'a'), NULL, 1048576, :'kind', :'prepare');
		CALL bench.compare(:'title', ARRAY[:'hash', :'anchor', :'md5'], 7);
		\echo :title
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'hash', :'anchor', :goal);
	SQL
}

# rows of 20 columns: 100,000 of a table, and one in memory
hash_rows() {
	sql <<-'SQL'
		CALL bench.make_wide();
		VACUUM ANALYZE bench.wide;

		-- no two rows are equal to any of the hashes
		DO $$
		BEGIN
			ASSERT (SELECT (count(DISTINCT stash.hash(t)), count(DISTINCT hash_record_extended(t, 0)),
				count(DISTINCT md5(t::text))) FROM bench.wide t) = (100000::bigint, 100000::bigint, 100000::bigint);
		END
		$$;

		SET max_parallel_workers_per_gather = 0;
		CALL bench.add_statement('stash.hash(t)', 'SELECT count(stash.hash(t)) FROM bench.wide t', 100000);
		CALL bench.add_statement('hash_record_extended(t, 0)',
			'SELECT count(hash_record_extended(t, 0)) FROM bench.wide t', 100000);
		CALL bench.add_statement('md5(t::text)', 'SELECT count(md5(t::text)) FROM bench.wide t', 100000);
		CALL bench.add_statement('making t alone', 'SELECT count(bench.nothing(t)) FROM bench.wide t', 100000);
		CALL bench.compare('rows of a table', ARRAY['stash.hash(t)', 'hash_record_extended(t, 0)',
			'md5(t::text)', 'making t alone'], 7);
		\echo rows of 20 columns, each row of a table, then ratios without the time to read the row and make t
		SELECT * FROM bench.report('rows of a table');
		SELECT * FROM bench.report('rows of a table', 'making t alone');
		CALL bench.add_goal('rows of a table', 'stash.hash(t)', 'hash_record_extended(t, 0)', 1.5);
		CALL bench.add_goal('rows of a table', 'stash.hash(t)', 'md5(t::text)', 8);

		\set row 'SELECT t FROM bench.wide t WHERE id = 4722'
		CALL bench.add_loop('stash.hash(v.t)', :'row', 'stash.hash(v.t)');
		CALL bench.add_loop('hash_record_extended(v.t, 0)', :'row', 'hash_record_extended(v.t, 0)');
		CALL bench.add_loop('md5(v.t::text)', :'row', 'md5(v.t::text)');
		CALL bench.add_loop('the loop alone', :'row', 'bench.nothing(v.t)');
		CALL bench.compare('row in memory', ARRAY['stash.hash(v.t)', 'hash_record_extended(v.t, 0)',
			'md5(v.t::text)', 'the loop alone'], 7);
		\echo one such row in memory, then ratios without the loop
		SELECT * FROM bench.report('row in memory');
		SELECT * FROM bench.report('row in memory', 'the loop alone');
		CALL bench.add_goal('row in memory', 'stash.hash(v.t)', 'hash_record_extended(v.t, 0)', 1.5);
		CALL bench.add_goal('row in memory', 'stash.hash(v.t)', 'md5(v.t::text)', 8);
	SQL
}

# 800 MB in TOAST, uncompressed
hash_stored() {
	local free

	free=$(df --output=avail -B 1M "$work" | tail -n 1)
	if [[ $free -lt 4000 ]]; then
		say "stored: needs 4,000 MB below $work, there are $free"
		return
	fi
	sql <<-'SQL'
		CREATE FUNCTION bench.blocks_read(query text)
			RETURNS bigint
			LANGUAGE plpgsql
		AS $$
		DECLARE
			plan json;
		BEGIN
			EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || query INTO plan;
			RETURN plan #>> '{0,Plan,Shared Read Blocks}';
		END
		$$;

		-- of this backend
		CREATE FUNCTION bench.memory(field text)
			RETURNS float8
			LANGUAGE sql
		RETURN substring(pg_read_file('/proc/self/status') FROM field || E':\\s+(\\d+) kB')::float8 / 1024;
	SQL
	hash_stored_bytes
	hash_memory 'memory for 800 MB bytea' 'SELECT stash.hash(b) FROM bench.stored_bytes'
	sql -c 'TRUNCATE bench.stored_bytes'
	hash_stored_floats
	hash_memory 'memory for 800 MB float8[]' 'SELECT stash.hash(a) FROM bench.stored_floats'
	sql -c 'TRUNCATE bench.stored_floats'
}

# The parts in the subselects are parts of prepared statements, and cost both sides the same.
hash_stored_bytes() {
	sql <<-'SQL'
		CREATE UNLOGGED TABLE bench.stored_bytes (b bytea);
		ALTER TABLE bench.stored_bytes ALTER b SET STORAGE EXTERNAL;
		INSERT INTO bench.stored_bytes
		WITH piece AS MATERIALIZED (
			SELECT decode(string_agg(md5(i::text), '' ORDER BY i), 'hex') AS b
			FROM generate_series(1, 62500) i
		)
		SELECT string_agg(b, '') FROM piece, generate_series(1, 800);
		VACUUM bench.stored_bytes;

		-- the value of the stored bytes is that of the bytes in memory
		DO $$
		BEGIN
			ASSERT (SELECT pg_column_size(b) FROM bench.stored_bytes) = 800000000;
			ASSERT (SELECT stash.hash(b) = bench.xxh3(bench.head_of_bytea(octet_length(b)) || b) FROM bench.stored_bytes);
			ASSERT (SELECT stash.hash(b) <> stash.hash_sampled(b) FROM bench.stored_bytes);
			ASSERT (SELECT bench.detoast(b) FROM bench.stored_bytes) = 800000000;
		END
		$$;

		\set one 'SELECT 1 AS one'
		CALL bench.add_loop('hash_sampled(b)', :'one', '(SELECT stash.hash_sampled(b) FROM bench.stored_bytes)');
		-- the ends and the middle: 12 kB in all, and the 72 kB that hash_sampled reads
		\set parts 'substring(b, 1, %1$s) || substring(b, 400000001, %1$s) || substring(b, 800000001 - %1$s, %1$s)'
		\set parts '(SELECT md5(' :parts ') FROM bench.stored_bytes)'
		CALL bench.add_loop('md5 of 3 x 4 kB', :'one', format(:'parts', 4096));
		CALL bench.add_loop('md5 of 3 x 24 kB', :'one', format(:'parts', 24576));
		CALL bench.add_loop('hash(b)', :'one', '(SELECT stash.hash(b) FROM bench.stored_bytes)', 1, 8e8);
		CALL bench.add_loop('detoast', :'one', '(SELECT bench.detoast(b) FROM bench.stored_bytes)', 1, 8e8);
		CALL bench.add_loop('detoast, XXH3 kernel', :'one', '(SELECT bench.xxh3(b) FROM bench.stored_bytes)', 1, 8e8);
		CALL bench.add_loop('md5(b)', :'one', '(SELECT md5(b) FROM bench.stored_bytes)', 1, 8e8);
		CALL bench.compare('800 MB bytea', ARRAY['hash(b)', 'detoast', 'detoast, XXH3 kernel', 'md5(b)',
			'hash_sampled(b)', 'md5 of 3 x 4 kB', 'md5 of 3 x 24 kB'], 5);
		\echo bytea of 800 MB in TOAST
		SELECT * FROM bench.report('800 MB bytea');
		SELECT bench.blocks_read('SELECT stash.hash(b) FROM bench.stored_bytes') AS "blocks not in shared_buffers";
		CALL bench.add_goal('800 MB bytea', 'hash_sampled(b)', 'md5 of 3 x 4 kB', 2);
		CALL bench.add_goal('800 MB bytea', 'hash_sampled(b)', 'md5 of 3 x 24 kB', 2);
		CALL bench.add_goal('800 MB bytea', 'hash_sampled(b)', 'hash(b)', 1000);
		CALL bench.add_goal('800 MB bytea', 'hash(b)', 'md5(b)', 7);
		CALL bench.add_goal('800 MB bytea', 'hash(b)', 'detoast, XXH3 kernel', 3);
		CALL bench.add_goal('800 MB bytea', 'hash(b)', 'detoast', 1);
	SQL
}

# No part of a stored array can be read in SQL, so what is sampled has no anchor but the exact hash.
hash_stored_floats() {
	sql <<-'SQL'
		CREATE UNLOGGED TABLE bench.stored_floats (a float8[]);
		ALTER TABLE bench.stored_floats ALTER a SET STORAGE EXTERNAL;
		DO $$
		DECLARE
			v record;
		BEGIN
			SELECT array_agg(sqrt(i) ORDER BY i) AS a INTO v FROM generate_series(1, 1562500) i;
			FOR doubling IN 1 .. 6 LOOP
				v.a := v.a || v.a;
			END LOOP;
			INSERT INTO bench.stored_floats VALUES (v.a);
			ASSERT (SELECT cardinality(a) FROM bench.stored_floats) = 100000000;
			ASSERT (SELECT stash.hash(a) FROM bench.stored_floats) = stash.hash(v.a);
			ASSERT (SELECT stash.hash_sampled(a) FROM bench.stored_floats) = stash.hash_sampled(v.a);
			ASSERT (SELECT stash.hash(a) <> stash.hash_sampled(a) FROM bench.stored_floats);
		END
		$$;
		VACUUM bench.stored_floats;

		\set one 'SELECT 1 AS one'
		CALL bench.add_loop('hash_sampled(a)', :'one', '(SELECT stash.hash_sampled(a) FROM bench.stored_floats)');
		CALL bench.add_loop('hash(a)', :'one', '(SELECT stash.hash(a) FROM bench.stored_floats)', 1, 8e8);
		CALL bench.add_loop('detoast a', :'one', '(SELECT bench.detoast(a) FROM bench.stored_floats)', 1, 8e8);
		CALL bench.add_loop('hash_array_extended(a, 0)', :'one',
			'(SELECT hash_array_extended(a, 0) FROM bench.stored_floats)', 1, 8e8);
		CALL bench.compare('800 MB float8[]', ARRAY['hash(a)', 'detoast a', 'hash_array_extended(a, 0)', 'hash_sampled(a)'], 5);
		\echo float8[100000000] in TOAST
		SELECT * FROM bench.report('800 MB float8[]');
		SELECT bench.blocks_read('SELECT stash.hash(a) FROM bench.stored_floats') AS "blocks not in shared_buffers";
		CALL bench.add_goal('800 MB float8[]', 'hash_sampled(a)', 'hash(a)', 1000);
		CALL bench.add_goal('800 MB float8[]', 'hash(a)', 'detoast a', 1);
	SQL
}

# hash_memory WHAT QUERY: what a new backend takes for it, while it runs and afterwards
#
# What was freed again shows in the address space alone; shared memory is in there from the start.
hash_memory() {
	sql -v what="$1" -v query="$2" <<-'SQL'
		-- what comes with the first call
		SELECT stash.hash(repeat('x', 5000)), stash.hash('{1,2}'::float8[]) \g /dev/null
		SELECT bench.memory('RssAnon') AS resident, bench.memory('VmPeak') AS peak \gset
		:query \g /dev/null
		SELECT bench.memory('RssAnon') - :resident AS resident, bench.memory('VmPeak') - :peak AS peak \gset
		CALL bench.add_limit(:'what' || ', afterwards', 8, :resident, 'MB');
		CALL bench.add_limit(:'what' || ', at most', 8, :peak, 'MB');
	SQL
}

# 5,000,000 rows of 10 columns
hash_tables() {
	if [[ $(sql -At -c "SELECT to_regprocedure('stash.hash_table(regclass, boolean)') IS NULL") == t ]]; then
		say 'tables: this version has no stash.hash_table'
		return
	fi
	sql <<-'SQL'
		SELECT setseed(0.3) \g /dev/null
		CREATE UNLOGGED TABLE bench.events AS
		SELECT i::bigint AS id,
		       (random() * 1000)::int AS quantity,
		       random() AS score,
		       round((random() * 10000)::numeric, 2) AS price,
		       i % 3 = 0 AS is_open,
		       '2026-01-01'::timestamptz + i * interval '1 second' AS created,
		       '2026-01-01'::date + i % 365 AS day,
		       'customer ' || i % 1000 AS customer,
		       CASE WHEN i % 2 = 0 THEN 'left at the door of number ' || i END AS note,
		       md5(i::text)::uuid AS token
		FROM generate_series(1, 5000000) i;
		-- for the anchor that puts all text into one value, which is limited to 1 GB and slow
		CREATE UNLOGGED TABLE bench.some_events AS
		SELECT * FROM bench.events WHERE id <= 500000;
		VACUUM ANALYZE bench.events, bench.some_events;

		-- the hash is that of the rows, in any order
		CREATE UNLOGGED TABLE bench.mixed_events AS
		SELECT * FROM bench.some_events ORDER BY token;
		DO $$
		BEGIN
			ASSERT stash.hash_table('bench.some_events') = stash.hash_table('bench.mixed_events');
			UPDATE bench.mixed_events SET quantity = quantity + 1 WHERE id = 250000;
			ASSERT stash.hash_table('bench.some_events') <> stash.hash_table('bench.mixed_events');
		END
		$$;
		DROP TABLE bench.mixed_events;
		SELECT pg_size_pretty(pg_table_size('bench.events')) AS "5,000,000 rows are";

		CALL bench.add_loop('hash_table sampled', 'SELECT 1 AS one', $$stash.hash_table('bench.events', true)$$);
		CALL bench.compare('5 M rows, sampled', ARRAY['hash_table sampled'], 7);
		\echo hash_table, sampled
		SELECT * FROM bench.report('5 M rows, sampled');
		SELECT median FROM bench.per_job WHERE title = '5 M rows, sampled' \gset
		CALL bench.add_limit('hash_table of 5 M rows, sampled', 2, :median, 'ms');
	SQL
	hash_tables_with 0
	hash_tables_with 2
	sql -c 'DROP TABLE bench.events, bench.some_events'
}

# hash_tables_with WORKERS
hash_tables_with() {
	sql -v workers="$1" <<-'SQL'
		SET max_parallel_workers_per_gather = :workers;
		SELECT '5 M rows, workers ' || :workers AS title, 'hash_table, workers ' || :workers AS hash,
		       'sum(hash_record_extended(t, 0)), workers ' || :workers AS sum, 'making t alone, workers ' || :workers AS nothing,
		       '0.5 M rows, workers ' || :workers AS some_title, 'hash_table of 0.5 M, workers ' || :workers AS some_hash,
		       'md5(string_agg(t::text)) of 0.5 M, workers ' || :workers AS md5
		\gset
		CALL bench.add_statement(:'hash', $$SELECT stash.hash_table('bench.events')$$, 5000000);
		CALL bench.add_statement(:'sum', 'SELECT sum(hash_record_extended(t, 0)) FROM bench.events t', 5000000);
		CALL bench.add_statement(:'nothing', 'SELECT count(bench.nothing(t)) FROM bench.events t', 5000000);
		CALL bench.add_statement(:'some_hash', $$SELECT stash.hash_table('bench.some_events')$$, 500000);
		CALL bench.add_statement(:'md5', $$SELECT md5(string_agg(t::text, '')) FROM bench.some_events t$$, 500000);
		CALL bench.compare(:'title', ARRAY[:'hash', :'sum', :'nothing'], 5);
		CALL bench.compare(:'some_title', ARRAY[:'some_hash', :'md5'], 5);
		\echo rows of a table, per row
		SELECT * FROM bench.report(:'title');
		SELECT * FROM bench.report(:'some_title');
		CALL bench.add_goal(:'title', :'hash', :'sum', 1.5);
		CALL bench.add_goal(:'some_title', :'some_hash', :'md5', 4);
	SQL
}

build_kernel
sql <<'SQL'
-- what stands before the content of a bytea in its canonical form (doc/hash.md)
CREATE FUNCTION bench.head_of_bytea(len bigint)
	RETURNS bytea
	LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
	head bytea := '\x01110001';
BEGIN
	WHILE len >= 128 LOOP
		head := head || set_byte('\x00', 0, (len & 127 | 128)::int);
		len := len >> 7;
	END LOOP;
	RETURN head || set_byte('\x00', 0, len::int);
END
$$;
SQL
say "of the processor's instructions: $(grep -m 1 '^flags' /proc/cpuinfo | grep -owE 'avx2|avx512f|sha_ni' | paste -sd ' ')"
run_sections hash bytes arrays rows stored tables
