# arrow.sh: rows as Arrow streams against COPY in binary, and back; sourced by run.sh
#
# Written to the server's /dev/null, from tables that are in memory: ten mixed columns, and three narrow ones. The streams are
# read again first and compared with the tables.

arrow_tables() {
	sql <<-'SQL'
		SELECT setseed(0.42) \g /dev/null
		CREATE TABLE arrow_wide AS
		SELECT i::int8 AS id, (random() * 1e6)::int4 AS n, random() * 1e3 AS f, round((random() * 1e6)::numeric, 2) AS amount, i % 3 = 0 AS flag,
			timestamptz '2020-01-01 00:00+00' + i * interval '17 seconds' AS at, 'the "' || i || '" of \ Grüße ' || left(md5(i::text), 8) AS title,
			CASE WHEN i % 4 > 0 THEN 'note ' || i END AS note, ARRAY[i, i + 1, i % 7] AS nums, jsonb_build_object('k', i, 'ok', true) AS doc
		FROM generate_series(1, 1000000) i;
		CREATE TABLE arrow_narrow AS SELECT i::int8 AS id, (random() * 1e6)::int4 AS n, 'w' || i % 5000 AS word FROM generate_series(1, 4000000) i;
		VACUUM ANALYZE arrow_wide, arrow_narrow;
		SELECT count(*), sum(n) FROM arrow_wide \g /dev/null
		SELECT count(*), sum(n) FROM arrow_narrow \g /dev/null
	SQL
}

# arrow_compare TABLE ROWS GOAL: both ways out of a table
arrow_compare() {
	sql -v table="$1" -v rows="$2" -v goal="$3" <<-'SQL'
		SET max_parallel_workers_per_gather = 0;
		SELECT count(*) AS differing
		FROM (SELECT string_agg(data, ''::bytea ORDER BY chunk) AS data FROM stash.to_arrow('SELECT * FROM ' || :'table' || ' WHERE id <= 100000')) a,
			stash.from_arrow(a.data, NULL:::table) back FULL JOIN (SELECT * FROM :table WHERE id <= 100000) front USING (id)
		WHERE NOT coalesce(back *= front, false);
		SELECT format('COPY (SELECT (stash.to_arrow(%L)).data) TO ''/dev/null'' (FORMAT binary)', 'SELECT * FROM ' || :'table') AS arrow,
			format('COPY (SELECT (stash.to_arrow(%L, codec => %L)).data) TO ''/dev/null'' (FORMAT binary)', 'SELECT * FROM ' || :'table', 'lz4') AS packed,
			format('COPY %s TO ''/dev/null'' (FORMAT binary)', :'table') AS copy,
			format('COPY %s TO ''/dev/null''', :'table') AS text, 'to_arrow of ' || :'table' AS title \gset
		CALL bench.add_statement(:'title', :'arrow', :rows);
		CALL bench.add_statement(:'title' || ', lz4', :'packed', :rows);
		CALL bench.add_statement('COPY binary of ' || :'table', :'copy', :rows);
		CALL bench.add_statement('COPY text of ' || :'table', :'text', :rows);
		CALL bench.compare(:'title', ARRAY[:'title', :'title' || ', lz4', 'COPY binary of ' || :'table', 'COPY text of ' || :'table'], 7);
		SELECT * FROM bench.report(:'title');
		CALL bench.add_goal(:'title', :'title', 'COPY binary of ' || :'table', :goal);
	SQL
}

arrow_wide() { arrow_compare arrow_wide 1000000 3.5; }
arrow_narrow() { arrow_compare arrow_narrow 4000000 2.5; }

# What the backend's memory grows by, from ten thousand rows to ten million.
arrow_memory() {
	sql <<-'SQL'
		CREATE FUNCTION bench.peak() RETURNS int LANGUAGE sql VOLATILE AS
			$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+)'))[1]::int $$;
		COPY (SELECT (stash.to_arrow('SELECT i, ''word '' || i AS word, ARRAY[i] AS l FROM generate_series(1, 10000) i')).data) TO '/dev/null' (FORMAT binary);
		SELECT bench.peak() AS before \gset
		COPY (SELECT (stash.to_arrow('SELECT i, ''word '' || i AS word, ARRAY[i] AS l FROM (SELECT generate_series(1, 10000000) AS i) s')).data) TO '/dev/null' (FORMAT binary);
		SELECT (bench.peak() - :before) / 1024.0 AS grown \gset
		CALL bench.add_limit('to_arrow of 10,000,000 rows: more memory', 16, :grown, ' MB');
	SQL
}

arrow_tables
run_sections arrow wide narrow memory
