#!/bin/bash
# indent.sh check|write: the layout of PostgreSQL's own C code
#
# pg_bsd_indent with pgindent's switches. It cannot lay out a declaration of a type that it does not know, so
# typedefs.list names the types that our sources use. It is made from what the compiler sees, by "write".
# Other versions of the program lay out a few constructs differently, so only this one is believed.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=2.1.1
list=test/lint/typedefs.list
switches="-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l79 -lp -lpl -nip -npro -sac -tpg -ts4"

words() { grep -ohE '[A-Za-z_][A-Za-z0-9_]*' "$@" | LC_ALL=C sort -u; }

# shellcheck disable=SC2086 # lists of words
typedefs() {
	local file
	for file in "${sources[@]}"; do
		case $file in
			*.h) ;;
			test/*) ${CC:-cc} ${CPPFLAGS:-} -DFRONTEND -Isrc -Itest/unit -E "$file" ;;
			*) ${CC:-cc} ${CPPFLAGS:-} -Isrc -E "$file" ;;
		esac | awk -f test/lint/typedefs.awk
	done | LC_ALL=C sort -u | LC_ALL=C comm -12 - <(words "${sources[@]}")
}

layout() {
	# shellcheck disable=SC2086
	pg_bsd_indent $switches -U"$list" <"$1"
}

mapfile -t sources < <(ls src/*.[ch] test/unit/*.[ch] 2>/dev/null)
if ! pg_bsd_indent --version 2>/dev/null | grep -q " $version "; then
	echo "skipped: needs pg_bsd_indent $version (Debian: pg-bsd-indent)"
	[[ $1 == check ]]
	exit
fi

new=$(mktemp)
trap 'rm -f "$new"' EXIT
typedefs >"$new"
if [[ $1 == write ]]; then
	cmp -s "$new" $list || cp "$new" $list
elif ! diff -u --label "$list" --label "what the sources use" $list "$new"; then
	echo 'run "make indent"'
	exit 1
fi
status=0
for file in "${sources[@]}"; do
	layout "$file" >"$new"
	if [[ $1 == write ]]; then
		cmp -s "$new" "$file" || cp "$new" "$file"
	else
		diff -u --label "$file" --label "$file as it should be" "$file" "$new" || status=1
	fi
done
[[ $status -eq 0 ]] || echo 'run "make indent"'
exit $status
