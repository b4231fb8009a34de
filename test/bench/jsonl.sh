# jsonl.sh: 200,000 flights as JSON lines, against COPY; sourced by run.sh
#
# Twice: on the server, written to its /dev/null, and through psql, start of
# psql included and shown.

sql -v data="$top/examples/data" -f "$top/examples/load.sql"

csv="(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
# in the select list the chunks stream
to_jsonl="SELECT (stash.to_jsonl('SELECT * FROM flight_times')).data"
small_chunks="SELECT (stash.to_jsonl('SELECT * FROM flight_times', chunk_bytes => 65536)).data"
row_to_json='SELECT row_to_json(t) FROM flight_times t'

# The same bytes, but for the newline that psql puts after each chunk. JSON text
# cannot hold the control characters that stand for quote and delimiter.
sql -At -c "$to_jsonl" | sed '/^$/d' >"$work/stash.jsonl"
sql -c "COPY ($row_to_json) TO STDOUT $csv" >"$work/anchor.jsonl"
cmp "$work/stash.jsonl" "$work/anchor.jsonl"
rows=$(wc -l <"$work/anchor.jsonl")
echo "both write the same $(wc -c <"$work/anchor.jsonl") bytes, $rows lines"

sql -v rows="$rows" -v to_jsonl="$to_jsonl" -v row_to_json="$row_to_json" -v csv="$csv" <<'SQL'
SET max_parallel_workers_per_gather = 0;
SELECT format('COPY (%s) TO ''/dev/null'' (FORMAT binary)', :'to_jsonl') AS stash,
       format('COPY (%s) TO ''/dev/null''', :'row_to_json') AS text,
       format('COPY (%s) TO ''/dev/null'' %s', :'row_to_json', :'csv') AS csv
\gset
CALL bench.add_statement('to_jsonl', :'stash', :rows);
CALL bench.add_statement('COPY (SELECT row_to_json(t))', :'text', :rows);
CALL bench.add_statement('the same as csv: valid JSON', :'csv', :rows);
CALL bench.add_statement('COPY text', 'COPY flight_times TO ''/dev/null''', :rows);
CALL bench.compare('jsonl, server', ARRAY['to_jsonl', 'COPY (SELECT row_to_json(t))', 'the same as csv: valid JSON', 'COPY text'], 7);
\echo on the server, per row:
SELECT * FROM bench.report('jsonl, server');
SQL

# one PLACE LABEL COMMAND...: run it once and note the time
one() {
	local place=$1 label=$2 start=$EPOCHREALTIME

	"${@:3}" >/dev/null
	[[ $round -eq 0 ]] || printf 'jsonl, psql\t%s\t%s\t%s\t%s\t%s\n' "$label" "$place" "$round" \
		"$(awk "BEGIN { print 1000 * ($EPOCHREALTIME - $start) }")" "$rows"
}
for round in {0..7}; do
	one 1 'psql -At: to_jsonl' sql -At -c "$to_jsonl"
	one 2 'psql -At: to_jsonl, chunks of 64 kB' sql -At -c "$small_chunks"
	one 3 'psql: COPY BINARY of the same' sql -c "COPY ($small_chunks) TO STDOUT (FORMAT binary)"
	one 4 'psql: COPY (SELECT row_to_json(t))' sql -c "COPY ($row_to_json) TO STDOUT"
	one 5 'psql: the same as csv: valid JSON' sql -c "COPY ($row_to_json) TO STDOUT $csv"
	one 6 'psql -At: SELECT row_to_json(t)' sql -At -c "$row_to_json"
	one 7 'psql: COPY text' sql -c 'COPY flight_times TO STDOUT'
	one 8 'psql: SELECT 1' sql -c 'SELECT 1'
done >"$work/jsonl.tsv"
sql <<SQL
\copy bench.result (title, variant, place, round, ms, calls) FROM '$work/jsonl.tsv'
\echo through psql, per row, ratios without the time of starting psql:
SELECT * FROM bench.report('jsonl, psql', 'psql: SELECT 1');
SQL
