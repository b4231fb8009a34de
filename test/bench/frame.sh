# frame.sh: values to bytes and back, against the server's own binary form; sourced by run.sh
#
# STASH_BENCH_SECTIONS=arrays,rows chooses among arrays, texts, jsonb, records,
# lz4, codecs and rows; all of them take some five minutes. Anchors are in their best
# form: what a client's bytes would go through, called from C over bytes that are
# in memory already. What was promised is listed at the end.
#
# A result of megabytes costs the same new memory whoever makes it: the anchor
# "copy" shows how much. It brings a value into memory and copies it once.

# int4[1e6] and float8[1e6]: flat, expanded, stored
frame_arrays() {
	sql <<-'SQL'
		-- all that the loops begin with, once
		CREATE UNLOGGED TABLE bench.ints AS
		SELECT array_agg((i * 7919::bigint % 1000003)::int ORDER BY i) AS a FROM generate_series(1, 1000000) i;
		CREATE UNLOGGED TABLE bench.floats_of_frames AS
		SELECT array_agg(sqrt(i) ORDER BY i) AS a FROM generate_series(1, 1000000) i;
	SQL
	frame_array_of int4 bench.ints 4e6 10 15
	frame_array_of float8 bench.floats_of_frames 8e6 7 8
	frame_expanded_of 'expanded, flat copy' ''
	frame_expanded_of 'expanded, elements' 'v[1] := v[1];'
	frame_stored_of int4 bench.ints 4e6
	frame_stored_of float8 bench.floats_of_frames 8e6
}

# frame_array_of TYPE TABLE BYTES GOAL_TO GOAL_FROM
frame_array_of() {
	sql -v type="$1" -v table="$2" -v bytes="$3" -v to="$4" -v from="$5" <<-'SQL'
		SELECT format('%s[1e6] to bytes', :'type') AS there, format('%s[1e6] from bytes', :'type') AS back,
		       format('serialize(%s[1e6])', :'type') AS serialize, format('deserialize(%s[1e6])', :'type') AS deserialize,
		       format('array_send(%s[1e6])', :'type') AS send, format('array_recv(%s[1e6])', :'type') AS recv,
		       format('copy(%s[1e6])', :'type') AS copy, format('copy(frame of %s[1e6])', :'type') AS copy_frame,
		       format('NULL::%s[]', :'type') AS kind,
		       -- concatenations leave values flat and uncompressed in memory
		       format($$SELECT a || '{}'::%1$s[] AS a, array_send(a) || '\x00' AS s, stash.serialize(a, 'none') || '' AS f FROM %2$s$$,
			       :'type', :'table') AS given,
		       format($$DO $do$
			DECLARE
				v record;
				changed %1$s[];
			BEGIN
				SELECT a || '{}'::%1$s[] AS a, array_send(a) || '\x00' AS s INTO STRICT v FROM %2$s;
				ASSERT bench.array_form(v.a) = 'flat';
				ASSERT stash.deserialize(stash.serialize(v.a, 'none'), NULL::%1$s[]) = v.a;
				ASSERT bench.receive(v.s, NULL::%1$s[]) = v.a;
				ASSERT bench.copy(v.a) = bench.copy(stash.deserialize(stash.serialize(v.a, 'none'), NULL::%1$s[]));
				changed := v.a;
				changed[500000] := changed[500000] + 1;
				ASSERT stash.deserialize(stash.serialize(changed, 'none'), NULL::%1$s[]) <> v.a;
			END
			$do$ $$, :'type', :'table') AS check
		\gset
		:check;
		CALL bench.add_loop(:'serialize', :'given', $$stash.serialize(v.a, 'none')$$, NULL, :bytes);
		CALL bench.add_loop(:'send', :'given', 'array_send(v.a)', NULL, :bytes);
		CALL bench.add_loop(:'copy', :'given', 'bench.copy(v.a)', NULL, :bytes);
		CALL bench.compare(:'there', ARRAY[:'serialize', :'send', :'copy'], 7);
		\echo :there
		SELECT * FROM bench.report(:'there');
		CALL bench.add_goal(:'there', :'serialize', :'send', :to);
		CALL bench.add_goal(:'there', :'serialize', :'copy', 0.77);

		CALL bench.add_loop(:'deserialize', :'given', format('stash.deserialize(v.f, %s)', :'kind'), NULL, :bytes);
		CALL bench.add_loop(:'recv', :'given', format('bench.receive(v.s, %s)', :'kind'), NULL, :bytes);
		CALL bench.add_loop(:'copy_frame', :'given', 'bench.copy(v.f)', NULL, :bytes);
		CALL bench.compare(:'back', ARRAY[:'deserialize', :'recv', :'copy_frame'], 7);
		\echo :back
		SELECT * FROM bench.report(:'back');
		CALL bench.add_goal(:'back', :'deserialize', :'recv', :from);
		CALL bench.add_goal(:'back', :'deserialize', :'copy_frame', 0.77);
	SQL
}

