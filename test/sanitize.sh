#!/bin/bash
# sanitize.sh [TEST...]: the regression tests, 100,000 hostile frames and as many hostile Arrow streams and files in servers
# whose extension has address and undefined-behaviour checks; with a TEST only those regression or TAP tests
#
# Needs a distribution newer than Debian 12, whose server never starts under the preloaded library:
# "make check-sanitize" brings one along. Reports end up in the output, and fail the run.
set -euo pipefail

# shellcheck source=test/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE"

regress() {
	local names=("$@")

	[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(make -s --eval 'names: ; @printf "%s\n" $(REGRESS)' names with_llvm=no)
	as_user "$("$PG_CONFIG" --pkglibdir)/pgxs/src/test/regress/pg_regress" --inputdir="$tree" --outputdir="$tree" \
		--bindir="$bindir" --load-extension=pg_hashstash --dbname=contrib_regression "${names[@]}"
}

# Servers of TAP tests take the library from the environment.
tap() {
	as_user env LD_PRELOAD="$(gcc -print-file-name=libasan.so)" ASAN_OPTIONS="$asan_options" UBSAN_OPTIONS="$ubsan_options" \
		PG_TEST_TIMEOUT_DEFAULT=600 STASH_HOSTILE_ROUNDS="${STASH_HOSTILE_ROUNDS:-17}" \
		STASH_ARROW_FLIPS="${STASH_ARROW_FLIPS:-100000}" \
		make -s installcheck with_llvm=no REGRESS= ISOLATION= PROVE_TESTS="$(printf "$tree/test/tap/%s.pl " "$@")"
}

setup_begin libasan8 libubsan1 libipc-run-perl python3 zstd
asan_options="detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:log_path=$work/report"
ubsan_options="print_stacktrace=1:log_path=$work/report"
setup_build with_llvm=no COPT="$flags"
# the server and all it starts load the checks first; what they find goes to files
as_user initdb -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
{
	say "listen_addresses = ''"
	say "unix_socket_directories = '$work'"
	say "fsync = off"
	say "max_prepared_transactions = 10"
	cat "$work/stage.conf"
} >>"$work/data/postgresql.conf"
as_user env LD_PRELOAD="$(gcc -print-file-name=libasan.so)" \
	ASAN_OPTIONS="$asan_options" UBSAN_OPTIONS="$ubsan_options" \
	timeout 120 pg_ctl -D "$work/data" -l "$work/server.log" -w -t 60 start >/dev/null
export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres

status=0
regressions=()
taps=()
for name in "$@"; do
	if [[ $name == [0-9]* ]]; then taps+=("$name"); else regressions+=("$name"); fi
done
[[ $# -gt 0 ]] || taps=(021_hostile_frames 066_hostile_arrow)
[[ $# -gt 0 && ${#regressions[@]} -eq 0 ]] || regress "${regressions[@]}" || status=1
[[ ${#taps[@]} -eq 0 ]] || tap "${taps[@]}" || status=1
[[ ! -s $tree/regression.diffs ]] || head -n 100 "$tree/regression.diffs"
grep -E -A 20 'terminated by signal|PANIC|TRAP:|Sanitizer|runtime error' "$work/server.log" | head -n 60 || true
for report in "$work"/report.*; do
	[[ -e $report ]] || continue
	head -n 60 "$report"
	status=1
done
exit $status
