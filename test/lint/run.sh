#!/bin/bash
# run.sh: all checks of the source; called by "make lint", which tells it about the build
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit

status=0
check() {
	local name=$1 output result=ok
	shift
	output=$("$@" 2>&1) || { result="not ok"; status=1; }
	[[ $output != skipped:* ]] || name+=" # skip"
	printf '%s %s\n' "$result" "$name"
	[[ -z $output ]] || printf '%s\n' "$output"
}

check floors awk -v units="$UNITS" -v siblings="memo export import assemble" -f "$here/floors.awk" src/*.[ch]
check headers bash "$here/headers.sh"
check symbols bash "$here/symbols.sh"
check sizes awk -f "$here/sizes.awk" src/*.[ch] image/*.[ch]
check owners awk -f "$here/owners.awk" src/*.[ch] image/*.[ch]
check reasons awk -f "$here/reasons.awk" src/memo.h src/memo_reason.c doc/operations.md
check tests bash "$here/tests.sh"
check traps bash "$here/../traps/list.sh"
check commands bash "$here/../traps/commands.sh"
check indent bash "$here/indent.sh" check
exit $status