# frame_expanded_of FORM PREPARE: float8[1e6] in a variable of plpgsql
frame_expanded_of() {
	sql -v form="$1" -v prepare="$2" <<-'SQL'
		SELECT 'float8[1e6], ' || :'form' AS title, 'serialize, ' || :'form' AS serialize,
		       'array_send, ' || :'form' AS send, 'copy, ' || :'form' AS copy,
		       :'prepare' || format(' IF bench.array_form(v) <> %L THEN RAISE EXCEPTION ''another form''; END IF;', :'form') AS prepare
		\gset
		\set given 'SELECT a FROM bench.floats_of_frames'
		CALL bench.add_loop(:'serialize', :'given', $$stash.serialize(v, 'none')$$, NULL, 8e6, 'float8[]', :'prepare');
		CALL bench.add_loop(:'send', :'given', 'array_send(v)', NULL, 8e6, 'float8[]', :'prepare');
		CALL bench.add_loop(:'copy', :'given', 'bench.copy(v)', NULL, 8e6, 'float8[]', :'prepare');
		CALL bench.compare(:'title', ARRAY[:'serialize', :'send', :'copy'], 7);
		\echo :title
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'serialize', :'send', 7);
		CALL bench.add_goal(:'title', :'serialize', :'copy', 0.77);
	SQL
}

# frame_stored_of TYPE TABLE BYTES: from a table that keeps the array outside the row, and back from a frame there
frame_stored_of() {
	sql -v type="$1" -v table="$2" -v bytes="$3" <<-'SQL'
		SELECT format('%s[1e6], stored', :'type') AS title,
		       format('serialize(stored %s[1e6])', :'type') AS serialize, format('deserialize(stored %s[1e6])', :'type') AS deserialize,
		       format('copy(stored %s[1e6])', :'type') AS copy, format('copy(stored frame of %s[1e6])', :'type') AS copy_frame,
		       format($$(SELECT stash.deserialize(f, NULL::%s[]) FROM bench.stored_frames)$$, :'type') AS deserialize_stored
		\gset
		CREATE UNLOGGED TABLE bench.stored_frames AS
		SELECT a, stash.serialize(a, 'none') AS f FROM :table LIMIT 0;
		ALTER TABLE bench.stored_frames ALTER a SET STORAGE EXTERNAL, ALTER f SET STORAGE EXTERNAL;
		INSERT INTO bench.stored_frames
		SELECT a || a[1:0], stash.serialize(a, 'none') FROM :table;
		VACUUM bench.stored_frames;
		DO $$
		BEGIN
			ASSERT (SELECT pg_column_size(a) >= 4000000 AND pg_column_size(f) >= 4000000 FROM bench.stored_frames);
			ASSERT (SELECT stash.serialize(a, 'none') = f AND stash.deserialize(f, a) = a FROM bench.stored_frames);
		END
		$$;
		\set one 'SELECT 1 AS one'
		CALL bench.add_loop(:'serialize', :'one', $$(SELECT stash.serialize(a, 'none') FROM bench.stored_frames)$$, NULL, :bytes);
		CALL bench.add_loop(:'copy', :'one', '(SELECT bench.copy(a) FROM bench.stored_frames)', NULL, :bytes);
		CALL bench.add_loop(:'deserialize', :'one', :'deserialize_stored', NULL, :bytes);
		CALL bench.add_loop(:'copy_frame', :'one', '(SELECT bench.copy(f) FROM bench.stored_frames)', NULL, :bytes);
		CALL bench.compare(:'title', ARRAY[:'serialize', :'copy', :'deserialize', :'copy_frame'], 7);
		\echo :title
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'serialize', :'copy', 0.77);
		CALL bench.add_goal(:'title', :'deserialize', :'copy_frame', 0.77);
		DROP TABLE bench.stored_frames;
	SQL
}

