# sizes.awk: what no longer fits a head
# usage: awk -f sizes.awk src/*.[ch] image/*.[ch]
# Fails above 900 lines a file and 120 a function; from 80 lines a function is mentioned.

function finish_file() {
	if (lines > 900) {
		print file ": " lines " lines, at most 900"
		bad = 1
	}
}

FNR == 1 {
	if (file != "")
		finish_file()
	file = FILENAME
	start = 0
	name = ""
}

{ lines = FNR }

# In pgindent's layout only a function has its braces alone at the margin, below a line that ends its arguments.
/^[a-z_][A-Za-z_0-9]*\(/ { name = $0; sub(/\(.*/, "", name) }
/^\{/ { start = FNR }
/^\}/ && start && name != "" {
	size = FNR - start + 1
	if (size > 80)
		print file ":" start ": " name "() has " size " lines, at most " (size > 120 ? 120 : "80 if it can be")
	if (size > 120)
		bad = 1
	start = 0
	name = ""
}

END {
	finish_file()
	exit bad
}
