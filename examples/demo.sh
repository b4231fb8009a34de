#!/usr/bin/env bash
# demo.sh: the main job of pg_hashstash, from nothing to checked results.
#
# Sets up all it needs, builds the extension, starts a throw-away server of its
# own, runs a report over real flights with and without memory of it, and takes
# all of it down again. Every figure it prints was measured in this run.
#
# usage: bash examples/demo.sh [--svg FILE]
#     --svg FILE   also write the chart of the speed-up as an SVG image
# exit status: 0 when every check held, else 1
set -euo pipefail

svg=
case "${1-}" in
	'') ;;
	--svg) svg=$(realpath "${2:?--svg needs a file name}") ;;
	*)
		sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
		exit 2
		;;
esac

# airports with at least this many flights are hubs
hub_flights=250

# shellcheck source=../test/lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../test/lib/setup.sh"
examples=$top/examples

steps=0
failed=0
step() {
	steps=$((steps + 1))
	printf '\n%2d. %s\n' "$steps" "$1"
}
note() { printf '    %s\n' "$@"; }
indent() { sed 's/^/    /'; }

# check WHAT ACTUAL EXPECTED
check() {
	if [ "$2" = "$3" ]; then
		note "ok: $1: $2"
	else
		note "NOT OK: $1: $2, expected $3"
		failed=$((failed + 1))
	fi
}
# check_at_least WHAT ACTUAL MINIMUM UNIT
check_at_least() {
	if awk "BEGIN { exit !($2 >= $3) }"; then
		note "ok: $1: $2$4 (at least $3$4)"
	else
		note "NOT OK: $1: $2$4, expected at least $3$4"
		failed=$((failed + 1))
	fi
}

