#!/bin/bash
# list.sh: every trap of README.md has a test that names it, or stands in "open"; prints what is open
set -euo pipefail
cd "$(dirname "$0")/../.."

lines=$(sed -n 's/^- \([0-9]*\): .*/\1/p' test/traps/README.md)
marks=$(grep -rhoE '^\s*(--|#|//|\*) trap [0-9]+(, [0-9]+)*:' sql test/isolation/specs test/tap test/pgtap test/unit test/traps |
	grep -oE '[0-9]+' | sort -un) || true

status=0
complain() { echo "$*"; status=1; }
has() { grep -qx "$2" <<<"$1"; }
open() { sed -n "s/^$1 //p" test/traps/open; }

[[ -z $(uniq -d <<<"$(sort -n <<<"$lines")") ]] || complain "README.md: a number is given twice"
for trap in $lines; do
	case $(open "$trap") in
		'') has "$marks" "$trap" || complain "trap $trap: no test says \"trap $trap: ...\"" ;;
		'part: '*) has "$marks" "$trap" || complain "trap $trap: open in part, but no test says \"trap $trap: ...\"" ;;
		*) ! has "$marks" "$trap" || complain "trap $trap: open, but has a test" ;;
	esac
done
for trap in $marks $(sed -n 's/^\([0-9]*\) .*/\1/p' test/traps/open); do
	has "$lines" "$trap" || complain "trap $trap: not in README.md"
done
sed 's/^/open: trap /' test/traps/open
exit $status