# text[1e5]: words of 10 to 60 bytes, every tenth not in ASCII
frame_texts() {
	sql <<-'SQL'
		SELECT setseed(0.3) \g /dev/null
		CREATE UNLOGGED TABLE bench.words AS
		SELECT array_agg(substr(CASE WHEN i % 10 = 0 THEN 'né à Noël, ' ELSE 'word ' END || md5(i::text) || md5('x' || i),
			1, 10 + (random() * 45)::int) ORDER BY i) AS a
		FROM generate_series(1, 100000) i;
		DO $$
		DECLARE
			v record;
		BEGIN
			SELECT a || '{}'::text[] AS a, array_send(a) || '\x00' AS s INTO STRICT v FROM bench.words;
			ASSERT bench.array_form(v.a) = 'flat';
			ASSERT (SELECT min(octet_length(t)) = 10 AND max(octet_length(t)) BETWEEN 55 AND 60 FROM unnest(v.a) t);
			ASSERT stash.deserialize(stash.serialize(v.a, 'none'), NULL::text[]) = v.a;
			ASSERT bench.receive(v.s, NULL::text[]) = v.a;
			ASSERT bench.copy(v.a) = bench.copy(stash.deserialize(stash.serialize(v.a, 'none'), NULL::text[]));
		END
		$$;
		\set given 'SELECT a || ''{}''::text[] AS a, array_send(a) || ''\\x00'' AS s, stash.serialize(a, ''none'') || '''' AS f FROM bench.words'
		CALL bench.add_loop('serialize(text[1e5])', :'given', $$stash.serialize(v.a, 'none')$$);
		CALL bench.add_loop('array_send(text[1e5])', :'given', 'array_send(v.a)');
		CALL bench.add_loop('copy(text[1e5])', :'given', 'bench.copy(v.a)');
		CALL bench.compare('text[1e5] to bytes', ARRAY['serialize(text[1e5])', 'array_send(text[1e5])', 'copy(text[1e5])'], 7);
		\echo text[1e5] to bytes
		SELECT * FROM bench.report('text[1e5] to bytes');
		CALL bench.add_goal('text[1e5] to bytes', 'serialize(text[1e5])', 'array_send(text[1e5])', 1.1);

		CALL bench.add_loop('deserialize(text[1e5])', :'given', 'stash.deserialize(v.f, NULL::text[])');
		CALL bench.add_loop('array_recv(text[1e5])', :'given', 'bench.receive(v.s, NULL::text[])');
		CALL bench.add_loop('copy(frame of text[1e5])', :'given', 'bench.copy(v.f)');
		CALL bench.compare('text[1e5] from bytes',
			ARRAY['deserialize(text[1e5])', 'array_recv(text[1e5])', 'copy(frame of text[1e5])'], 7);
		\echo text[1e5] from bytes
		SELECT * FROM bench.report('text[1e5] from bytes');
		CALL bench.add_goal('text[1e5] from bytes', 'deserialize(text[1e5])', 'array_recv(text[1e5])', 3.5);
	SQL
}

# jsonb: 1 MB of small objects
frame_jsonb() {
	sql <<-'SQL'
		CREATE TABLE bench.documents AS
		SELECT jsonb_agg(jsonb_build_object('id', i, 'name', md5(i::text), 'tags', '["a", true, 1.5]'::jsonb) ORDER BY i) AS a
		FROM generate_series(1, 11000) i;
		DO $$ BEGIN ASSERT (SELECT stash.deserialize(stash.serialize(a, 'none'), a) = a FROM bench.documents); END $$;
		\set given 'SELECT stash.deserialize(stash.serialize(a, ''none''), a) AS a, jsonb_send(a) || ''\\x00'' AS s, stash.serialize(a, ''none'') || '''' AS f FROM bench.documents'
		CALL bench.add_loop('serialize(jsonb)', :'given', $$stash.serialize(v.a, 'none')$$);
		CALL bench.add_loop('jsonb_send', :'given', 'jsonb_send(v.a)');
		CALL bench.add_loop('deserialize(frame of jsonb)', :'given', 'stash.deserialize(v.f, NULL::jsonb)');
		CALL bench.add_loop('jsonb_recv', :'given', 'bench.receive(v.s, NULL::jsonb)');
		CALL bench.compare('jsonb of 1 MB', ARRAY['serialize(jsonb)', 'jsonb_send', 'deserialize(frame of jsonb)', 'jsonb_recv'], 7);
		\echo jsonb of 1 MB
		SELECT * FROM bench.report('jsonb of 1 MB');
	SQL
}

