#!/bin/bash
# run.sh [--accept] [SUITE...] [TEST...]: all fast tests, from a bare Debian machine on
#
# Suites, cheap ones first: lint unit fuzz regress isolation tap pgtap image. Without a SUITE all run; with a TEST only
# the tests of that name do. --accept takes what regress and isolation tests printed as what they should
# print, for "git diff" to judge. The last line is the total: "N passed, N failed".
set -euo pipefail

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib/setup.sh"

suites=()
wanted=()		# names of tests; none means all
names=()		# of the suite that runs
accept=
passed=0
failed=0
make_args=(WERROR=-Werror with_llvm=no)
make=(as_user make -s --no-print-directory "${make_args[@]}")

read_arguments() {
	local word

	for word in "$@"; do
		case $word in
			--accept) accept=yes ;;
			lint | unit | fuzz | regress | isolation | tap | pgtap | image) suites+=("$word") ;;
			-*) die "unknown option $word" ;;
			*) wanted+=("$word") ;;
		esac
	done
	[[ ${#suites[@]} -gt 0 ]] || suites=(lint unit fuzz regress isolation tap pgtap image)
}

# --- one function for each suite; it prints what count() understands

run_lint() { "${make[@]}" lint; }
run_unit() { as_user bash test/unit/run.sh "${names[@]}"; }
run_fuzz() { as_user bash test/fuzz/run.sh "${STASH_FUZZ_SECONDS:-60}" "${names[@]}"; }
run_tap() { install_readers && "${make[@]}" installcheck REGRESS= ISOLATION= PROVE_FLAGS=--verbose PROVE_TESTS="${names[*]/#/$tree/test/tap/}"; }
run_isolation() { "${make[@]}" installcheck REGRESS= TAP_TESTS= ISOLATION="${names[*]}"; }

run_regress() {
	local only=()

	# the Makefile knows the order
	[[ ${#wanted[@]} -eq 0 ]] || only=(REGRESS="${names[*]}")
	"${make[@]}" installcheck ISOLATION= TAP_TESTS= "${only[@]}"
}

# The optional extension, where its libraries are: see has_image_libraries.
run_image() {
	"${make[@]}" image-install DESTDIR="$stage" &&
		as_user env LIBRARY="$tree/image/pg_hashstash_image.so" bash test/lint/symbols.sh &&
		as_user bash image/test/fuzz.sh 0 &&
		"${make[@]}" -C image installcheck REGRESS="${names[*]}"
}

has_image_libraries() { as_user make -s -C image libraries >/dev/null 2>&1; }

# Libraries that read what is exported, where npm is; without them tests skip what they would say.
install_readers() {
	local packages=()

	[[ -z ${NODE_PATH:-} ]] && command -v npm >/dev/null || return 0
	[[ " ${names[*]} " != *" 050_arrow.pl "* ]] ||
		packages+=(apache-arrow@21.2.0 nodejs-polars@0.25.2 "nodejs-polars-linux-$(node -p process.arch)-gnu@0.25.2")
	[[ " ${names[*]} " != *" 061_clients.pl "* ]] || packages+=(pg@8.23.1 pg-copy-streams@7.0.0)
	[[ " ${names[*]} " != *" 062_json_values.pl "* ]] || packages+=(@duckdb/node-api@1.5.6-r.1)
	[[ ${#packages[@]} -gt 0 ]] || return 0
	npm install --silent --no-fund --no-audit --prefix "$work/node" "${packages[@]}" || return 0
	export NODE_PATH=$work/node/node_modules
}

# Each file gets a database of its own, with both extensions in it.
run_pgtap() {
	local name status=0

	as_user createdb pgtap_template
	as_user psql -qX -v ON_ERROR_STOP=1 -d pgtap_template -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_hashstash'
	for name in "${names[@]}"; do
		as_user createdb -T pgtap_template "pgtap_$name"
		as_user pg_prove --verbose -d "pgtap_$name" "test/pgtap/$name.sql" || status=1
	done
	return "$status"
}

# The names of a suite's tests, as far as they are wanted.
find_names() {
	local name pattern=

	case $1 in
		unit) pattern='test/unit/*_test.c' ;;
		fuzz) pattern='test/fuzz/*_fuzz.c' ;;
		regress) pattern='sql/*.sql' ;;
		isolation) pattern='test/isolation/specs/*.spec' ;;
		tap) pattern='test/tap/*.pl' ;;
		pgtap) pattern='test/pgtap/*.sql' ;;
		image) pattern='image/sql/*.sql' ;;
	esac
	names=()
	[[ $1 != image ]] || has_image_libraries || return 0
	for name in $(compgen -G "$pattern" || true); do
		name=${name##*/}
		# prove wants the file, the others the bare name
		[[ $1 == tap ]] || name=${name%.*}
		name=${name%_test}
		name=${name%_fuzz}
		is_wanted "${name%.pl}" && names+=("$name")
	done
	[[ $1 != lint || ${#wanted[@]} -gt 0 ]] || names=(all)
}

is_wanted() { [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $1 "* ]]; }

# --- running and counting

run_suite() {
	local suite=$1 log=$work/$1.log status=0 good bad start=$SECONDS

	find_names "$suite"
	[[ ${#names[@]} -gt 0 ]] || { say "$suite: no such tests"; return; }
	[[ -z $accept ]] || prepare_accept "$suite"
	"run_$suite" >"$log" 2>&1 || status=$?
	read -r good bad < <(count "$log")
	# a suite that broke off, or that ran nothing, has failed even if no test of it says so
	[[ $bad -gt 0 || ($status -eq 0 && $good -gt 0) ]] || bad=1
	if [[ -n $accept ]]; then
		accept_results "$suite"
	elif [[ $bad -gt 0 ]]; then
		show_failure "$suite"
	fi
	say "$suite: $good passed, $bad failed ($((SECONDS - start)) s)"
	passed=$((passed + good))
	failed=$((failed + bad))
}

# Prints passed and failed tests. pg_regress says "test x ... ok" up to PostgreSQL 15 and TAP from 16 on.
count() {
	awk '
		/(^| )[0-9]+ passed, [0-9]+ failed$/ { good += $(NF - 3); bad += $(NF - 1); next }
		/^ok .*# (skip|SKIP|TODO)/ { next }
		/^not ok .*# TODO/ { next }
		/^ok / || /^(test|  ) .* \.\.\. ok/ { good++ }
		/^not ok / || /^(test|  ) .* \.\.\. FAILED/ { bad++ }
		END { print good + 0, bad + 0 }' "$1"
}

show_failure() {
	local file files=()

	case $1 in
		regress) files=(regression.diffs) ;;
		isolation) files=(output_iso/regression.diffs) ;;
		image) files=(image/regression.diffs) ;;
		tap) files=(tmp_check/log/*) ;;
	esac
	say "--- $1"
	cat "$work/$1.log"
	for file in "${files[@]}"; do
		[[ -s $file ]] || continue
		say "--- $1: $file"
		# the nodes of TAP tests log each statement
		grep -v 'LOG:  statement:' "$file" | tail -n 100
	done
	grep -E -A 20 'terminated by signal|PANIC|TRAP:|Sanitizer|runtime error' "$work/server.log" | head -n 60 || true
}

results_of() {
	case $1 in
		regress) say results expected ;;
		isolation) say output_iso/results test/isolation/expected ;;
		image) say image/results image/expected ;;
	esac
}

# pg_regress breaks off at a test that has no expected output yet.
prepare_accept() {
	local name expected

	read -r _ expected < <(results_of "$1") || return 0
	mkdir -p "$expected"
	for name in "${names[@]}"; do
		[[ -e $expected/$name.out ]] || : >"$expected/$name.out"
	done
	chown -R "$user" "$expected"
}

accept_results() {
	local name results expected

	read -r results expected < <(results_of "$1") || { cat "$work/$1.log"; return; }
	mkdir -p "$top/$expected"
	for name in "${names[@]}"; do
		[[ -e $results/$name.out ]] || continue
		cmp -s "$results/$name.out" "$top/$expected/$name.out" || {
			cp "$results/$name.out" "$top/$expected/$name.out"
			say "accepted $expected/$name.out"
		}
	done
}

finish() {
	say "$passed passed, $failed failed"
	[[ $failed -eq 0 && $passed -gt 0 ]]
	exit
}

read_arguments "$@"
setup_begin libipc-run-perl python3 '?python3-psycopg' jq xxhash zstd '?postgresql-%v-pgtap' libtap-parser-sourcehandler-pgtap-perl '?pg-bsd-indent' \
	'?pkg-config' '?libpng-dev' '?libjpeg62-turbo-dev' '?libwebp-dev' '?libgif-dev'
say "PostgreSQL $major, $("${CC:-gcc}" --version | head -n 1)"
setup_build "${make_args[@]}" || { failed=1; finish; }
setup_cluster || { failed=1; finish; }
for suite in "${suites[@]}"; do
	run_suite "$suite"
done
finish
