# map.sh: a function called for many inputs by stash.map(), against loops in one session; sourced by run.sh
#
# STASH_BENCH_SECTIONS=sleep,cheap chooses among sleep and cheap; both take a minute.

# 64 calls that only wait: 16 after each other in each of four workers
map_sleep() {
	sql <<-'SQL'
		CALL bench.add_statement('ideal, 1.6 s', 'SELECT pg_sleep(1.6)', 64);
		CALL bench.add_statement('map, 4 workers',
			$$SELECT count(*) FROM stash.map('pg_sleep(float8)', array_fill(0.1::float8, '{64}'), workers => 4)$$, 64);
		CALL bench.compare('64 calls of pg_sleep(0.1)', '{"ideal, 1.6 s","map, 4 workers"}', 7);
		SELECT * FROM bench.report('64 calls of pg_sleep(0.1)');
		CALL bench.add_goal('64 calls of pg_sleep(0.1)', 'map, 4 workers', 'ideal, 1.6 s', 0.87);
	SQL
}

# calls that cost less than a microsecond; the session takes each result as a row, which a loop does not
map_cheap() {
	sql <<-'SQL'
		CREATE FUNCTION bench.cheap(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a + 1; END';
		CREATE TABLE bench.inputs AS SELECT array_agg(i) AS inputs FROM generate_series(1, 100000) AS i;
		CALL bench.add_statement('loop', $$DO $do$
			DECLARE
				a int;
				result int;
				inputs int[] := (SELECT inputs FROM bench.inputs);
			BEGIN
				FOREACH a IN ARRAY inputs LOOP
					result := bench.cheap(a);
				END LOOP;
			END $do$ $$, 100000);
		CALL bench.add_statement('loop, errors caught', $$DO $do$
			DECLARE
				a int;
				result int;
				inputs int[] := (SELECT inputs FROM bench.inputs);
			BEGIN
				FOREACH a IN ARRAY inputs LOOP
					BEGIN
						result := bench.cheap(a);
					EXCEPTION WHEN OTHERS THEN
						NULL;
					END;
				END LOOP;
			END $do$ $$, 100000);
		CALL bench.add_statement('map, 1 worker', $$SELECT count(r) FROM (SELECT stash.map('bench.cheap(int)', inputs, workers => 1) AS r FROM bench.inputs) AS t$$, 100000);
		CALL bench.add_statement('map, 2 workers', $$SELECT count(r) FROM (SELECT stash.map('bench.cheap(int)', inputs, workers => 2) AS r FROM bench.inputs) AS t$$, 100000);
		CALL bench.add_statement('map, no worker', $$SELECT count(r) FROM (SELECT stash.map('bench.cheap(int)', inputs, workers => 0) AS r FROM bench.inputs) AS t$$, 100000);
		CALL bench.compare('100,000 cheap inputs', '{loop,"loop, errors caught","map, 1 worker","map, 2 workers","map, no worker"}', 7);
		SELECT * FROM bench.report('100,000 cheap inputs');
		CALL bench.add_goal('100,000 cheap inputs', 'map, 1 worker', 'loop, errors caught', 0.8);
		CALL bench.add_goal('100,000 cheap inputs', 'map, 1 worker', 'loop', 0.8);
	SQL
}

run_sections map sleep cheap
