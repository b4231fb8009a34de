#!/bin/bash
# indent.sh check|write: the layout of PostgreSQL's own C code
#
# pg_bsd_indent with pgindent's switches, and pgindent's one correction. It lays out a declaration well only when
# it knows the type, and spoils a variable that has the name of a type; so it is told, for each file, the types
# which that file uses. Other versions of the program lay out a few constructs differently: only this one is believed.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=2.1.1
switches="-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l79 -lp -lpl -nip -npro -sac -tpg -ts4"

libpq=$("${PG_CONFIG:-pg_config}" --includedir)

# All names of types that the compiler sees.
# shellcheck disable=SC2086 # lists of words
typedefs() {
	local file
	for file in "${sources[@]}"; do
		case $file in
			*.h) ;;
			test/* | image/test/*) ${CC:-cc} ${CPPFLAGS:-} -DFRONTEND -Isrc -Iimage -Itest/unit -Itest/lib "-I$libpq" -E "$file" ;;
			image/*) ${CC:-cc} ${CPPFLAGS:-} -Isrc -Iimage "${image_flags[@]}" -E "$file" ;;
			*) ${CC:-cc} ${CPPFLAGS:-} -Isrc -E "$file" ;;
		esac | awk -f test/lint/typedefs.awk
	done | LC_ALL=C sort -u
}

# Words of a file that stand where types do: before a name, in a cast, above the name of a function.
candidates() {
	${CC:-cc} -fpreprocessed -dD -E -P "$1" 2>/dev/null | sed 's/"[^"]*"/""/g' |
		{ grep -oP '\b[A-Za-z_]\w*\b(?=\s+\**\s*[A-Za-z_(]|\s*\*+\)|\)\s*[A-Za-z0-9_(&~]|\s*\**$)' || true; } | LC_ALL=C sort -u
}

# pgindent's correction: a single space before the star of a function's type
layout() {
	candidates "$1" | LC_ALL=C comm -12 - "$all" >"$used"
	# shellcheck disable=SC2086
	pg_bsd_indent $switches -U"$used" <"$1" | sed -E 's/^([A-Za-z_][^ \t]*)[ \t]+\*$/\1 */'
}

mapfile -t sources < <(ls src/*.[ch] test/unit/*.[ch] test/lib/*.[ch] test/fuzz/*.c 2>/dev/null)
# the optional extension, where its libraries are
if make -s -C image libraries >/dev/null 2>&1; then
	sources+=(image/*.[ch] image/test/*.c)
	read -ra image_flags < <(pkg-config --cflags libpng libjpeg libwebp libgif)
fi
if ! pg_bsd_indent --version 2>/dev/null | grep -q " $version "; then
	echo "skipped: needs pg_bsd_indent $version (Debian: pg-bsd-indent)"
	[[ $1 == check ]]
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all=$work/all
used=$work/used
new=$work/new
typedefs >"$all"
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
