#!/usr/bin/env bash
# run.sh: measure pg_hashstash against what people use today.
#
# Builds the extension in a temporary folder, starts a throw-away server, runs
# the benchmarks beside this file, takes all of it down again. Every comparison
# runs its variants in turn, one round to warm up and seven that count, and
# prints median, min and max, and ratios within that run.
#
# usage: bash test/bench/run.sh [NAME...]     NAME: hash, frame, stash, memo, map, memo_write, assemble, export (default: all)
# A NAME may have sections; STASH_BENCH_SECTIONS=one,two runs only these. Rounds of pgbench last two seconds, after one in which
# sessions start; STASH_BENCH_ROUND=6 makes it six, and STASH_BENCH_ROUNDS=21 has 21 of them count: 8 clients on two cores differ
# by a tenth from one to the next.
# STASH_BENCH_CLOCK=cpu counts the time that the server's session has a processor, where others use the machine, too.
set -euo pipefail

# shellcheck source=../lib/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/setup.sh"

sql() { "$bindir/psql" -X -q -P footer=off -v ON_ERROR_STOP=1 "$@"; }

# bench_restart [NAME=VALUE]: begin anew, with this setting, or without one that was given before
#
# In pages of 2 MB, as servers of that size have their memory: without them the first touch of each page of 4 kB costs a session
# some 5 us on virtual machines, and gets among ten million rows are mostly that. What the kernel sets aside is put back at the end.
bench_restart() {
	local file=/proc/sys/vm/nr_hugepages need

	sql -c 'ALTER SYSTEM RESET ALL'
	[[ $# -eq 0 ]] || sql -c "ALTER SYSTEM SET ${1%%=*} = '${1#*=}'"
	as_user pg_ctl -D "$work/data" -w stop >/dev/null
	# the server tells from 15 on
	if need=$(as_user postgres -D "$work/data" -C shared_memory_size_in_huge_pages 2>/dev/null) && [[ $need -gt 0 && -e $file ]]; then
		[[ -n ${huge_before:-} ]] || huge_before=$(cat "$file")
		bench_huge_pages "$((huge_before + need))"
		# too few are of no use to it, nor to anybody else
		[[ $(cat "$file") -ge $((huge_before + need)) ]] || bench_huge_pages "$huge_before"
	fi
	as_user pg_ctl -D "$work/data" -l "$work/server.log" -w start >/dev/null
}

# called by setup_end
own_end() { [[ -z ${huge_before:-} ]] || bench_huge_pages "$huge_before"; }

# bench_huge_pages NUMBER: how many the kernel sets aside, if it may be told
bench_huge_pages() { say "$1" | "${sudo[@]}" tee /proc/sys/vm/nr_hugepages >/dev/null 2>&1 || true; }

# kB that the server has in pages of 2 MB
bench_huge_kb() {
	"${sudo[@]}" awk '/^(Shared|Private)_Hugetlb/ {kb += $2} END {print kb + 0}' "/proc/$(head -n 1 "$work/data/postmaster.pid")/smaps"
}

# The functions in C that hash.sh, frame.sh and stash.sh compare with.
build_kernel() {
	local cc

	[[ ! -e $work/kernel.so ]] || return 0
	cc=$("$PG_CONFIG" --cc)
	"${cc%% *}" -O2 -Wall -Werror -fPIC -shared -I"$tree/src" -I"$("$PG_CONFIG" --includedir-server)" \
		"$tree/test/bench/kernel.c" -o "$work/kernel.so" -lxxhash -llz4
	sql -v kernel="$work/kernel" -f "$top/test/bench/kernel.sql"
}

# run_sections BENCHMARK SECTION...: the function BENCHMARK_SECTION of each that is wanted, then the goals
run_sections() {
	local section start wanted=${STASH_BENCH_SECTIONS:-}

	for section in ${wanted//,/ }; do
		[[ " ${*:2} " == *" $section "* ]] || die "$1 has no section $section"
	done
	for section in "${@:2}"; do
		[[ -z $wanted || ,$wanted, == *,"$section",* ]] || continue
		echo
		start=$SECONDS
		"$1_$section"
		say "$section: $((SECONDS - start)) s"
	done
	say
	say 'what was promised'
	sql -c 'SELECT * FROM bench.goals()' -c 'TRUNCATE bench.goal'
}

# bench_note_rate TITLE PLACE VARIANT ROUND RATE: a round through a socket, at so many calls a second
bench_note_rate() {
	[[ $4 -gt 0 ]] || return 0
	sql -v title="$1" -v place="$2" -v variant="$3" -v round="$4" -v rate="$5" <<-'SQL'
		INSERT INTO bench.result VALUES (:'title', :'variant', :place, :round, 1000.0 / :rate, 1, NULL);
	SQL
}

# bench_pgbench SCRIPT CLIENTS: calls a second, in a round; the second before it, in which sessions start, does not count
bench_pgbench() {
	"$bindir/pgbench" -n -M prepared -f "$work/$1.pgbench" -c "$2" -j "$(($2 < $(nproc) ? $2 : $(nproc)))" \
		-T "$((${STASH_BENCH_ROUND:-2} + 1))" -P 1 2>&1 |
		awk '/^progress: / && $2 > 1.5 { calls += $4; seconds++ }
			/error/ { print > "/dev/stderr" }
			END { if (!seconds) { print "pgbench told of no whole second: STASH_BENCH_ROUND is 2 at least" > "/dev/stderr"; exit 1 }
				print calls / seconds }'
}

# bench_compare_rates TITLE CLIENTS PLACE=SCRIPT=VARIANT...: as bench.compare(), with rounds of pgbench, or of a function that is given the clients
bench_compare_rates() {
	local round job place script rate

	for ((round = 0; round <= ${STASH_BENCH_ROUNDS:-7}; round++)); do
		for job in "${@:3}"; do
			IFS== read -r place script job <<<"$job"
			if declare -F "$script" >/dev/null; then
				rate=$("$script" "$2")
			else
				rate=$(bench_pgbench "$script" "$2")
			fi
			bench_note_rate "$1" "$place" "$job" "$round" "$rate"
		done
	done
	say "$1"
	sql -c "SELECT * FROM bench.report_rates('$1')"
}

# A server that only its socket reaches, and that writes nothing; false where there is no package.
bench_redis_start() {
	local dir=$work/redis

	command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null || return 1
	mkdir "$dir"
	chown "$user" "$dir"
	as_user redis-server --port 0 --unixsocket "$dir/socket" --save '' --appendonly no --dir "$dir" \
		--daemonize yes --pidfile "$dir/redis.pid" --logfile "$dir/log" >/dev/null
	for _ in {1..100}; do
		[[ $(bench_redis PING 2>/dev/null) != PONG ]] || break
		sleep 0.1
	done
	bench_redis EVAL "for i = 0, 999999 do redis.call('SET', string.format('key:%012d', i), 'value ' .. i) end" 0 >/dev/null
	[[ $(bench_redis GET key:000000123456) == 'value 123456' ]] || die 'Redis does not answer'
}

bench_redis() { redis-cli -s "$work/redis/socket" "$@"; }

# bench_redis_rate CLIENTS: GETs a second
bench_redis_rate() {
	redis-benchmark -s "$work/redis/socket" -c "$1" -n "$((30000 + 30000 * $1))" -r 1000000 --csv GET key:__rand_int__ |
		sed -n 's/^"GET[^"]*","\([0-9.]*\)".*/\1/p'
}

run_one() {
	echo
	echo "## $1"
	if [[ -e $top/test/bench/$1.sql ]]; then
		sql -f "$top/test/bench/$1.sql"
	else
		# shellcheck source=/dev/null
		. "$top/test/bench/$1.sh"
	fi
}

names=("$@")
[[ $# -gt 0 ]] || names=(hash frame stash memo map memo_write assemble export)
for name in "${names[@]}"; do
	[[ -e $top/test/bench/$name.sql || -e $top/test/bench/$name.sh ]] || die "no benchmark named $name"
done

packages=()
[[ " ${names[*]} " != *' stash '* ]] || packages=('?redis-server')
[[ " ${names[*]} " != *' memo '* ]] || packages=('?redis-server' '?memcached' '?postgresql-%v-pgmemcache')
setup_begin "${packages[@]}"
setup_build
# a million results of the memo benchmark have to fit; in files only where neither the server's main memory nor /dev/shm has room
# for them, for each first touch of a page is told to the file system then
dsm=posix
[[ $(df --output=avail --block-size=1M /dev/shm | tail -n 1) -gt 1024 ]] || dsm=mmap
setup_cluster jit=off shared_buffers=1GB dynamic_shared_memory_type=$dsm pg_hashstash.shared_cache_size=512MB \
	min_dynamic_shared_memory=768MB
bench_restart
sql -c 'CREATE EXTENSION pg_hashstash'
sql -f "$top/test/bench/bench.sql"
sql -c "ALTER DATABASE postgres SET bench.clock = '${STASH_BENCH_CLOCK:-wall}'"

echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -m)"
sql -At -c "SELECT 'PostgreSQL ' || current_setting('server_version')
	|| ', shared_buffers ' || current_setting('shared_buffers') || ', jit ' || current_setting('jit')
	|| ', fsync ' || current_setting('fsync') || ', ' || current_setting('dynamic_shared_memory_type')
	|| ', min_dynamic_shared_memory ' || current_setting('min_dynamic_shared_memory')"
[[ $(bench_huge_kb) -gt 0 ]] && echo 'shared memory in huge pages' || echo 'shared memory in pages of 4 kB'

for name in "${names[@]}"; do
	run_one "$name"
done

echo
echo "Measured: ${names[*]}. Server, data and build are removed with $work; installed packages stay."
