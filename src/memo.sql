CREATE FUNCTION stash.call_handler()
	RETURNS language_handler
	AS 'MODULE_PATHNAME', 'pg_hashstash_call_handler'
	LANGUAGE C;
COMMENT ON FUNCTION stash.call_handler() IS 'handler of language stash';

CREATE FUNCTION stash.validator(function oid)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_validator'
	LANGUAGE C STRICT;
COMMENT ON FUNCTION stash.validator(oid) IS 'validator of language stash';

CREATE TRUSTED LANGUAGE stash HANDLER stash.call_handler VALIDATOR stash.validator;
COMMENT ON LANGUAGE stash IS 'functions whose body names a function to call and how to remember its results';

CREATE FUNCTION stash.memoize(function regprocedure, ttl interval DEFAULT NULL, "as" text DEFAULT NULL,
	stash regclass DEFAULT NULL, share text DEFAULT 'role', vary text[] DEFAULT NULL, ignore text[] DEFAULT NULL,
	hash text DEFAULT 'exact', volatile bool DEFAULT false, min_cost interval DEFAULT NULL, max_bytes int8 DEFAULT NULL,
	max_entries int8 DEFAULT NULL, stale interval DEFAULT NULL, wait interval DEFAULT NULL)
	RETURNS regprocedure
	AS 'MODULE_PATHNAME', 'pg_hashstash_memoize'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.memoize(regprocedure, interval, text, regclass, text, text[], text[], text, bool, interval, int8, int8, interval, interval)
	IS 'remember what a function returns; in place, or as another function';

CREATE FUNCTION stash.unmemoize(function regprocedure)
	RETURNS regprocedure
	AS 'MODULE_PATHNAME', 'pg_hashstash_unmemoize'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.unmemoize(regprocedure)
	IS 'give a function back its original definition and drop what was remembered';

CREATE FUNCTION stash.stash_of(function regprocedure)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_stash_of'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.stash_of(regprocedure)
	IS 'stash of a memoized function; NULL where it has none';

CREATE FUNCTION stash.call_args(key stash.variant)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_call_args'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION stash.call_args(stash.variant)
	IS 'arguments in the key of a remembered call, as a row';

CREATE FUNCTION stash.calls(function regprocedure,
	OUT args stash.variant, OUT result stash.variant, OUT version int8,
	OUT created_at timestamptz, OUT expires_at timestamptz, OUT cost interval)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_calls'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.calls(regprocedure)
	IS 'remembered calls of a function that have not expired, oldest first; for who may read its stash';

CREATE FUNCTION stash.forget(function regprocedure)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_forget'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.forget(regprocedure)
	IS 'forget all remembered calls of a function; returns how many its stash held';

CREATE FUNCTION stash.forget(function regprocedure, VARIADIC args "any")
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_forget_call'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.forget(regprocedure, "any")
	IS 'forget a call, for all roles and settings; returns how many results its stash held';