# a row of 20 columns, and an int4: what a frame costs where there is little in it
frame_records() {
	sql <<-'SQL'
		CALL bench.make_wide();
		-- all rows come back, and one int4 needs 16 bytes besides its own
		DO $$
		BEGIN
			ASSERT (SELECT bool_and(stash.deserialize(stash.serialize(t, 'none'), t) *= t) FROM bench.wide t);
			ASSERT (SELECT bool_and(bench.there_and_back(t) *= t) FROM bench.wide t);
			ASSERT stash.deserialize(stash.serialize(42, 'none'), 0) = 42;
			ASSERT octet_length(stash.serialize(42, 'none')) - octet_length(int4send(42)) <= 16;
		END
		$$;

		\set row 'SELECT t, record_send(t) || ''\\x00'' AS s, stash.serialize(t, ''none'') || '''' AS f FROM bench.wide t WHERE id = 4722'
		CALL bench.add_loop('the loop alone', :'row', 'bench.nothing_stable(v.t)');
		CALL bench.add_loop('deserialize(serialize(t))', :'row', $$stash.deserialize(stash.serialize(v.t, 'none'), NULL::bench.wide)$$);
		CALL bench.add_loop('record_send + record_recv', :'row', 'bench.there_and_back(v.t)');
		CALL bench.add_loop('serialize(t)', :'row', $$stash.serialize(v.t, 'none')$$);
		CALL bench.add_loop('record_send(t)', :'row', 'record_send(v.t)');
		CALL bench.add_loop('deserialize(frame of t)', :'row', 'stash.deserialize(v.f, NULL::bench.wide)');
		CALL bench.add_loop('record_recv', :'row', 'bench.receive(v.s, NULL::bench.wide)');
		CALL bench.compare('a row of 20 columns', ARRAY['deserialize(serialize(t))', 'record_send + record_recv',
			'serialize(t)', 'record_send(t)', 'deserialize(frame of t)', 'record_recv', 'the loop alone'], 7);
		\echo a row of 20 columns in memory, then ratios without the loop
		SELECT * FROM bench.report('a row of 20 columns');
		SELECT * FROM bench.report('a row of 20 columns', 'the loop alone');
		CALL bench.add_goal('a row of 20 columns', 'deserialize(serialize(t))', 'record_send + record_recv', 5, 'the loop alone');

		\set int 'SELECT 42 AS i, int4send(42) || ''\\x00'' AS s, stash.serialize(42, ''none'') || '''' AS f'
		CALL bench.add_loop('the loop with an int4', :'int', 'bench.nothing_stable(v.i)');
		CALL bench.add_loop('serialize(int4)', :'int', $$stash.serialize(v.i, 'none')$$);
		CALL bench.add_loop('int4send(int4)', :'int', 'int4send(v.i)');
		CALL bench.add_loop('deserialize(frame of int4)', :'int', 'stash.deserialize(v.f, NULL::int4)');
		CALL bench.add_loop('int4recv', :'int', 'bench.receive(v.s, NULL::int4)');
		CALL bench.compare('an int4', ARRAY['serialize(int4)', 'int4send(int4)',
			'deserialize(frame of int4)', 'int4recv', 'the loop with an int4'], 7);
		\echo an int4, then ratios without the loop
		SELECT * FROM bench.report('an int4');
		SELECT * FROM bench.report('an int4', 'the loop with an int4');
	SQL
}

