-- Notes of changes do not pile up, however short the sessions are that write them.
CREATE TABLE stash_pruned (a int);
SELECT stash.track('stash_pruned');
CREATE PROCEDURE write_rows(n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..n LOOP
		INSERT INTO stash_pruned VALUES (i);
		COMMIT;
	END LOOP;
END $$;
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
\c -
CALL write_rows(250);
-- each 256th transaction prunes, by chance
SELECT count(*) BETWEEN 1 AND 3000 AS is_pruned FROM stash.change WHERE relation = 'stash_pruned'::regclass;
-- what is left is what came since, and one that stands for the rest
SELECT count(*) FILTER (WHERE is_pruned) AS stand_for_others, bool_and(xid >= (SELECT max(xid) FROM stash.change WHERE is_pruned AND relation = 'stash_pruned'::regclass)) AS are_newer
FROM stash.change WHERE relation = 'stash_pruned'::regclass;
DROP PROCEDURE write_rows;
SELECT stash.untrack('stash_pruned');
DROP TABLE stash_pruned;
