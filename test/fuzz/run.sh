#!/bin/bash
# run.sh [SECONDS [NAME...]]: the bytes floor under bytes that an enemy chose; called by "make check-fuzz"
#
# SECONDS in total, 60 unless said. A NAME is that of a target without "_fuzz.c"; without names all run: see
# ../lib/fuzz.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck source=test/lib/fuzz.sh
. test/lib/fuzz.sh

seconds=${1:-60}
shift || true
names=("$@")
[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(cd test/fuzz && ls -- *_fuzz.c | sed 's/_fuzz\.c$//')

# A target for codecs runs once for each: "TITLE NAME CODEC".
list_runs() {
	local name codec

	for name in "${names[@]}"; do
		if [[ $name == codec ]]; then
			for codec in $("$fuzz_out/codec" --names); do
				echo "codec_$codec codec $codec"
			done
		else
			echo "$name $name"
		fi
	done
}

fuzz_begin
libraries=(-llz4)
if "${CC:-gcc}" -E -include zstd.h -x c /dev/null >/dev/null 2>&1; then
	libraries+=(-DSTASH_HAVE_ZSTD -lzstd)
fi
python3 -B test/fuzz/seeds.py "$fuzz_out/seeds"
for name in "${names[@]}"; do
	# which frees what one input took
	own=()
	[[ $name != arrow ]] || own=(-Dpalloc=fuzz_palloc -Dpalloc0=fuzz_palloc0)
	fuzz_build "$name" "${own[@]}" -Itest/unit "test/fuzz/${name}_fuzz.c" src/hash.c src/codec.c src/filter.c src/filter_rows.c src/frame.c \
		src/arrow_fb.c src/arrow_array.c src/arrow_read.c "${libraries[@]}"
done
mapfile -t runs < <(list_runs)
status=0
for run in "${runs[@]}"; do
	read -r title name codec <<<"$run"
	# what one run finds is no seed of the next
	cp -r "$fuzz_out/seeds/$name" "$fuzz_out/seeds/$title.run"
	FUZZ_CODEC=$codec fuzz_run "$title" "$name" $((seconds / ${#runs[@]})) "$fuzz_out/seeds/$title.run" || status=1
done
exit $status
