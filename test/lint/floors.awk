# floors.awk: a unit may include only headers of its own or a lower floor; siblings are strangers
# usage: awk -v units="$UNITS" -v siblings="memo export assemble" -f floors.awk src/*.[ch]

function area(unit) {
	sub(/_.*/, "", unit)
	return unit
}

BEGIN {
	n = split(units, list, " ")
	for (i = 1; i <= n; i++)
		rank[list[i]] = i
	n = split(siblings, list, " ")
	for (i = 1; i <= n; i++)
		is_sibling[list[i]] = 1
}

FNR == 1 {
	me = FILENAME
	sub(/.*\//, "", me)
	sub(/\.[ch]$/, "", me)
	if (!(me in rank)) {
		print FILENAME ": not in UNITS of the Makefile, so it is not built"
		bad = 1
	}
}

/^#include "[a-z_0-9]+\.h"/ {
	other = $2
	gsub(/"|\.h/, "", other)
	if (!(other in rank))
		next
	if (rank[other] > rank[me]) {
		print FILENAME ":" FNR ": " me " may not use " other ", which stands above it in UNITS"
		bad = 1
	}
	else if (area(other) in is_sibling && area(me) in is_sibling && area(other) != area(me)) {
		print FILENAME ":" FNR ": " me " may not use " other ": neighbours on one floor"
		bad = 1
	}
}

END { exit bad }
