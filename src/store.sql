CREATE TYPE stash.entry AS (
	key_hash   uuid,
	key        stash.variant,
	value      stash.variant,
	version    int8,
	created_at timestamptz,
	expires_at timestamptz,
	cost       interval,
	proof      bytea
);
COMMENT ON TYPE stash.entry IS 'row of a stash; every table OF this type is one';
COMMENT ON COLUMN stash.entry.key_hash IS 'content hash of the key (memos: of the whole call), the indexed column';
COMMENT ON COLUMN stash.entry.key IS 'key, compared in full when its hash is found';
COMMENT ON COLUMN stash.entry.value IS 'value; NULL when a NULL was stored';
COMMENT ON COLUMN stash.entry.version IS 'how many times the key has been put since it was absent or expired, from 1; below zero: no entry, but a part of a large result of a memoized function';
COMMENT ON COLUMN stash.entry.created_at IS 'clock time at which this version was stored';
COMMENT ON COLUMN stash.entry.expires_at IS 'clock time from which the entry is never returned; NULL: never expires';
COMMENT ON COLUMN stash.entry.cost IS 'time that computing the value took; NULL: not known';
COMMENT ON COLUMN stash.entry.proof IS 'memos: what the result was read from, and under which snapshot; of this server only';

CREATE FUNCTION stash.options(ttl interval DEFAULT NULL, codec text DEFAULT 'lz4', keep_versions int4 DEFAULT 1,
	max_entries int8 DEFAULT NULL, max_bytes int8 DEFAULT NULL, evict text DEFAULT 'oldest')
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_options'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION stash.options(interval, text, int4, int8, int8, text)
	IS 'always true; its arguments in a CHECK constraint are the options of a stash';

CREATE FUNCTION stash.create(name text, persistence text DEFAULT 'logged', keep_versions int4 DEFAULT 1,
	ttl interval DEFAULT NULL, max_entries int8 DEFAULT NULL, max_bytes int8 DEFAULT NULL,
	evict text DEFAULT 'oldest', codec text DEFAULT 'lz4', partitions int4 DEFAULT 0)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_create'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.create(text, text, int4, interval, int8, int8, text, text, int4)
	IS 'new stash; persistence logged, unlogged or temp; keep_versions 0 keeps all; ttl for entries put without one; evict oldest, lru or cost; codec none, lz4 or zstd; partitions by hash of the key';

CREATE FUNCTION stash.place(partition regclass, server name, remote_schema name DEFAULT NULL, remote_table name DEFAULT NULL)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_place'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.place(regclass, name, name, name)
	IS 'move a partition of a stash and its entries to an empty stash on a postgres_fdw server; to this server where that is NULL';

CREATE FUNCTION stash.configure(stash regclass, persistence text DEFAULT NULL, keep_versions int4 DEFAULT NULL,
	ttl interval DEFAULT NULL, max_entries int8 DEFAULT NULL, max_bytes int8 DEFAULT NULL,
	evict text DEFAULT NULL, codec text DEFAULT NULL, reset text[] DEFAULT '{}')
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_configure'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.configure(regclass, text, int4, interval, int8, int8, text, text, text[])
	IS 'change options of a stash; NULL leaves one as it is, those named in reset get their defaults back';

CREATE FUNCTION stash.adopt("table" regclass)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'pg_hashstash_adopt'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.adopt(regclass)
	IS 'give a table OF stash.entry that was made by hand the key, defaults and options of a stash';

CREATE FUNCTION stash.drop(stash regclass)
	RETURNS void
	AS 'MODULE_PATHNAME', 'pg_hashstash_drop'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.drop(regclass) IS 'drop a stash, and nothing that is no stash';

CREATE FUNCTION stash.put(stash regclass, key "any", value "any", ttl interval DEFAULT NULL,
	cost interval DEFAULT NULL)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_put'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.put(regclass, "any", "any", interval, interval)
	IS 'store a value under a key, in place of the one there or as its next version; returns the version';

