-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_hashstash" to load this file. \quit

CREATE SCHEMA stash;
COMMENT ON SCHEMA stash IS 'pg_hashstash: hashes, frames, stash tables, memoized functions, export';
GRANT USAGE ON SCHEMA stash TO PUBLIC;
