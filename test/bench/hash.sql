-- stash.hash of bytes in memory against what people use today
\set ON_ERROR_STOP on

-- 1 MB and 64 kB of bytes that do not repeat
CREATE TABLE bench.bytes AS
SELECT decode(string_agg(md5(i::text), '' ORDER BY i), 'hex') AS mb
FROM generate_series(1, 65536) i;

-- the same bytes have the same hash, other bytes another one
DO $$
DECLARE
	b bytea := (SELECT mb FROM bench.bytes);
BEGIN
	ASSERT octet_length(b) = 1048576;
	ASSERT stash.hash(b) = stash.hash(substring(b, 1, 500000) || substring(b, 500001));
	ASSERT stash.hash(b) <> stash.hash(set_byte(b, 700000, get_byte(b, 700000) # 1));
END
$$;

-- the concatenation leaves an uncompressed value in memory
\set mb 'SELECT mb || '''' AS b FROM bench.bytes'
\set kb 'SELECT substring(mb, 1, 65536) || '''' AS b FROM bench.bytes'

CALL bench.add_loop('stash.hash, 1 MB', :'mb', 'stash.hash(v.b)', 1000, 1048576);
CALL bench.add_loop('stash.hash64, 1 MB', :'mb', 'stash.hash64(v.b)', 1000, 1048576);
CALL bench.add_loop('hashtextextended, 1 MB', 'SELECT encode(substring(mb, 1, 524288), ''hex'') AS b FROM bench.bytes',
	'hashtextextended(v.b, 0)', 100, 1048576);
CALL bench.add_loop('sha256, 1 MB', :'mb', 'sha256(v.b)', 40, 1048576);
CALL bench.add_loop('md5, 1 MB', :'mb', 'md5(v.b)', 20, 1048576);
CALL bench.compare('1 MB', ARRAY['stash.hash, 1 MB', 'stash.hash64, 1 MB', 'hashtextextended, 1 MB', 'sha256, 1 MB', 'md5, 1 MB'], 7);
SELECT * FROM bench.report('1 MB');

CALL bench.add_loop('stash.hash, 64 kB', :'kb', 'stash.hash(v.b)', 16000, 65536);
CALL bench.add_loop('stash.hash64, 64 kB', :'kb', 'stash.hash64(v.b)', 16000, 65536);
CALL bench.add_loop('hashtextextended, 64 kB', 'SELECT encode(substring(mb, 1, 32768), ''hex'') AS b FROM bench.bytes',
	'hashtextextended(v.b, 0)', 1600, 65536);
CALL bench.add_loop('sha256, 64 kB', :'kb', 'sha256(v.b)', 640, 65536);
CALL bench.add_loop('md5, 64 kB', :'kb', 'md5(v.b)', 320, 65536);
CALL bench.compare('64 kB', ARRAY['stash.hash, 64 kB', 'stash.hash64, 64 kB', 'hashtextextended, 64 kB', 'sha256, 64 kB', 'md5, 64 kB'], 7);
SELECT * FROM bench.report('64 kB');
