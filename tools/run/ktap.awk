# SPDX-License-Identifier: GPL-2.0
#
# Read one KTAP document and count. Every test point that has no document nested
# below it counts as one. Beyond "not ok", these are failures of their own: a
# plan that is missing or not kept, a nested document whose own result never
# came, "Bail out!", a test file that reports no test points (-v nested=1), a
# parent that failed although nothing below it did.
#
# The kernel's own kunit.py parse cannot take its place: for it a document without a
# plan, points beyond the plan, and a test file without points have passed, and an
# expected failure has failed.
#
# Prints "passed N", "failed N", "skipped N", and "failure TEXT" for each.

function failure(text) {
	failed++
	print "failure " text
}

function begin(depth) {
	opened[depth] = 1
	plan[depth] = -1
	seen[depth] = 0
	failed_before[depth] = failed
}

# End the document at this depth and those below it.
function end(depth, what,    d) {
	for (d = deepest; d >= depth; d--) {
		if (!(d in opened))
			continue
		if (plan[d] < 0)
			failure(what ": no plan (1..N)")
		else if (seen[d] != plan[d])
			failure(what ": " seen[d] " of " plan[d] " planned tests reported")
		delete opened[d]
	}
	deepest = depth - 1
}

{
	sub(/\r$/, "")
	match($0, /^ */)
	depth = int(RLENGTH / 4)
	text = substr($0, RLENGTH + 1)
}

text ~ /^(KTAP|TAP) version/ {
	if (depth in opened && seen[depth] == 0 && plan[depth] < 0)
		next
	end(depth, "before line " NR)
	begin(depth)
	deepest = depth
	next
}

text ~ /^1\.\.[0-9]+/ {
	if (!(depth in opened)) {
		begin(depth)
		deepest = depth
	}
	plan[depth] = substr(text, 4) + 0
	next
}

text ~ /^(not )?ok([ \t]|$)/ {
	if (!(depth in opened)) {
		begin(depth)
		deepest = depth
	}
	ok = text ~ /^ok/
	skip = text ~ /# *[Ss][Kk][Ii][Pp]/
	expected = text ~ /# *(XFAIL|TODO)/
	name = text
	sub(/^(not )?ok[ \t]*[0-9]*[ \t]*(- )?/, "", name)
	nest = depth + 1
	parent = (nest in opened) && (seen[nest] > 0 || plan[nest] != 0)
	missing = nested && depth == 0 && !(nest in opened) && !skip
	before = (nest in opened) ? failed_before[nest] : failed
	if (nest in opened)
		end(nest, name)
	seen[depth]++
	if (parent) {
		if (!ok && !expected && failed == before)
			failure(name)
	} else if (skip)
		skipped++
	else if (!ok && !expected)
		failure(name)
	else if (missing)
		failure(name ": no test points reported")
	else
		passed++
	next
}

text ~ /^Bail out!/ {
	failure(text)
}

END {
	for (d = deepest; d > 0; d--)
		if (d in opened)
			failure("the output ends inside a test")
	if (!(0 in opened))
		failure("no test results")
	end(0, "the whole run")
	print "passed " passed + 0
	print "failed " failed + 0
	print "skipped " skipped + 0
}
