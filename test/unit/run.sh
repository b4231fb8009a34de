#!/bin/bash
# run.sh [NAME...]: the unit tests of the bytes floor, with sanitizers; called by "make unit"
# A NAME is that of a test without "_test.c"; without names all run.
set -euo pipefail
cd "$(dirname "$0")/../.."

floor=(hash codec gzip filter filter_rows frame utf8 json json_read arrow_fb arrow arrow_array arrow_read arrow_file)
pg_config=${PG_CONFIG:-pg_config}
lib=$("$pg_config" --pkglibdir)
flags=(
	-g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror
	-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing
	-U_FORTIFY_SOURCE -DFRONTEND -DUSE_ASSERT_CHECKING=1 -Isrc -Itest/unit
	-I"$("$pg_config" --includedir-server)"
)
libraries=(-lpgcommon -lpgport -lxxhash -llz4 -lm)
if "${CC:-gcc}" -E -include zstd.h -x c /dev/null >/dev/null 2>&1; then
	flags+=(-DSTASH_HAVE_ZSTD)
	libraries+=(-lzstd)
fi
if "${CC:-gcc}" -E -include zlib.h -x c /dev/null >/dev/null 2>&1; then
	flags+=(-DSTASH_HAVE_ZLIB)
	libraries+=(-lz)
fi
# memory contexts free what a unit allocates, so leaks are no news
export ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
compile() { ${CC:-gcc} "${flags[@]}" "$@"; }

# The totals of a test that printed TAP, or that a sanitizer ended before it could print any.
total() {
	local good bad

	good=$(grep -c '^ok ' "$out/log" || true)
	bad=$(grep -c '^not ok ' "$out/log" || true)
	[[ $bad -gt 0 || ($1 -eq 0 && $good -gt 0) ]] || bad=1
	echo "$good passed, $bad failed"
}

# One object for each kernel of XXH3 that this compiler can make: kernel NAME NUMBER FLAG...
kernel() { compile -c -o "$out/kernels/$1.o" -DNAME="kernel_$1" -DKERNEL="$2" "${@:3}" test/unit/kernel.c; }

# run TITLE NAME OBJECT...: link a test with these objects and run it
run() {
	local title=$1 name=$2 result=0

	compile -o "$out/$name" "test/unit/${name}_test.c" "${@:3}" -L"$lib" "${libraries[@]}"
	"$out/$name" >"$out/log" 2>&1 || result=$?
	[[ $result -eq 0 ]] || status=1
	grep -q ' passed, ' "$out/log" || total "$result" >>"$out/log"
	sed "s/^/$title: /" "$out/log"
}

is_wanted() { [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $1 "* ]]; }

wanted=("$@")
mkdir "$out/kernels" "$out/plain"
for unit in "${floor[@]}"; do
	[[ ! -e src/$unit.c ]] || compile -c -o "$out/$unit.o" "src/$unit.c"
done
status=0
for test in test/unit/*_test.c; do
	name=$(basename "$test" _test.c)
	is_wanted "$name" || continue
	objects=("$out"/*.o)
	if [[ $name == hash_kernels ]]; then
		kernel scalar 0
		case $(uname -m) in
			x86_64) kernel sse2 1; kernel avx2 2 -mavx2; kernel avx512 3 -mavx512f ;;
			aarch64) kernel neon 4 ;;
		esac
		objects+=("$out"/kernels/*.o)
	fi
	run "$name" "$name" "${objects[@]}"
done
# where xxHash has no dispatch
for name in hash hash_kernels; do
	is_wanted "$name" || continue
	compile -c -o "$out/plain/hash.o" -DSTASH_NO_DISPATCH src/hash.c
	objects=("$out/plain/hash.o")
	[[ $name == hash ]] || objects+=("$out"/kernels/*.o)
	run "$name without dispatch" "$name" "${objects[@]}"
done
# as it is built, in vectors
for flag in -USTASH_NO_DISPATCH -DSTASH_NO_DISPATCH; do
	is_wanted utf8 || continue
	compile -c -o "$out/plain/utf8.o" -O3 -fno-sanitize=all "$flag" src/utf8.c
	run "utf8 in vectors, $flag" utf8 "$out/plain/utf8.o"
done
exit $status