# English and JSON, the largest that this project has: its pages, and a week of earthquakes
frame_texts_of_files() {
	sql -v top="$tree" <<-'SQL'
		SET client_min_messages = warning;
		CREATE TABLE IF NOT EXISTS bench.files AS
		SELECT 'English' AS what,
		       (SELECT string_agg(pg_read_file(format('%s/%s', :'top', name)), '' ORDER BY name)
		        FROM unnest('{README.md,doc/frame.md,doc/hash.md,doc/image.md,doc/operations.md,examples/README.md,src/README.md,test/README.md}'::text[]) name) AS t
		UNION ALL
		SELECT 'JSON', pg_read_file(:'top' || '/examples/data/earthquakes.json');
	SQL
}

# lz4 by way of a frame, against the library alone
frame_lz4() {
	frame_texts_of_files
	frame_lz4_of English
	frame_lz4_of JSON
}

# frame_lz4_of WHAT
frame_lz4_of() {
	sql -v what="$1" <<-'SQL'
		SELECT :'what' || ', lz4' AS title, octet_length(t) AS bytes,
		       'serialize, ' || what AS serialize, 'LZ4_compress_default, ' || what AS compress,
		       'deserialize, ' || what AS deserialize, 'LZ4_decompress_safe, ' || what AS decompress,
		       'encode, ' || what AS encode, 'decode, ' || what AS decode,
		       format($$SELECT t || '' AS t, convert_to(t, 'UTF8') || '' AS b, octet_length(t) AS len,
			       stash.serialize(t, 'lz4') || '' AS f, stash.encode(convert_to(t, 'UTF8')) || '' AS e,
			       bench.lz4_compress(convert_to(t, 'UTF8')) || '' AS z FROM bench.files WHERE what = %L$$, what) AS given
		FROM bench.files
		WHERE what = :'what'
		\gset
		SELECT format($$DO $do$
			DECLARE
				v record;
			BEGIN
				%s INTO STRICT v;
				ASSERT stash.deserialize(v.f, NULL::text) = v.t AND stash.decode(v.e) = v.b;
				ASSERT bench.lz4_decompress(v.z, v.len) = v.b;
				-- what stands before the text is all that the frame has more, but may change what is found in it
				ASSERT (SELECT codec FROM stash.frame_info(v.f)) = 'lz4';
				ASSERT octet_length(v.f) BETWEEN octet_length(v.z) - 64 AND octet_length(v.z) + 64;
			END
			$do$ $$, :'given') AS check
		\gset
		:check;
		CALL bench.add_loop(:'serialize', :'given', $$stash.serialize(v.t, 'lz4')$$, NULL, :bytes);
		CALL bench.add_loop(:'encode', :'given', $$stash.encode(v.b, 'lz4')$$, NULL, :bytes);
		CALL bench.add_loop(:'compress', :'given', 'bench.lz4_compress(v.b)', NULL, :bytes);
		CALL bench.add_loop(:'deserialize', :'given', 'stash.deserialize(v.f, NULL::text)', NULL, :bytes);
		CALL bench.add_loop(:'decode', :'given', 'stash.decode(v.e)', NULL, :bytes);
		CALL bench.add_loop(:'decompress', :'given', 'bench.lz4_decompress(v.z, v.len)', NULL, :bytes);
		CALL bench.compare(:'title', ARRAY[:'serialize', :'encode', :'compress'], 7);
		CALL bench.compare(:'title' || ' back', ARRAY[:'deserialize', :'decode', :'decompress'], 7);
		\echo :title, :bytes bytes as text, as bytea, and the library alone
		SELECT * FROM bench.report(:'title');
		SELECT * FROM bench.report(:'title' || ' back');
		CALL bench.add_goal(:'title', :'serialize', :'compress', 0.9);
		CALL bench.add_goal(:'title', :'encode', :'compress', 0.9);
		CALL bench.add_goal(:'title' || ' back', :'deserialize', :'decompress', 0.9);
		CALL bench.add_goal(:'title' || ' back', :'decode', :'decompress', 0.9);
	SQL
}