sql() { "$bindir/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
value() { sql -At -c "$1"; }
seconds_since() { awk "BEGIN { printf \"%.1f s\", $(date +%s.%N) - $1 }"; }
# the times of psql's \timing, one number of milliseconds a line
times() { sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$1"; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
total() { awk '{ s += $1 } END { printf "%.1f", s }'; }
faster() { awk "BEGIN { printf \"%.0f\", $1 / $2 }"; }

began=$(date +%s.%N)

step "Install what is missing, build the extension in a temporary folder, start a server of its own."
setup_begin jq
setup_build
setup_cluster
note "$(value 'SELECT version()')"
note "ready after $(seconds_since "$began")"

step "CREATE EXTENSION pg_hashstash."
sql -c 'CREATE EXTENSION pg_hashstash'
note "version $(value "SELECT extversion FROM pg_extension WHERE extname = 'pg_hashstash'")"

step "Load real flights, airports and earthquakes (examples/load.sql)."
sql -v data="$examples/data" -f "$examples/load.sql"
value "SELECT format('%s flights, %s flight times, %s airports, %s earthquakes',
	(SELECT count(*) FROM flights), (SELECT count(*) FROM flight_times),
	(SELECT count(*) FROM airports), (SELECT count(*) FROM earthquakes))" | indent
check 'flights loaded' "$(value 'SELECT count(*) FROM flights')" \
	"$(gzip -dc "$examples/data/flights-20k.jsonl.gz" | wc -l)"
check 'flight times loaded' "$(value 'SELECT count(*) FROM flight_times')" \
	"$(gzip -dc "$examples/data/flights-200k.jsonl.gz" | wc -l)"

step "Hash the content: 20,000 rows in 128 bits; one minute of one delay changes it."
hash_flights="SELECT stash.hash(array_agg(f ORDER BY f.departure, f.origin, f.destination, f.distance, f.delay)) FROM flights f"
before=$(value "$hash_flights")
changed=$(value "BEGIN; UPDATE flights SET delay = delay + 1
	WHERE ctid = (SELECT max(ctid) FROM flights); $hash_flights; ROLLBACK" | tail -n 1)
note "flights                  $before" "with one minute changed  $changed"
check 'the change is seen' "$([ "$before" != "$changed" ] && echo yes || echo no)" yes
check 'after rollback' "$(value "$hash_flights")" "$before"

step "Define the report (examples/report.sql) and tell the database to remember it for an hour."
sql -f "$examples/report.sql"
sql -c "CREATE TABLE hub AS
	SELECT iata, count(*) AS flights
	FROM flights, unnest(ARRAY[origin, destination]) AS a(iata)
	GROUP BY iata
	HAVING count(*) >= $hub_flights"
oid=$(value "SELECT 'hub_report(text)'::regprocedure::oid")
note "SELECT stash.memoize('hub_report(text)', ttl => '1 hour')"
sql -At -c "SELECT stash.memoize('hub_report(text)', ttl => '1 hour')" >"$work/memoized"
check 'same name, same OID' "$(value "SELECT 'hub_report(text)'::regprocedure::oid")" "$oid"

# one call a hub, as a client sends it; rows are fetched and thrown away
value "SELECT format('SELECT * FROM hub_report(%L);', iata) FROM hub ORDER BY flights DESC, iata" >"$work/calls.sql"
hubs=$(wc -l <"$work/calls.sql")

step "Ask for the report of all $hubs airports with at least $hub_flights flights: twice in one session, once more in a new one."
# pass NAME: what psql has to do for one pass, its rows kept apart
pass() {
	printf '\\timing on\n\\o %s\n' "$work/$1.rows"
	cat "$work/calls.sql"
	printf '\\echo end of %s\n' "$1"
}
{ pass first; pass same; } >"$work/session.sql"
pass new >"$work/new.sql"
sql -At -f "$work/session.sql" >"$work/session.out"
sql -At -f "$work/new.sql" >"$work/new.out"
sed '/^end of first$/q' "$work/session.out" >"$work/first.out"
sed '1,/^end of first$/d' "$work/session.out" >"$work/same.out"

for pass in first same new; do
	check "calls timed, pass '$pass'" "$(times "$work/$pass.out" | wc -l)" "$hubs"
done
first=$(times "$work/first.out" | median)
same=$(times "$work/same.out" | median)
new=$(times "$work/new.out" | median)
{
	printf 'first call, computed\t%s\n' "$first"
	printf 'second call, same session\t%s\n' "$same"
	printf 'second call, new session\t%s\n' "$new"
} >"$work/times.tsv"
title="hub_report(text): median of $hubs calls, as psql measures them"
awk -F '\t' -v title="$title" -f "$examples/chart.awk" "$work/times.tsv" | indent
for pass in first same new; do
	note "$(printf 'all %d calls, pass %-5s  %10s ms' "$hubs" "$pass" "$(times "$work/$pass.out" | total)")"
done
check 'rows received in each pass, the same bytes' \
	"$(for pass in first same new; do md5sum <"$work/$pass.rows"; done | sort -u | wc -l) kind, $(wc -l <"$work/first.rows") rows" \
	"1 kind, $(value 'SELECT count(*) FROM hub, hub_report(hub.iata)') rows"
check_at_least 'second call in the same session is faster' "$(faster "$first" "$same")" 100 ' times'
check_at_least 'second call in a new session is faster' "$(faster "$first" "$new")" 100 ' times'
if [ -n "$svg" ]; then
	awk -F '\t' -v svg=1 -v title="$title" -f "$examples/chart.awk" "$work/times.tsv" >"$svg"
	note "chart written to $svg"
fi

step "Compare every remembered row with a fresh one (hub_report_uncached)."
check 'rows that differ' "$(value "
	CREATE TEMP TABLE remembered AS SELECT r.* FROM hub, hub_report(hub.iata) r;
	CREATE TEMP TABLE fresh AS SELECT r.* FROM hub, hub_report_uncached(hub.iata) r;
	SELECT count(*)
	FROM ((TABLE remembered EXCEPT ALL TABLE fresh)
		UNION ALL
		(TABLE fresh EXCEPT ALL TABLE remembered)) d")" 0
rows=$(value 'SELECT count(*) FROM hub, hub_report_uncached(hub.iata)')

step "Look into the memory: a stash is an ordinary table, its keys and values are readable."
sql -x -c 'SELECT left(key::text, 60) AS key, left(value::text, 70) AS value
	FROM hub_report_stash ORDER BY 1 LIMIT 3' | sed '/^$/d' | indent
sql -c "SELECT * FROM stash.explain('hub_report(text)', 'ORD')" | sed '/^$/d' | indent
check 'calls remembered' "$(value "SELECT count(*) FROM stash.calls('hub_report(text)')")" "$hubs"

step "Assemble what is remembered into one typed table."
sql -c "CREATE TABLE delays AS
	SELECT *
	FROM stash.assemble(stash.stash_of('hub_report(text)')) AS t(
		hub text, hour int, flights int, delay_p50 float8, delay_p90 float8,
		delay_rank int, airports int, peers int, peer_p50 float8, peer_p90 float8,
		busiest_route text, route_flights int, published_km float8, great_circle_km float8)"
sql -c "SELECT hub, sum(flights) AS flights, round(avg(delay_p90)) AS avg_p90,
		round(avg(peer_p90)) AS peers_avg_p90,
		max(abs(published_km / great_circle_km - 1) * 100)::numeric(5, 2) AS max_km_error_percent
	FROM delays GROUP BY hub ORDER BY 2 DESC LIMIT 5" | sed '/^$/d' | indent
check 'rows assembled' "$(value 'SELECT count(*) FROM delays')" "$rows"

# jsonl QUERY: its rows as JSON lines. In the select list the chunks stream, psql fetches
# one at a time, and ends it with a newline of its own, which makes an empty line.
jsonl() {
	sql -At -v FETCH_COUNT=1 -c "SELECT (stash.to_jsonl('$1')).data" | sed '/^$/d'
}

step "Stream the table as JSON lines; jq, which knows nothing of PostgreSQL, is the judge."
jsonl 'SELECT * FROM delays ORDER BY hub, hour' >"$work/delays.jsonl"
head -n 1 "$work/delays.jsonl" | indent
check 'lines' "$(wc -l <"$work/delays.jsonl")" "$rows"
check 'jq: objects, hubs, flights, busiest routes' \
	"$(jq -nRc '[inputs | fromjson | objects]
		| [length, (map(.hub) | unique | length), (map(.flights) | add), (map(.busiest_route) | unique | length)]' \
		"$work/delays.jsonl")" \
	"$(value "SELECT format('[%s,%s,%s,%s]', count(*), count(DISTINCT hub), sum(flights), count(DISTINCT busiest_route))
		FROM delays")"
start=$(date +%s.%N)
jsonl 'SELECT * FROM flight_times' >"$work/flight_times.jsonl"
note "200,000 flights streamed through psql in $(seconds_since "$start")"
check 'lines' "$(wc -l <"$work/flight_times.jsonl")" "$(value 'SELECT count(*) FROM flight_times')"
check 'jq: sums of delay and distance' \
	"$(jq -nc 'reduce inputs as $r ([0, 0]; [.[0] + $r.delay, .[1] + $r.distance])' "$work/flight_times.jsonl")" \
	"$(value "SELECT format('[%s,%s]', sum(delay), sum(distance)) FROM flight_times")"

step "Put a week of earthquakes into a stash, key by key, and read it back by key and as typed columns."
sql -At -c "SELECT stash.create('quakes')" \
	-c 'SELECT count(stash.put('"'quakes'"', id, properties)) FROM earthquakes' >"$work/quakes"
check 'entries put' "$(tail -n 1 "$work/quakes")" "$(jq '.features | length' "$examples/data/earthquakes.json")"
quakes="stash.assemble('quakes') AS q(mag float8, place text, time bigint, felt int, sig int, \"magType\" text)"
sql -c "SELECT mag, \"magType\", to_timestamp(time / 1000) AT TIME ZONE 'UTC' AS utc, felt, place
	FROM $quakes ORDER BY mag DESC LIMIT 3" | sed '/^$/d' | indent
strongest=$(jq -r '.features | max_by(.properties.mag) | .id' "$examples/data/earthquakes.json")
check "stash.get('quakes', '$strongest')" \
	"$(value "SELECT stash.get('quakes', '$strongest', NULL::jsonb) ->> 'place'")" \
	"$(jq -r --arg id "$strongest" '.features[] | select(.id == $id) | .properties.place' "$examples/data/earthquakes.json")"
check 'jq and SQL agree on rows, felt, sum of sig, sum of magnitudes' \
	"$(value "SELECT format('[%s,%s,%s,%s]', count(*), count(felt), sum(sig), round(sum(mag)::numeric, 2))
		FROM $quakes")" \
	"$(jq -c '[.features[].properties]
		| [length, (map(select(.felt)) | length), (map(.sig) | add), ((map(.mag * 100 | round) | add) / 100)]' \
		"$examples/data/earthquakes.json")"

echo
if [ "$failed" -eq 0 ]; then
	echo "Every check held. A report, median of $hubs: $first ms computed; remembered $same ms in the session, $new ms in a new one."
else
	echo "$failed checks did not hold."
fi
echo "It took $(seconds_since "$began"). Server, data and build are removed with $work; installed packages stay."
[ "$failed" -eq 0 ]
