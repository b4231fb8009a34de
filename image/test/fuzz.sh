#!/bin/bash
# fuzz.sh [SECONDS]: damaged images, outside the server, with address and undefined-behaviour checks
#
# Each test image is cut at each byte and changed at each byte, then they are damaged at random for SECONDS (60 unless
# said): see ../../test/lib/fuzz.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=test/lib/fuzz.sh
. test/lib/fuzz.sh

seconds=${1:-60}
read -ra libraries <<<"$("${PKG_CONFIG:-pkg-config}" --cflags --libs libpng libjpeg libwebp libwebpdemux libgif zlib)"
fuzz_begin
mkdir "$fuzz_out/seeds"
python3 - "$fuzz_out/seeds" <<'SEEDS'
import sys
for line in open('image/test/images.tsv'):
	name, exact, sampled, digits = line.rstrip('\n').split('\t')
	open(sys.argv[1] + '/' + name.replace(' ', '_'), 'wb').write(bytes.fromhex(digits))
SEEDS
fuzz_build image -Iimage image/test/fuzz_image.c image/image_*.c src/hash.c "${libraries[@]}"
fuzz_run image image "$seconds" "$fuzz_out/seeds"