# each codec of the build on each kind of data
frame_codecs() {
	frame_texts_of_files
	sql <<-'SQL'
		CREATE FUNCTION bench.has_codec(codec text)
			RETURNS bool
			LANGUAGE plpgsql
		AS $$
		BEGIN
			RETURN stash.serialize(1, codec) IS NOT NULL;
		EXCEPTION WHEN invalid_parameter_value THEN
			RETURN false;
		END
		$$;

		SELECT setseed(0.3) \g /dev/null
		CREATE UNLOGGED TABLE bench.sample AS
		SELECT 1 AS place, 'sorted int4' AS what, 'int4[]' AS type, array_agg(i ORDER BY i)::text AS value
		FROM generate_series(1, 500000) i
		UNION ALL
		SELECT 2, 'random int4', 'int4[]', array_agg((random() * 1e9)::int)::text
		FROM generate_series(1, 500000)
		UNION ALL
		SELECT 3, 'float8, two decimals', 'float8[]', array_agg(round((20 + 10 * sin(i / 1e4) + random())::numeric, 2)::float8 ORDER BY i)::text
		FROM generate_series(1, 250000) i
		UNION ALL
		SELECT 4, 'timestamptz in steps', 'timestamptz[]',
		       array_agg('2026-01-01 UTC'::timestamptz + i * interval '1 minute' + random() * interval '1 second' ORDER BY i)::text
		FROM generate_series(1, 250000) i
		UNION ALL
		SELECT 5, 'English', 'text', t FROM bench.files WHERE what = 'English'
		UNION ALL
		SELECT 6, 'JSON', 'json', t FROM bench.files WHERE what = 'JSON';
		CREATE TABLE bench.coded AS
		SELECT s.place, s.what, c.nth, c.codec, NULL::bigint AS raw, NULL::bigint AS stored
		FROM bench.sample s, unnest('{none,lz4,zstd}'::text[]) WITH ORDINALITY c(codec, nth)
		WHERE bench.has_codec(c.codec);

		-- a table of its own for each kind of data, a pair of loops for each codec on it
		DO $$
		DECLARE
			s record;
			c record;
			given text;
			variants text[] := '{}';
		BEGIN
			FOR s IN SELECT * FROM bench.sample LOOP
				EXECUTE format('CREATE UNLOGGED TABLE bench.%I AS SELECT value::%s AS a FROM bench.sample WHERE place = %s',
					'sample ' || s.what, s.type, s.place);
				FOR c IN SELECT * FROM bench.coded d WHERE d.place = s.place LOOP
					-- out of TOAST, and not compressed
					given := format($q$SELECT stash.deserialize(stash.serialize(a, 'none'), a) AS a, stash.serialize(a, %L) || '' AS f FROM bench.%I$q$,
						c.codec, 'sample ' || s.what);
					EXECUTE format($q$SELECT (stash.deserialize(f, a))::text = a::text FROM (%s) x$q$, given) INTO STRICT s.value;
					ASSERT s.value = 'true', 'another value came back';
					EXECUTE format($q$
						UPDATE bench.coded d SET raw = i.raw_bytes, stored = i.stored_bytes
						FROM (%s) x, stash.frame_info(x.f) i
						WHERE (d.what, d.codec) = (%L, %L)$q$, given, c.what, c.codec);
					CALL bench.add_loop(format('%s of %s', c.codec, c.what), given, format('stash.serialize(v.a, %L)', c.codec));
					CALL bench.add_loop(format('%s of %s, back', c.codec, c.what), given, format('stash.deserialize(v.f, NULL::%s)', s.type));
				END LOOP;
			END LOOP;
		END
		$$;
		SELECT array_agg(v.variant ORDER BY d.place, d.nth, v.variant) AS variants
		FROM bench.coded d
		JOIN bench.variant v ON v.variant IN (format('%s of %s', d.codec, d.what), format('%s of %s, back', d.codec, d.what))
		\gset
		CALL bench.compare('codecs', :'variants', 5);
		\echo codecs: bytes of the value that one byte of a frame holds, and values in bytes per second
		SELECT d.what AS data, d.codec, d.raw AS "raw bytes", to_char(d.raw::float8 / d.stored, 'FM999990.00') AS "times smaller",
		       to_char(d.raw / s.median / 1e3, 'FM999990') || ' MB/s' AS serialize,
		       to_char(d.raw / b.median / 1e3, 'FM999990') || ' MB/s' AS deserialize
		FROM bench.coded d
		JOIN bench.per_job s ON (s.title, s.variant) = ('codecs', format('%s of %s', d.codec, d.what))
		JOIN bench.per_job b ON (b.title, b.variant) = ('codecs', format('%s of %s, back', d.codec, d.what))
		ORDER BY d.place, d.nth;
	SQL
}

