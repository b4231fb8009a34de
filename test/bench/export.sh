# export.sh: rows as JSON Lines and Arrow against COPY, on the server, to a client's file, and back; sourced by run.sh
#
# Tables that are in memory: ten mixed columns, and three narrow ones; STASH_BENCH_ROWS of the first (1,000,000) and four times
# as many of the other. What is written is compared first. On the server it goes to its /dev/null, through psql to a file.

export_rows=${STASH_BENCH_ROWS:-1000000}

export_tables() {
	sql -v rows="$export_rows" <<-'SQL'
		SELECT setseed(0.42) \g /dev/null
		CREATE UNLOGGED TABLE export_wide AS
		SELECT i::int8 AS id, (random() * 1e6)::int4 AS n, random() * 1e3 AS f, round((random() * 1e6)::numeric, 2) AS amount, i % 3 = 0 AS flag,
			timestamptz '2020-01-01 00:00+00' + i * interval '17 seconds' AS at, 'the "' || i || '" of \ Grüße ' || left(md5(i::text), 8) AS title,
			CASE WHEN i % 4 > 0 THEN 'note ' || i END AS note, ARRAY[i, i + 1, i % 7] AS nums, jsonb_build_object('k', i, 'ok', true) AS doc
		FROM generate_series(1, :rows) i;
		CREATE UNLOGGED TABLE export_narrow AS SELECT i::int8 AS id, (random() * 1e6)::int4 AS n, 'w' || i % 5000 AS word FROM generate_series(1, 4 * :rows) i;
		VACUUM ANALYZE export_wide, export_narrow;
		SELECT count(*), sum(n) FROM export_wide \g /dev/null
		SELECT count(*), sum(n) FROM export_narrow \g /dev/null
		-- COPY knows our formats where the library is loaded
		ALTER DATABASE postgres SET session_preload_libraries = 'pg_hashstash';
		ALTER DATABASE postgres SET max_parallel_workers_per_gather = 0;
	SQL
}

# JSON text cannot hold the control characters that stand for quote and delimiter: so COPY writes what is valid.
export_csv="(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"

# export_check TABLE: the same bytes as row_to_json, and Arrow that is read to the same rows
export_check() {
	sql -c "COPY $1 TO STDOUT (FORMAT jsonl)" | md5sum >"$work/ours.md5"
	sql -c "COPY (SELECT row_to_json(t) FROM $1 t) TO STDOUT $export_csv" | md5sum | cmp - "$work/ours.md5" || die "the lines of $1 differ"
	[[ $(sql -At -v table="$1" <<-'SQL'
		SELECT count(*)
		FROM (SELECT string_agg(data, ''::bytea ORDER BY chunk) AS data FROM stash.to_arrow('SELECT * FROM ' || :'table' || ' WHERE id <= 100000')) a,
			stash.from_arrow(a.data, NULL:::table) back FULL JOIN (SELECT * FROM :table WHERE id <= 100000) front USING (id)
		WHERE NOT coalesce(back *= front, false);
	SQL
	) == 0 ]] || die "the stream of $1 differs"
}

# export_compare TABLE ROWS: all ways out of a table
export_compare() {
	export_check "$1"
	sql -v table="$1" -v rows="$2" -v csv="$export_csv" <<-'SQL'
		SELECT :'table' || ', server' AS title,
			format('COPY (SELECT (stash.to_jsonl(%L)).data) TO ''/dev/null'' (FORMAT binary)', 'SELECT * FROM ' || :'table') AS to_jsonl,
			format('COPY (SELECT (stash.to_arrow(%L)).data) TO ''/dev/null'' (FORMAT binary)', 'SELECT * FROM ' || :'table') AS to_arrow,
			format('COPY (SELECT row_to_json(t) FROM %s t) TO ''/dev/null''', :'table') AS row_to_json \gset
		CALL bench.add_statement('COPY jsonl of ' || :'table', format('COPY %s TO ''/dev/null'' (FORMAT jsonl)', :'table'), :rows);
		CALL bench.add_statement('to_jsonl of ' || :'table', :'to_jsonl', :rows);
		CALL bench.add_statement('COPY arrow of ' || :'table', format('COPY %s TO ''/dev/null'' (FORMAT arrow)', :'table'), :rows);
		CALL bench.add_statement('to_arrow of ' || :'table', :'to_arrow', :rows);
		CALL bench.add_statement('COPY arrow, lz4, of ' || :'table', format('COPY %s TO ''/dev/null'' (FORMAT arrow, codec ''lz4'')', :'table'), :rows);
		CALL bench.add_statement('COPY text of ' || :'table', format('COPY %s TO ''/dev/null''', :'table'), :rows);
		CALL bench.add_statement('COPY binary of ' || :'table', format('COPY %s TO ''/dev/null'' (FORMAT binary)', :'table'), :rows);
		CALL bench.add_statement('COPY (SELECT row_to_json(t)) of ' || :'table', :'row_to_json', :rows);
		CALL bench.compare(:'title', ARRAY['COPY jsonl of ' || :'table', 'to_jsonl of ' || :'table', 'COPY arrow of ' || :'table',
			'to_arrow of ' || :'table', 'COPY arrow, lz4, of ' || :'table', 'COPY text of ' || :'table', 'COPY binary of ' || :'table', 'COPY (SELECT row_to_json(t)) of ' || :'table'], 7);
		SELECT * FROM bench.report(:'title');
	SQL
}

