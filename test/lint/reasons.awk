# Each reason of memo.h has a name and a text in memo_reason.c, and a line with both in doc/operations.md.
# usage: awk -f reasons.awk src/memo.h src/memo_reason.c doc/operations.md
FILENAME ~ /memo\.h$/ && /^} StashMemoReason;/ { counting = 0 }
FILENAME ~ /memo\.h$/ && /^typedef enum StashMemoReason/ { counting = 1 }
counting && match($0, /STASH_MEMO_[A-Z_]+/) { reasons[substr($0, RSTART, RLENGTH)] = 1; n++ }
/^\t\[STASH_MEMO_[A-Z_]+\] = \{"/ { split($0, part, /[][]|"/); reason = part[2]; name[reason] = part[4]; next }
reason != "" { text[reason] = $0; gsub(/^\t*"|"\},?$/, "", text[reason]); reason = "" }
FILENAME ~ /\.md$/ { line[$0] = 1 }
END {
	for (r in reasons) {
		if (r == "STASH_MEMO_FINE")
			continue
		wanted = "| `" name[r] "` | " text[r] " |"
		if (name[r] == "" || text[r] == "") {
			print "memo_reason.c: no name or no text for " r
			bad = 1
		} else if (!(wanted in line)) {
			print "doc/operations.md lacks: " wanted
			bad = 1
		}
	}
	if (n < 30) {
		print "memo.h: no reasons found"
		bad = 1
	}
	exit bad
}
