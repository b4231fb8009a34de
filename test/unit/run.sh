#!/bin/bash
# run.sh [NAME...]: the unit tests of the bytes floor, with sanitizers; called by "make unit"
# A NAME is that of a test without "_test.c"; without names all run.
set -euo pipefail
cd "$(dirname "$0")/../.."

floor=(hash codec frame json arrow_fb arrow)
pg_config=${PG_CONFIG:-pg_config}
lib=$("$pg_config" --pkglibdir)
flags=(
	-g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror
	-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing
	-U_FORTIFY_SOURCE -DFRONTEND -DUSE_ASSERT_CHECKING=1 -Isrc -Itest/unit
	-I"$("$pg_config" --includedir-server)"
)
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

for unit in "${floor[@]}"; do
	[[ ! -e src/$unit.c ]] || compile -c -o "$out/$unit.o" "src/$unit.c"
done
status=0
for test in test/unit/*_test.c; do
	name=$(basename "$test" _test.c)
	[[ $# -eq 0 || " $* " == *" $name "* ]] || continue
	compile -o "$out/$name" "$test" "$out"/*.o -L"$lib" -lpgcommon -lpgport -lxxhash -llz4 -lm
	result=0
	"$out/$name" >"$out/log" 2>&1 || result=$?
	[[ $result -eq 0 ]] || status=1
	grep -q ' passed, ' "$out/log" || total "$result" >>"$out/log"
	sed "s/^/$name: /" "$out/log"
done
exit $status