-- restricted, as all that read: a stash may be a temporary table
CREATE FUNCTION stash.get(stash regclass, key "any")
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_get'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.get(regclass, "any")
	IS 'value under a key; NULL where absent or expired';

CREATE FUNCTION stash.get(stash regclass, key "any", "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_get_like'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.get(regclass, "any", anyelement)
	IS 'value under a key, of the type of the last argument, as in NULL::int[]; NULL where absent or expired';

CREATE FUNCTION stash.get(stash regclass, key "any", "like" anyelement, version int8)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_get_version'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.get(regclass, "any", anyelement, int8)
	IS 'one version of the value under a key, of the type of the third argument, NULL::stash.variant for any; NULL where absent or expired';

CREATE FUNCTION stash.versions(stash regclass, key "any",
	OUT version int8, OUT created_at timestamptz, OUT expires_at timestamptz, OUT value stash.variant)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_versions'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION stash.versions(regclass, "any")
	IS 'versions of a key that have not expired, newest first';

CREATE FUNCTION stash.get_or_put(stash regclass, key "any", "default" "any", ttl interval DEFAULT NULL)
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_get_or_put'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.get_or_put(regclass, "any", "any", interval)
	IS 'value under a key; where absent or expired the default, which is stored';

CREATE FUNCTION stash.has(stash regclass, key "any")
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_has'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.has(regclass, "any")
	IS 'whether a key is there and not expired, be its value NULL or not';

CREATE FUNCTION stash.remove(stash regclass, key "any")
	RETURNS bool
	AS 'MODULE_PATHNAME', 'pg_hashstash_remove'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.remove(regclass, "any")
	IS 'delete a key, all its versions; whether it was there and not expired';

CREATE FUNCTION stash.pop(stash regclass, key "any")
	RETURNS stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_pop'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.pop(regclass, "any")
	IS 'delete a key; its value, NULL where absent or expired';

CREATE FUNCTION stash.pop(stash regclass, key "any", "like" anyelement)
	RETURNS anyelement
	AS 'MODULE_PATHNAME', 'pg_hashstash_pop_like'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.pop(regclass, "any", anyelement)
	IS 'delete a key; its value, of the type of the last argument, as in NULL::int[]; NULL where absent or expired';

CREATE FUNCTION stash.put_many(stash regclass, keys anyarray, "values" anycompatiblearray, ttl interval DEFAULT NULL)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_put_many'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.put_many(regclass, anyarray, anycompatiblearray, interval)
	IS 'store the elements of one array under those of another; of equal keys the last wins; returns the number of entries';

CREATE FUNCTION stash.get_many(stash regclass, keys anyarray,
	OUT ord int8, OUT key stash.variant, OUT value stash.variant)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_get_many'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION stash.get_many(regclass, anyarray)
	IS 'a row for each key, in their order, counted from 1; the value is NULL where absent or expired';

CREATE FUNCTION stash.merge("into" regclass, "from" regclass)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_merge'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.merge(regclass, regclass)
	IS 'put what has not expired in one stash into another, the newest version of each key, with its times; returns how many';

CREATE FUNCTION stash.part_hashes(value stash.variant)
	RETURNS SETOF uuid
	AS 'MODULE_PATHNAME', 'pg_hashstash_part_hashes'
	LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION stash.part_hashes(stash.variant)
	IS 'key hashes of the parts in which a large result is kept, by its entry''s value; one NULL for any other value';

CREATE FUNCTION stash.count(stash regclass)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_count'
	LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.count(regclass) IS 'number of keys that have not expired';

CREATE FUNCTION stash.clear(stash regclass)
	RETURNS int8
	AS 'MODULE_PATHNAME', 'pg_hashstash_clear'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.clear(regclass) IS 'delete all entries; returns how many';

CREATE FUNCTION stash.used_at(stash regclass, key_hash uuid)
	RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'pg_hashstash_used_at'
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION stash.used_at(regclass, uuid)
	IS 'about when an entry of a stash with evict lru was last read; NULL where that is not known';

CREATE FUNCTION stash.sweep(stash regclass, OUT expired int8, OUT evicted int8)
	RETURNS record
	AS 'MODULE_PATHNAME', 'pg_hashstash_sweep'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION stash.sweep(regclass)
	IS 'delete entries that have expired, then those beyond max_entries and max_bytes; returns how many of each';

CREATE FUNCTION stash.entries(stash regclass,
	OUT key stash.variant, OUT value stash.variant, OUT version int8,
	OUT created_at timestamptz, OUT expires_at timestamptz)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_entries'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.entries(regclass) IS 'entries that have not expired, of versions the newest, oldest entry first';

CREATE FUNCTION stash.keys(stash regclass)
	RETURNS SETOF stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_keys'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.keys(regclass)
	IS 'keys that have not expired, each once, in the order of their newest versions, oldest first';

CREATE FUNCTION stash.values(stash regclass)
	RETURNS SETOF stash.variant
	AS 'MODULE_PATHNAME', 'pg_hashstash_values'
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 1000;
COMMENT ON FUNCTION stash.values(regclass)
	IS 'newest values of the keys that have not expired, in the order of stash.keys()';

CREATE FUNCTION stash.profile(stash regclass DEFAULT NULL, function regprocedure DEFAULT NULL, sample int4 DEFAULT 1000,
	OUT codec text, OUT is_used bool, OUT entries int8, OUT raw_bytes int8, OUT stored_bytes int8, OUT ratio float8,
	OUT serialize_us float8, OUT deserialize_us float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'pg_hashstash_profile'
	LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 3;
COMMENT ON FUNCTION stash.profile(regclass, regprocedure, int4)
	IS 'sizes and times of a sample of the values in a stash, or of a memoized function, with each codec; for who may read the stash';

CREATE VIEW stash.stashes AS
SELECT c.oid::regclass AS stash,
	CASE coalesce(p.persistence, c.relpersistence::text) WHEN 'p' THEN 'logged' WHEN 'u' THEN 'unlogged' ELSE 'temp' END AS persistence,
	pg_catalog.pg_get_userbyid(c.relowner) AS owner,
	nullif(c.reltuples, -1)::int8 AS entries,
	coalesce(p.bytes, pg_catalog.pg_total_relation_size(c.oid)) AS bytes,
	(SELECT pg_catalog.pg_get_constraintdef(o.oid)
	 FROM pg_catalog.pg_constraint o
	 WHERE o.conrelid OPERATOR(pg_catalog.=) c.oid
	   AND o.conname OPERATOR(pg_catalog.=) 'stash_options') AS options
FROM pg_catalog.pg_class c
CROSS JOIN LATERAL (
	SELECT pg_catalog.max(l.relpersistence::text) AS persistence,
		pg_catalog.sum(pg_catalog.pg_total_relation_size(l.oid))::int8 AS bytes
	FROM pg_catalog.pg_partition_tree(c.oid) t
	JOIN pg_catalog.pg_class l ON l.oid OPERATOR(pg_catalog.=) t.relid AND l.relkind OPERATOR(pg_catalog.=) 'r'
) p
WHERE c.reloftype OPERATOR(pg_catalog.=) 'stash.entry'::pg_catalog.regtype
  AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')
	   OR pg_catalog.has_table_privilege(c.oid, 'SELECT')
	   OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'));
COMMENT ON VIEW stash.stashes IS 'stashes of this database that the user may read or owns; entries as last estimated by ANALYZE';
COMMENT ON COLUMN stash.stashes.entries IS 'estimate; NULL before the first ANALYZE or VACUUM';
COMMENT ON COLUMN stash.stashes.bytes IS 'size of table, indexes and TOAST';
COMMENT ON COLUMN stash.stashes.options IS 'the CHECK constraint that carries the options';
GRANT SELECT ON stash.stashes TO PUBLIC;
