# typedefs.awk: the names of types in preprocessed C, one a line
# usage: cc -E ... | awk -f typedefs.awk

# A declaration may span lines; collect it up to the semicolon that ends it outside all braces.
/^#/ { next }

{
	line = $0
	if (!inside) {
		if (!match(line, /(^|[^A-Za-z0-9_])typedef[^A-Za-z0-9_]/))
			next
		line = substr(line, RSTART)
		inside = 1
		depth = 0
		text = ""
	}
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "{")
			depth++
		else if (c == "}")
			depth--
		else if (c == ";" && depth == 0) {
			declare(text)
			inside = 0
			break
		}
		else if (depth == 0)
			text = text c
	}
	text = text " "
}

function declare(text) {
	gsub(/__attribute__ *\(\([^()]*(\([^()]*\)[^()]*)*\)\)/, "", text)
	# a pointer to a function: typedef int (*name) (...)
	if (match(text, /\( *\*+ *[A-Za-z_][A-Za-z0-9_]* *\)/)) {
		text = substr(text, RSTART, RLENGTH)
		gsub(/[^A-Za-z0-9_]/, "", text)
		print text
		return
	}
	# a function type or an array: the name stands before the bracket
	sub(/ *[[(].*/, "", text)
	if (match(text, /[A-Za-z_][A-Za-z0-9_]* *$/)) {
		text = substr(text, RSTART, RLENGTH)
		gsub(/ /, "", text)
		print text
	}
}
