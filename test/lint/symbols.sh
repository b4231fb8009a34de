#!/bin/bash
# symbols.sh: every name that the library exports is one of ours or one that the server asks for
# A helper called like a function of the server would silently be bound to the server's.
set -euo pipefail

nm -D --defined-only "$LIBRARY" | awk '
	$2 ~ /^[A-Z]$/ && $3 !~ /^(stash_|pg_hashstash_|pg_finfo_pg_hashstash_|_PG_init$|_PG_fini$|Pg_magic_func$)/ {
		print "exported without our prefix: " $3
		bad = 1
	}
	{ seen++ }
	END {
		if (!seen)
			print "no symbols found"
		exit bad || !seen
	}'
