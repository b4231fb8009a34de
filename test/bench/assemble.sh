# assemble.sh: nested documents as columns, against what is written by hand; sourced by run.sh
#
# STASH_BENCH_SECTIONS=columns,leaves,memory chooses among columns, leaves and
# memory. STASH_BENCH_ROWS says how many documents there are: a million unless
# said. Each is {"id": 7, "name": "animal 7", "etc": {"age": 0.7, "goes_to":
# {"heaven": false}}}, in a jsonb column and as values of a stash.

assemble_rows=${STASH_BENCH_ROWS:-1000000}

assemble_load() {
	sql -v rows="$assemble_rows" <<-'SQL'
		CREATE TABLE bench.docs AS
		SELECT i AS id, jsonb_build_object('id', i, 'name', 'animal ' || i, 'etc',
			jsonb_build_object('age', (i % 400) / 10.0::numeric(5, 1), 'goes_to', jsonb_build_object('heaven', i % 2 = 0))) AS doc
		FROM generate_series(1, :rows) AS i;
		SELECT stash.create('bench.docs_stash') \g /dev/null
		SELECT stash.put_many('bench.docs_stash', array_agg(id), array_agg(doc)) FROM bench.docs GROUP BY id / 10000 \g /dev/null
		SELECT stash.create_view('bench.docs_stash', 'bench.docs_view') \g /dev/null
		CREATE VIEW bench.by_hand AS
		SELECT (doc ->> 'id')::int AS id, (doc #>> '{etc,age}')::numeric AS "etc.age",
			(doc #>> '{etc,goes_to,heaven}')::bool AS "etc.goes_to.heaven", doc ->> 'name' AS name
		FROM bench.docs;
		CREATE VIEW bench.by_part AS
		SELECT stash.part(doc, 'id', NULL::int) AS id, stash.part(doc, 'etc.age', NULL::numeric) AS "etc.age",
			stash.part(doc, 'etc.goes_to.heaven', NULL::bool) AS "etc.goes_to.heaven", stash.part(doc, 'name', NULL::text) AS name
		FROM bench.docs;
		CREATE VIEW bench.by_record AS
		SELECT a.id, b.age AS "etc.age", c.heaven AS "etc.goes_to.heaven", a.name
		FROM bench.docs, jsonb_to_record(doc) AS a(id int, name text, etc jsonb),
			jsonb_to_record(a.etc) AS b(age numeric, goes_to jsonb), jsonb_to_record(b.goes_to) AS c(heaven bool);
		VACUUM ANALYZE bench.docs;
		VACUUM ANALYZE bench.docs_stash;
		DO $$
		BEGIN
			ASSERT NOT EXISTS (TABLE bench.by_hand EXCEPT ALL TABLE bench.by_part), 'stash.part';
			ASSERT NOT EXISTS (TABLE bench.by_hand EXCEPT ALL TABLE bench.docs_view), 'view';
			ASSERT NOT EXISTS (TABLE bench.by_hand EXCEPT ALL TABLE bench.by_record), 'jsonb_to_record';
		END $$;
	SQL
}

assemble_columns() {
	sql -v rows="$assemble_rows" <<-'SQL'
		SET max_parallel_workers_per_gather = 0;
		SELECT 'SELECT count(id), count("etc.age"), count("etc.goes_to.heaven"), count(name) FROM ' AS columns \gset
		CALL bench.add_statement('stash.part of the column', :'columns' || 'bench.by_part', :rows);
		CALL bench.add_statement('four casts by hand', :'columns' || 'bench.by_hand', :rows);
		CALL bench.add_statement('view of a stash', :'columns' || 'bench.docs_view', :rows);
		CALL bench.add_statement('view of a stash, one column', 'SELECT count(id) FROM bench.docs_view', :rows);
		CALL bench.add_statement('nested jsonb_to_record', :'columns' || 'bench.by_record', :rows);
		CALL bench.add_statement('reading the column', 'SELECT count(doc) FROM bench.docs', :rows);
		CALL bench.compare('four columns', '{stash.part of the column,four casts by hand,view of a stash,"view of a stash, one column",nested jsonb_to_record,reading the column}', 7);
		\echo four columns of small nested documents, per document:
		SELECT * FROM bench.report('four columns');
		CALL bench.add_goal('four columns', 'stash.part of the column', 'four casts by hand', 1.4);
		CALL bench.add_goal('four columns', 'stash.part of the column', 'nested jsonb_to_record', 5);
		CALL bench.add_goal('four columns', 'view of a stash', 'four casts by hand', 1);
	SQL
}

assemble_leaves() {
	sql -v rows="$((assemble_rows / 10))" <<-'SQL'
		SET max_parallel_workers_per_gather = 0;
		CREATE TABLE bench.some AS SELECT * FROM bench.docs WHERE id <= :rows;
		CREATE VIEW bench.leaves_by_hand AS
		SELECT (WITH RECURSIVE leaf(name, value) AS (
				SELECT key, value FROM jsonb_each(doc)
				UNION ALL
				SELECT leaf.name || '.' || e.key, e.value
				FROM leaf, jsonb_each(CASE jsonb_typeof(leaf.value) WHEN 'object' THEN leaf.value ELSE '{}' END) AS e
			)
			SELECT jsonb_object_agg(name, value) FROM leaf WHERE jsonb_typeof(value) <> 'object') AS leaves
		FROM bench.some;
		VACUUM ANALYZE bench.some;
		DO $$
		BEGIN
			ASSERT NOT EXISTS (TABLE bench.leaves_by_hand EXCEPT ALL SELECT stash.flatten(doc) FROM bench.some), 'leaves';
		END $$;
		CALL bench.add_statement('stash.flatten', 'SELECT count(stash.flatten(doc)) FROM bench.some', :rows);
		CALL bench.add_statement('recursive CTE', 'SELECT count(leaves) FROM bench.leaves_by_hand', :rows);
		CALL bench.compare('all leaves', '{stash.flatten,recursive CTE}', 7);
		\echo all leaves of a document, in one object:
		SELECT * FROM bench.report('all leaves');
		CALL bench.add_goal('all leaves', 'stash.flatten', 'recursive CTE', 12);
	SQL
}

# assemble_peak STATEMENT: kB of its own that a server process had at most while it ran it
assemble_peak() {
	local pid='' now peak=0

	: >"$work/pid"
	sql -At -c 'SELECT pg_backend_pid()' -c 'SELECT pg_sleep(0.5)' -c "$1" >"$work/pid" &
	while [[ -z $pid ]]; do
		sleep 0.02
		read -r pid <"$work/pid" || true
	done
	while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [[ -n $now ]]; do
		((now <= peak)) || peak=$now
		sleep 0.02
	done
	wait $!
	echo "$peak"
}

# the whole stash, and a tenth of it
assemble_memory() {
	local what all some

	sql -v rows="$((assemble_rows / 10))" <<-'SQL'
		SELECT stash.create('bench.docs_tenth') \g /dev/null
		SELECT stash.put_many('bench.docs_tenth', array_agg(id), array_agg(doc)) FROM bench.docs WHERE id <= :rows GROUP BY id / 10000 \g /dev/null
		SELECT stash.create_view('bench.docs_tenth', 'bench.tenth_view') \g /dev/null
		VACUUM ANALYZE bench.docs_tenth;
	SQL
	for what in "SELECT count(name), count(id) FROM bench.VIEW" "SELECT count(*) FROM stash.columns('bench.STASH')" \
		"SELECT count(name) FROM stash.assemble('bench.STASH') AS t(name text, id int)"; do
		all=${what/VIEW/docs_view}
		some=${what/VIEW/tenth_view}
		all=$(assemble_peak "${all/STASH/docs_stash}")
		some=$(assemble_peak "${some/STASH/docs_tenth}")
		say "$what: $all kB, of a tenth $some kB"
		sql -c "CALL bench.add_limit('MB more for ten times as many entries: ' || \$\$$what\$\$, 8, ($all - $some) / 1024.0, 'MB')"
	done
}

assemble_load
run_sections assemble columns leaves memory
