#!/bin/bash
# headers.sh: each header of src and image compiles alone after postgres.h, and is guarded by its own name
set -euo pipefail
cd "$(dirname "$0")/../.."

status=0
for header in src/*.h image/*.h; do
	unit=$(basename "$header" .h)
	guard=STASH_${unit^^}_H
	grep -q "^#ifndef $guard\$" "$header" || {
		echo "$header: the guard should be $guard"
		status=1
	}
	# shellcheck disable=SC2086 # both are lists of words
	printf '#include "postgres.h"\n#include "%s.h"\n' "$unit" |
		${CC:-cc} ${CPPFLAGS:-} -Isrc -Iimage -fsyntax-only -Wall -Werror -x c - || status=1
done
exit $status
