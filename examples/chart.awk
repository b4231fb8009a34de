# chart.awk: a bar chart of times on a log scale, as text or as SVG.
#
# Reads lines of label TAB milliseconds.
# usage: awk -F '\t' -v title='...' [-v svg=1] -f chart.awk times.tsv

function log10(x) { return log(x) / log(10) }
function floor(x,   i) { i = int(x); return i > x ? i - 1 : i }
# milliseconds with three significant figures
function ms(x) {
	if (x >= 100) return sprintf("%.0f ms", x)
	if (x >= 10) return sprintf("%.1f ms", x)
	if (x >= 1) return sprintf("%.2f ms", x)
	return sprintf("%.3f ms", x)
}
# how many times shorter than the first bar
function ratio(i) { return i > 1 ? sprintf(", %.0f times faster", value[1] / value[i]) : "" }
function xml(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); return s }
function repeat(c, n,   s) { s = ""; while (n-- > 0) s = s c; return s }

NF == 2 && $2 > 0 {
	label[++n] = $1
	value[n] = $2 + 0
	if (n == 1 || value[n] < min) min = value[n]
	if (n == 1 || value[n] > max) max = value[n]
	if (length($1) > widest) widest = length($1)
}

END {
	if (n == 0) {
		print "chart.awk: nothing to draw" > "/dev/stderr"
		exit 1
	}
	# whole decades; the axis begins below the shortest bar, so that every bar shows
	from = floor(log10(min))
	if (log10(min) - from < 0.1) from--
	to = floor(log10(max)) + 1
	if (svg) draw_svg(); else draw_text()
}

function draw_text(   i, step, d, axis, names) {
	step = int(44 / (to - from))
	print title " (log scale)"
	for (i = 1; i <= n; i++)
		printf "  %-" widest "s |%-" step * (to - from) "s %8s%s\n", label[i],
			repeat("#", int((log10(value[i]) - from) * step + 0.5)), ms(value[i]), ratio(i)
	axis = names = ""
	for (d = from; d <= to; d++) {
		axis = axis "+" (d < to ? repeat("-", step - 1) : "")
		names = names sprintf("%-" step "s", 10 ^ d)
	}
	printf "  %" widest "s %s\n  %" widest "s %sms\n", "", axis, "", names
}

function draw_svg(   i, d, x, y, left, wide, bar, foot) {
	left = 30 + 7.4 * widest
	wide = 480
	bar = 30
	foot = 60 + n * (bar + 14)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"",
		left + wide + 240, foot + 56, left + wide + 240, foot + 56
	print " font-family=\"sans-serif\" font-size=\"14\">"
	print "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
	printf "<text x=\"20\" y=\"30\" font-size=\"17\" font-weight=\"bold\" fill=\"#1b2733\">%s</text>\n", xml(title)
	for (d = from; d <= to; d++) {
		x = left + wide * (d - from) / (to - from)
		printf "<line x1=\"%.1f\" y1=\"48\" x2=\"%.1f\" y2=\"%d\" stroke=\"#d5dbe1\"/>\n", x, x, foot
		printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#44515e\">%s</text>\n", x, foot + 20, 10 ^ d
	}
	printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#44515e\">milliseconds a call, log scale</text>\n",
		left + wide / 2, foot + 42
	for (i = 1; i <= n; i++) {
		x = wide * (log10(value[i]) - from) / (to - from)
		y = 56 + (i - 1) * (bar + 14)
		printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" fill=\"#1b2733\">%s</text>\n",
			left - 10, y + bar / 2 + 5, xml(label[i])
		printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
			left, y, x, bar, i == 1 ? "#c4552d" : "#1f6f8b"
		printf "<text x=\"%.1f\" y=\"%.1f\" fill=\"#1b2733\">%s%s</text>\n",
			left + x + 8, y + bar / 2 + 5, ms(value[i]), xml(ratio(i))
	}
	print "</svg>"
}
