# owners.awk: things that exactly one unit may do, and things that none may
# usage: awk -f owners.awk src/*.[ch] image/*.[ch]

function complain(text) {
	print FILENAME ":" FNR ": " text
	bad = 1
}

function owned_by(owner, what) {
	if (unit != owner)
		complain(what " belongs into " owner " alone")
}

FNR == 1 {
	unit = FILENAME
	sub(/.*\//, "", unit)
}

# prose may name them
/^ \*|^\/\*|^[ \t]+\*/ { next }

/PG_VERSION_NUM/			{ owned_by("compat.h", "PG_VERSION_NUM") }
/SPI_connect/				{ owned_by("spi.c", "SPI_connect") }
/CacheRegister(Sys|Rel)cache/	{ owned_by("catalog.c", "listening to the server's caches") }
/#include [<"]xxh/			{ owned_by("hash.c", "xxHash") }
/#include [<"](lz4|zstd)/		{ owned_by("codec.c", "compression") }
/#include "postgres(_fe)?\.h"/ && unit ~ /\.h$/	{ complain("postgres.h comes first in the .c file, not in a header") }
/#include [<"]zlib/		{ owned_by("gzip.c", "zlib") }
/(^|[ \t;])\/\/ /			{ complain("comments are /* */") }
/(ereport|elog)\(/ && unit ~ /^(hash|codec|stream|gzip|filter|filter_rows|frame|utf8|json|arrow|arrow_fb|arrow_array|arrow_read|arrow_file|image_(decode|form|png|jpeg|webp|gif))\.[ch]$/	{ complain("the bytes floor reports by return value") }

END { exit bad }