# export_goal TABLE VARIANT ANCHOR TIMES
export_goal() { sql -c "CALL bench.add_goal('$1, server', '$2 of $1', '$3 of $1', $4)"; }

export_wide() {
	export_compare export_wide "$export_rows"
	export_goal export_wide 'COPY jsonl' 'COPY (SELECT row_to_json(t))' 6
	export_goal export_wide 'COPY jsonl' 'COPY text' 3
	export_goal export_wide 'COPY arrow' 'COPY binary' 3.5
}

export_narrow() {
	export_compare export_narrow "$((4 * export_rows))"
	export_goal export_narrow 'COPY jsonl' 'COPY text' 1.7
	export_goal export_narrow 'COPY arrow' 'COPY binary' 2.5
}

# To a file of a client: psql, one session for all, as the server's figures are of one; each into a new file. The clock is
# always that of the wall: two processes work.
export_socket() {
	local round i
	local -a labels=('psql: COPY jsonl' 'psql: COPY arrow' 'psql: COPY text' 'psql: COPY binary' 'psql: COPY (SELECT row_to_json(t))')
	local -a commands=('COPY export_wide TO STDOUT (FORMAT jsonl)' 'COPY export_wide TO STDOUT (FORMAT arrow)' 'COPY export_wide TO STDOUT'
		'COPY export_wide TO STDOUT (FORMAT binary)' 'COPY (SELECT row_to_json(t) FROM export_wide t) TO STDOUT')

	echo '\timing on' >"$work/client.sql"
	for round in {0..7}; do
		for i in "${!commands[@]}"; do
			printf '\\! rm -f %q\n%s \\g %s\n' "$work/client.out" "${commands[i]}" "$work/client.out"
		done
	done >>"$work/client.sql"
	sql -f "$work/client.sql" >"$work/client.times"
	: >"$work/client.tsv"
	chmod 644 "$work/client.tsv"
	i=0
	while read -r _ ms _; do
		round=$((i / ${#commands[@]}))
		[[ $round -eq 0 ]] || printf 'to a client\t%s\t%s\t%s\t%s\t%s\n' "${labels[i % ${#labels[@]}]}" "$((i % ${#labels[@]} + 1))" "$round" "$ms" \
			"$export_rows" >>"$work/client.tsv"
		((++i))
	done < <(grep '^Time:' "$work/client.times")
	[[ $i -eq $((8 * ${#commands[@]})) ]] || die 'not all times of psql were seen'
	sql <<-SQL
		\copy bench.result (title, variant, place, round, ms, calls) FROM '$work/client.tsv'
		\echo to a client, per row:
		SELECT * FROM bench.report('to a client');
		CALL bench.add_goal('to a client', 'psql: COPY jsonl', 'psql: COPY text', 2.5);
		CALL bench.add_goal('to a client', 'psql: COPY jsonl', 'psql: COPY (SELECT row_to_json(t))', 4.5);
	SQL
}

# DuckDB writes the same rows, which it has in its own memory, in one thread: beside ours, that read a table.
export_duckdb() {
	local round ms duck

	if ! command -v npm >/dev/null || ! npm install --silent --no-fund --no-audit --prefix "$work/node" @duckdb/node-api@1.5.6-r.1; then
		say 'no DuckDB here'
		return
	fi
	sql -c "COPY export_wide TO STDOUT (FORMAT jsonl)" >"$work/wide.jsonl"
	cat >"$work/duck.js" <<-'JS'
		const { DuckDBInstance } = require('@duckdb/node-api');
		const readline = require('readline');
		const [from, to] = process.argv.slice(2);

		(async () => {
			const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
			await connection.run(`CREATE TABLE t AS SELECT * FROM read_json('${from}', format = 'newline_delimited', columns = {id: 'BIGINT', n: 'INTEGER', f: 'DOUBLE',
				amount: 'DECIMAL(10,2)', flag: 'BOOLEAN', "at": 'TIMESTAMPTZ', title: 'VARCHAR', note: 'VARCHAR', nums: 'INTEGER[]', doc: 'JSON'})`);
			for await (const line of readline.createInterface({ input: process.stdin })) {
				const start = performance.now();
				await connection.run(`COPY t TO '${to}' (FORMAT json)`);
				console.log(performance.now() - start);
			}
		})();
	JS
	coproc duck { NODE_PATH=$work/node/node_modules node "$work/duck.js" "$work/wide.jsonl" "$work/duck.json"; }
	: >"$work/duck.tsv"
	for round in {0..7}; do
		echo go >&"${duck[1]}"
		read -r ms <&"${duck[0]}"
		[[ $round -eq 0 ]] || printf 'beside DuckDB\tDuckDB: COPY TO json, 1 thread\t2\t%s\t%s\t%s\n' "$round" "$ms" "$export_rows" >>"$work/duck.tsv"
		ms=$(
			sql -At -v file="$work/data/wide.jsonl" <<-'SQL'
				SELECT clock_timestamp() AS start \gset
				COPY export_wide TO :'file' (FORMAT jsonl);
				SELECT 1000 * extract(epoch FROM clock_timestamp() - :'start');
			SQL
		)
		[[ $round -eq 0 ]] || printf 'beside DuckDB\tCOPY jsonl to a file\t1\t%s\t%s\t%s\n' "$round" "$ms" "$export_rows" >>"$work/duck.tsv"
	done
	eval "exec ${duck[1]}>&-"
	sql <<-SQL
		\copy bench.result (title, variant, place, round, ms, calls) FROM '$work/duck.tsv'
		SELECT * FROM bench.report('beside DuckDB');
	SQL
}

# From a file of the server into a table; the anchor needs a table between.
export_import() {
	sql -v rows="$export_rows" -v file="$work/data/import.jsonl" -v csv="$export_csv" <<-'SQL'
		COPY export_wide TO :'file' (FORMAT jsonl);
		CREATE UNLOGGED TABLE export_in (LIKE export_wide);
		CREATE UNLOGGED TABLE export_doc (doc jsonb);
		SELECT format('COPY export_in FROM %L (FORMAT jsonl)', :'file') AS copy,
			format('INSERT INTO export_in SELECT * FROM stash.read_jsonl(%L, NULL::export_wide)', :'file') AS read,
			format('COPY export_doc FROM %L %s; INSERT INTO export_in SELECT r.* FROM export_doc, jsonb_to_record(doc)
				AS r(id int8, n int4, f float8, amount numeric, flag bool, at timestamptz, title text, note text, nums int[], doc jsonb)', :'file', :'csv') AS anchor \gset
		CALL bench.add_statement('COPY FROM jsonl', :'copy', :rows, 'TRUNCATE export_in;');
		CALL bench.add_statement('INSERT of read_jsonl', :'read', :rows, 'TRUNCATE export_in;');
		CALL bench.add_statement('COPY to jsonb, jsonb_to_record', :'anchor', :rows, 'TRUNCATE export_in, export_doc;');
		CALL bench.compare('import', ARRAY['COPY FROM jsonl', 'INSERT of read_jsonl', 'COPY to jsonb, jsonb_to_record'], 5);
		SELECT * FROM bench.report('import');
		SELECT count(*) AS differing FROM (TABLE export_wide EXCEPT TABLE export_in) d;
		CALL bench.add_goal('import', 'COPY FROM jsonl', 'COPY to jsonb, jsonb_to_record', 1.5);
	SQL
}

export_tables
run_sections export wide narrow socket duckdb import
