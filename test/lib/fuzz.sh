# shellcheck shell=bash
# fuzz.sh: fuzz targets, outside the server, with address and undefined-behaviour checks
#
# For test/fuzz/run.sh and image/test/fuzz.sh. Source it, with the top of the tree as the current folder, then call
#
#	fuzz_begin				make $fuzz_out, which is removed when the script ends
#	fuzz_build NAME WORD...			compile a target; the words are sources and flags
#	fuzz_run TITLE NAME SECONDS SEEDS	run it on the files of a folder; prints "ok TITLE" or why not
#
# A target runs twice: first fuzz_loop.c cuts and changes each seed at each byte, then libFuzzer, where clang has it, or
# fuzz_loop.c damages them at random for SECONDS (0: not at all). FUZZ_FINDINGS is a prefix for what libFuzzer found.

fuzz_out=		# temp folder of this run
fuzz_clang=		# not empty where clang has libFuzzer

fuzz_begin() {
	fuzz_out=$(mktemp -d)
	trap 'rm -rf "$fuzz_out"' EXIT
	fuzz_flags=(
		-g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
		-Wno-ignored-attributes -Werror
		-fno-omit-frame-pointer -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing -U_FORTIFY_SOURCE
		-DFRONTEND -DUSE_ASSERT_CHECKING=1 -Isrc -Itest/lib -I"$("${PG_CONFIG:-pg_config}" --includedir-server)"
	)
	fuzz_libraries=(-L"$("${PG_CONFIG:-pg_config}" --pkglibdir)" -lpgcommon -lpgport -lxxhash)
	# a failed check is reported like any other finding
	export ASAN_OPTIONS=handle_abort=1:detect_leaks=0:${ASAN_OPTIONS:-}
	echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer,address,undefined -x c -o "$fuzz_out/probe" - 2>/dev/null && fuzz_clang=yes || true
}

fuzz_build() {
	local name=$1

	shift
	"${CC:-gcc}" "${fuzz_flags[@]}" -fsanitize=address,undefined -o "$fuzz_out/$name" test/lib/fuzz_loop.c "$@" "${fuzz_libraries[@]}"
	[[ -z $fuzz_clang ]] || clang "${fuzz_flags[@]}" -fsanitize=fuzzer,address,undefined -o "$fuzz_out/$name.clang" "$@" "${fuzz_libraries[@]}"
}

fuzz_run() {
	local title=$1 name=$2 seconds=$3 seeds=$4 log=$fuzz_out/log

	if fuzz_both "$name" "$seconds" "$seeds" >"$log" 2>&1; then
		sed -n -e "s/^# /# $title: /p" -e "s/^#[0-9]*\s*DONE /# $title: /p" -e "s/^Done \(.*\)/# $title: \1/p" "$log"
		echo "ok $title"
	else
		tail -n 100 "$log"
		echo "not ok $title"
		return 1
	fi
}

fuzz_both() {
	local name=$1 seconds=$2 seeds=$3

	if [[ -z $fuzz_clang || $seconds -eq 0 ]]; then
		"$fuzz_out/$name" "$seconds" "$seeds"/*
		return
	fi
	"$fuzz_out/$name" 0 "$seeds"/* &&
		"$fuzz_out/$name.clang" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 \
			-artifact_prefix="${FUZZ_FINDINGS:-$PWD/}" "$seeds"
}