CREATE FUNCTION stash.explain(function regprocedure, OUT item text, OUT value text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_explain'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 15;
COMMENT ON FUNCTION stash.explain(regprocedure)
	IS 'what a call without arguments would do: hit, miss or bypass, and why';

CREATE FUNCTION stash.explain(function regprocedure, VARIADIC args "any", OUT item text, OUT value text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_explain'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 15;
COMMENT ON FUNCTION stash.explain(regprocedure, "any")
	IS 'what a call with these arguments would do: hit, miss or bypass, and why';

-- remembered queries: functions in language stash over ones that run them
CREATE TABLE stash.query_result OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL);
CREATE INDEX ON stash.query_result (key_hash);
COMMENT ON TABLE stash.query_result IS 'results of stash.query() and stash.query_json(); no rights for anybody';

CREATE FUNCTION stash.run_query(query text, params record DEFAULT NULL, ttl interval DEFAULT NULL)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_run_query'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.run_query(text, record, interval)
	IS 'rows of a query, with parameters $1 and so on as a row; what stash.query() computes';

CREATE FUNCTION stash.run_query_json(query text, params record DEFAULT NULL, ttl interval DEFAULT NULL)
	RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'pg_hashstash_run_query_json'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.run_query_json(text, record, interval)
	IS 'rows of a query as objects; what stash.query_json() computes';

CREATE FUNCTION stash.query(query text, params record DEFAULT NULL, ttl interval DEFAULT NULL)
	RETURNS SETOF record
	LANGUAGE stash STABLE PARALLEL RESTRICTED AS $$
target = stash.run_query
stash = stash.query_result
sql_argument = query
ttl_argument = ttl
$$;
COMMENT ON FUNCTION stash.query(text, record, interval)
	IS 'rows of a query, remembered as long as all that it reads is tracked and unchanged, or up to a ttl; parameters as a row, ROW(1, ''x'')';

CREATE FUNCTION stash.query_json(query text, params record DEFAULT NULL, ttl interval DEFAULT NULL)
	RETURNS SETOF jsonb
	LANGUAGE stash STABLE PARALLEL RESTRICTED AS $$
target = stash.run_query_json
stash = stash.query_result
sql_argument = query
ttl_argument = ttl
$$;
COMMENT ON FUNCTION stash.query_json(text, record, interval)
	IS 'rows of a query as objects, remembered as by stash.query(): needs no column list';

-- what is counted of memoized functions
CREATE FUNCTION stash.stat_memo(OUT function regprocedure, OUT calls int8, OUT hits_local int8, OUT hits_shared int8,
	OUT hits_table int8, OUT misses int8, OUT bypasses int8, OUT hit_ratio float8, OUT fills int8, OUT bytes int8,
	OUT waits int8, OUT evictions int8, OUT invalidations int8, OUT computed interval, OUT saved interval,
	OUT overhead interval, OUT worth_it bool, OUT scope text, OUT stats_reset timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_stat_memo'
	LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION stash.stat_memo()
	IS 'counts of memoized functions of the caller; of all for pg_read_all_stats';

CREATE FUNCTION stash.stat_memo_reasons(OUT function regprocedure, OUT kind text, OUT reason text, OUT count int8,
	OUT meaning text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_stat_memo_reasons'
	LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION stash.stat_memo_reasons()
	IS 'why calls went past the stash, answers were not kept, or were stale; of memoized functions of the caller, or of all for pg_read_all_stats';

CREATE FUNCTION stash.reset_stats(function regprocedure DEFAULT NULL)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_reset_stats'
	LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.reset_stats(regprocedure)
	IS 'count a memoized function from 0 again, or all of the caller';

CREATE VIEW stash.stat_memo AS SELECT * FROM stash.stat_memo();
COMMENT ON VIEW stash.stat_memo IS 'counts of memoized functions of the caller; of all for pg_read_all_stats';
GRANT SELECT ON stash.stat_memo TO PUBLIC;

CREATE VIEW stash.stat_memo_reasons AS SELECT * FROM stash.stat_memo_reasons();
COMMENT ON VIEW stash.stat_memo_reasons
	IS 'why calls went past the stash, answers were not kept, or were stale';
GRANT SELECT ON stash.stat_memo_reasons TO PUBLIC;

-- calls of functions that need not be memoized
CREATE TABLE stash.run_result OF stash.entry (key_hash WITH OPTIONS NOT NULL, key WITH OPTIONS NOT NULL);
CREATE INDEX ON stash.run_result (key_hash);
COMMENT ON TABLE stash.run_result IS 'results of stash.run() and stash.run_named(); no rights for anybody';

CREATE FUNCTION stash.run("like" anyelement, function regprocedure)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_run'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.run(anyelement, regprocedure)
	IS 'result of a function without arguments, remembered; the first argument gives its type';

CREATE FUNCTION stash.run("like" anyelement, function regprocedure, VARIADIC args "any")
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_run'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.run(anyelement, regprocedure, "any")
	IS 'result of a call, remembered without a memoized function; the first argument gives its type';

CREATE FUNCTION stash.run_named("like" anyelement, function regprocedure, args jsonb)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_run_named'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.run_named(anyelement, regprocedure, jsonb)
	IS 'result of a call with arguments by name, as a JSON object, remembered as by stash.run()';

CREATE FUNCTION stash.peek(function regprocedure)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_peek'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.peek(regprocedure)
	IS 'remembered result of a call without arguments; NULL where it would be computed';

CREATE FUNCTION stash.peek(function regprocedure, VARIADIC args "any")
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_peek'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.peek(regprocedure, "any")
	IS 'remembered result of a call, proved fresh; NULL where it would be computed';

-- many calls at once, by background workers
CREATE FUNCTION stash.map(function regprocedure, inputs anyarray, workers int4 DEFAULT 2, options jsonb DEFAULT NULL,
	ordered bool DEFAULT false, on_error text DEFAULT 'continue', remember bool DEFAULT false,
	OUT ord int8, OUT input anyelement, OUT result stash.variant, OUT hit bool, OUT error text, OUT elapsed interval)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_map'
	LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000;
COMMENT ON FUNCTION stash.map(regprocedure, anyarray, int4, jsonb, bool, text, bool)
	IS 'call a function for many inputs in background workers; a row for each, as they come';

CREATE FUNCTION stash.map_async(function regprocedure, inputs anyarray, workers int4 DEFAULT 2, options jsonb DEFAULT NULL,
	ordered bool DEFAULT false, on_error text DEFAULT 'continue', remember bool DEFAULT false)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_map_async'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.map_async(regprocedure, anyarray, int4, jsonb, bool, text, bool)
	IS 'begin stash.map() without waiting for it: returns a handle of this session for stash.map_results()';

CREATE FUNCTION stash.map_results(handle int8,
	OUT ord int8, OUT input stash.variant, OUT result stash.variant, OUT hit bool, OUT error text, OUT elapsed interval)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_map_results'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1000;
COMMENT ON FUNCTION stash.map_results(int8)
	IS 'rows of a map that goes on, those that have not been read, waiting for them';

CREATE FUNCTION stash.map_cancel(handle int8)
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_map_cancel'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.map_cancel(int8)
	IS 'end a map that goes on; false where there is none';

CREATE FUNCTION stash.running_maps(OUT pid int4, OUT function regprocedure, OUT done int8, OUT total int8,
	OUT errors int8, OUT hits int8, OUT workers int4, OUT started timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_progress'
	LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION stash.running_maps()
	IS 'maps of this database that run now; those of others with pg_read_all_stats only';

CREATE VIEW stash.progress AS
SELECT pid, function, done, total, errors, hits, workers, started
FROM stash.running_maps();
COMMENT ON VIEW stash.progress IS 'maps of this database that run now, and how far they are';
GRANT SELECT ON stash.progress TO PUBLIC;

CREATE VIEW stash.memos AS
SELECT p.oid::regprocedure AS function,
	pg_catalog.pg_get_userbyid(p.proowner) AS owner,
	stash.stash_of(p.oid) AS stash,
	pg_catalog.btrim(p.prosrc, E'\n') AS definition
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
WHERE l.lanname OPERATOR(pg_catalog.=) 'stash';
COMMENT ON VIEW stash.memos IS 'memoized functions of this database';
GRANT SELECT ON stash.memos TO PUBLIC;
