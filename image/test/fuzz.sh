#!/bin/bash
# fuzz.sh [SECONDS]: damaged images, outside the server, with address and undefined-behaviour checks
#
# Each test image is cut at each byte and changed at each byte; then libFuzzer, where clang has it, or a simple loop
# damages them at random for SECONDS (60 unless said; 0: not at all). A finding ends the run with a report.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
read -ra libraries <<<"$("${PKG_CONFIG:-pkg-config}" --cflags --libs libpng libjpeg libwebp libwebpdemux libgif zlib)"
server=(-L"$("${PG_CONFIG:-pg_config}" --pkglibdir)" -lpgcommon -lpgport)
sources=(test/fuzz_image.c image_*.c ../src/hash.c)
flags=(
	-g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
	-Wno-ignored-attributes -Werror
	-fno-omit-frame-pointer -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing -U_FORTIFY_SOURCE
	-DFRONTEND -DUSE_ASSERT_CHECKING=1 -I. -I../src -I"$("${PG_CONFIG:-pg_config}" --includedir-server)"
)

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/seeds"
python3 - "$out/seeds" <<'END'
import sys
for line in open('test/images.tsv'):
	name, exact, sampled, digits = line.rstrip('\n').split('\t')
	open(sys.argv[1] + '/' + name.replace(' ', '_'), 'wb').write(bytes.fromhex(digits))
END

"${CC:-gcc}" "${flags[@]}" -fsanitize=address,undefined -o "$out/fuzz" "${sources[@]}" "${libraries[@]}" "${server[@]}" -lxxhash
if [[ $seconds -gt 0 ]] && echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang -fsanitize=fuzzer -x c -o "$out/probe" - 2>/dev/null; then
	"$out/fuzz" 0 "$out"/seeds/*
	clang "${flags[@]}" -DWITH_LIBFUZZER -fsanitize=fuzzer,address,undefined -o "$out/libfuzzer" \
		"${sources[@]}" "${libraries[@]}" "${server[@]}" -lxxhash
	"$out/libfuzzer" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="${FUZZ_FINDINGS:-$PWD/}" "$out/seeds" 2>&1 | tail -n 40
else
	"$out/fuzz" "$seconds" "$out"/seeds/*
fi