# row by row, or column by column?
frame_rows() {
	sql <<-'SQL'
		SELECT setseed(0.3) \g /dev/null
		-- what a shop has, and what a station measures
		CREATE UNLOGGED TABLE bench.orders AS
		SELECT i::bigint AS id,
		       (random() * 1000)::int AS quantity,
		       random() AS score,
		       round((random() * 10000)::numeric, 2) AS price,
		       i % 3 = 0 AS is_open,
		       '2026-01-01 UTC'::timestamptz + i * interval '1 second' AS created,
		       '2026-01-01'::date + i % 365 AS day,
		       'customer ' || i % 1000 AS customer,
		       CASE WHEN i % 2 = 0 THEN 'left at the door of number ' || i END AS note,
		       md5(i::text)::uuid AS token
		FROM generate_series(1, 100000) i;
		CREATE UNLOGGED TABLE bench.readings AS
		SELECT i AS id,
		       (i % 40)::smallint AS station,
		       '2026-01-01 UTC'::timestamptz + i / 40 * interval '1 minute' AS taken,
		       round((15 + 10 * sin(i / 1e4) + random())::numeric, 1)::float8 AS temperature,
		       round((60 + random() * 20)::numeric, 1)::float8 AS humidity,
		       round((1013 + 5 * cos(i / 1e5) + random())::numeric, 2)::float8 AS pressure,
		       CASE WHEN i % 10 > 0 THEN random() * 20 END AS wind,
		       (i / 40 % 360)::int AS direction,
		       i % 997 <> 0 AS is_valid,
		       (ARRAY['clear', 'cloudy', 'rain', 'snow'])[1 + i / 400 % 4] AS weather
		FROM generate_series(1, 100000) i;
	SQL
	frame_rows_of orders
	frame_rows_of readings
}

