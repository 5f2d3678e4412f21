#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare the results of tests that have run several times: compare.py BEFORE AFTER.

The files have a line "POINT, RESULT" for each run of a test point. Prints how often each point
had which result, and fails if a point has other results than before, or none.
"""

import collections
import math
import sys

# A test point that chance decides is wrongly reported once in a thousand comparisons. Of ten
# rounds, a point that has always passed has to fail in eight to be reported.
UNLIKELY = 0.001


def read(name):
    """The results of each test point, with their numbers."""
    points = collections.defaultdict(collections.Counter)
    with open(name, encoding="utf-8") as file:
        for line in file:
            point, result = line.rstrip("\n").rsplit(", ", 1)
            points[point][result] += 1
    return points


def chance(hits, runs, other_hits, other_runs):
    """Fisher's exact test: how likely the hits divide so unevenly, or more."""
    both, total = hits + other_hits, runs + other_runs

    def of(number):
        return math.comb(runs, number) * math.comb(other_runs, both - number) / math.comb(total, both)

    found = of(hits)
    possible = range(max(0, both - other_runs), min(runs, both) + 1)
    return sum(of(number) for number in possible if of(number) <= found * (1 + 1e-9))


def text(results):
    return ", ".join(f"{results[name]} {name}" for name in sorted(results)) or "has not run"


def differs(before, after):
    """Whether one of the results is more or less frequent than before."""
    runs = before.total(), after.total()
    return runs[0] != runs[1] or any(
        chance(before[name], runs[0], after[name], runs[1]) < UNLIKELY for name in before | after
    )


def main():
    before, after = read(sys.argv[1]), read(sys.argv[2])
    bad = not before
    for point in sorted(before | after):
        line = f"{point}: {text(after[point])}"
        if before[point] != after[point]:
            line += f"; before: {text(before[point])}"
        if differs(before[point], after[point]):
            bad = True
            line += " (differs)"
        print(line)
    return bad


if __name__ == "__main__":
    sys.exit(main())