# frame_rows_of TABLE
frame_rows_of() {
	sql -v table="$1" <<-'SQL'
		SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) AS names,
		       string_agg(format('array_agg(%I ORDER BY id)', attname), ', ' ORDER BY attnum) AS arrays,
		       string_agg(format('(f).%I', attname), ', ' ORDER BY attnum) AS fields,
		       string_agg(format('%I %s[]', attname, format_type(atttypid, -1)), ', ' ORDER BY attnum) AS columns
		FROM pg_attribute
		WHERE attrelid = ('bench.' || :'table')::regclass AND attnum > 0
		\gset
		SELECT format('bench.%s_columns', :'table') AS columns_type \gset
		CREATE TYPE :columns_type AS (:columns);
		SELECT :'table' || ' by rows' AS rows, :'table' || ' by columns' AS columns,
		       format('SELECT array_agg(t ORDER BY id) AS a FROM bench.%s t', :'table') AS row_value,
		       format('SELECT ROW(%s)::%s AS a FROM bench.%s', :'arrays', :'columns_type', :'table') AS column_value,
		       format('stash.deserialize(v.f, NULL::bench.%s[])', :'table') AS row_back,
		       format('stash.deserialize(v.f, NULL::%s)', :'columns_type') AS column_back,
		       format('(SELECT count(r) FROM unnest(stash.deserialize(v.f, NULL::bench.%s[])) r)', :'table') AS row_unnest,
		       format('(SELECT count(r) FROM (SELECT (r.f).* FROM (SELECT stash.deserialize(v.f, NULL::%s) AS f OFFSET 0) r) f, unnest(%s) r)',
			       :'columns_type', :'names') AS column_unnest
		\gset
		SELECT format('SELECT a, stash.serialize(a) AS f FROM (%s) q', :'row_value') AS row_given,
		       format('SELECT a, stash.serialize(a) AS f FROM (%s) q', :'column_value') AS column_given
		\gset
		CREATE UNLOGGED TABLE bench.row_sets AS
		SELECT :'rows' AS variant, octet_length(stash.serialize(a, 'none')) AS raw, octet_length(stash.serialize(a, 'lz4')) AS lz4,
		       a::text = stash.deserialize(stash.serialize(a), a)::text AS is_same
		FROM (:row_value) q
		UNION ALL
		SELECT :'columns', octet_length(stash.serialize(a, 'none')), octet_length(stash.serialize(a, 'lz4')),
		       a::text = stash.deserialize(stash.serialize(a), a)::text
		FROM (:column_value) q;
		DO $$ BEGIN ASSERT (SELECT bool_and(is_same) FROM bench.row_sets), 'another value came back'; END $$;

		CALL bench.add_loop(:'rows' || ', none', :'row_given', $$stash.serialize(v.a, 'none')$$);
		CALL bench.add_loop(:'columns' || ', none', :'column_given', $$stash.serialize(v.a, 'none')$$);
		CALL bench.add_loop(:'rows', :'row_given', $$stash.serialize(v.a, 'lz4')$$);
		CALL bench.add_loop(:'columns', :'column_given', $$stash.serialize(v.a, 'lz4')$$);
		CALL bench.add_loop(:'rows' || ', back', :'row_given', :'row_back');
		CALL bench.add_loop(:'columns' || ', back', :'column_given', :'column_back');
		CALL bench.add_loop(:'rows' || ', unnest', :'row_given', :'row_unnest');
		CALL bench.add_loop(:'columns' || ', unnest', :'column_given', :'column_unnest');
		SELECT array_agg(v || w) AS variants
		FROM unnest(ARRAY[:'rows', :'columns']) v, unnest(ARRAY['', ', none', ', back', ', unnest']) w
		\gset
		CALL bench.compare(:'table', :'variants', 5);
		\echo 100,000 :table of 10 columns: bytes, and milliseconds to a frame, to the value, to the value and to rows
		SELECT s.variant AS "100,000 rows", s.raw AS "bytes raw", s.lz4 AS "bytes lz4", to_char(s.raw::float8 / s.lz4, 'FM990.00') AS "times smaller",
		       max(bench.time_text(p.median)) FILTER (WHERE p.variant = s.variant || ', none') AS "to raw",
		       max(bench.time_text(p.median)) FILTER (WHERE p.variant = s.variant) AS "to lz4",
		       max(bench.time_text(p.median)) FILTER (WHERE p.variant = s.variant || ', back') AS "from lz4",
		       max(bench.time_text(p.median)) FILTER (WHERE p.variant = s.variant || ', unnest') AS "and unnest"
		FROM bench.row_sets s, bench.per_job p
		WHERE p.title = :'table'
		GROUP BY s.variant, s.raw, s.lz4
		ORDER BY s.variant DESC;
		DROP TABLE bench.row_sets;
	SQL
}

build_kernel
run_sections frame arrays texts jsonb records lz4 codecs rows
