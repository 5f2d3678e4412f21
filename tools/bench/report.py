#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""From what bench.c measured to a table, JSON and a chart.

The table goes to stdout, and with the others into FOLDER: table.md, results.json,
chart.png, chart.svg. PAGE.rst gets the table between its comments "measured" and
"end of what was measured", and the chart as PAGE.svg beside it; that takes all parts of
the benchmark: count, time and native. Without --page, any part has a table. Fails if a
measurement is missing or cannot be read; a target that is missed is told, and no failure.
"""

import argparse
import json
import os
import statistics
import sys

SYSTEMS = ("none", "rcfs", "v1", "v2", "v2-favordynmods")
ALL = "cpuacct,pids,cpu"
TWO = "cpuacct,pids"
WITH_FREEZER = "cpuacct,pids,cpu,freezer"
MEMORY_ALONE = "memory"
WITH_MEMORY = "cpuacct,pids,memory"
LIMITED = "pids,cpu,memory"
PARTS = ("count", "time", "native")
AGREE = 3  # percent: what repeats may differ by


class Trouble(Exception):
    """Something that the person in front has to know, instead of a table."""


# ---- reading

def read_measurements(names):
    """{(operation, system, controllers): (unit, [value of each batch])}, {part}"""
    found, parts = {}, set()
    for name in names:
        try:
            with open(name, encoding="utf-8", errors="replace") as lines:
                parts.update(read_file(name, lines, found))
        except OSError as error:
            raise Trouble(f"{name}: {error.strerror}") from error
    return found, parts


def read_file(name, lines, found):
    """Adds to what was found, and returns the parts of the benchmark that are complete"""
    complete = None
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        if complete:
            raise Trouble(f"{where}: there is more after 'complete'")
        words = line.split()
        if words and words[0] == "complete":
            complete = words[1:]
            if not complete or not set(complete) <= set(PARTS):
                raise Trouble(f"{where}: there is no part '{' '.join(complete)}'; "
                              f"known: {', '.join(PARTS)}")
            continue
        if len(words) < 5:
            raise Trouble(f"{where}: a measurement is OPERATION SYSTEM CONTROLLERS UNIT VALUE..., "
                          f"not '{line.strip()}'")
        operation, system, controllers, unit, *texts = words
        if system not in SYSTEMS:
            raise Trouble(f"{where}: there is no system '{system}'; known: {', '.join(SYSTEMS)}")
        values = []
        for text in texts:
            try:
                values.append(float(text))
            except ValueError:
                raise Trouble(f"{where}: '{text}' is no number") from None
        if not all(-1e15 < value < 1e15 for value in values):
            raise Trouble(f"{where}: a value is beyond all measure")
        key = operation, system, controllers
        if key in found:
            raise Trouble(f"{where}: {' '.join(key)} has been measured before")
        found[key] = unit, values
    if not complete:
        raise Trouble(f"{name}: it ends before 'complete': the measurement was cut off")
    return complete


class Results:
    """What was measured, by name, and with an error that says what is missing."""

    def __init__(self, found, parts):
        self.found, self.parts = found, parts

    def has(self, operation, system, controllers):
        return (operation, system, controllers) in self.found

    def values(self, operation, system, controllers):
        try:
            return self.found[operation, system, controllers][1]
        except KeyError:
            raise Trouble(f"a measurement is missing: {operation} of {system} "
                          f"with {controllers}") from None

    def median(self, operation, system, controllers="-"):
        return statistics.median(self.values(operation, system, controllers))

    def spread(self, operation, system, controllers):
        return apart(self.values(operation, system, controllers))


def apart(values):
    """What the batches differ by, in percent of their median; None of a single one"""
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return None
    return 100 * (max(values) - min(values)) / abs(middle)


def upper_quartile(values):
    return statistics.quantiles(values, n=4, method="inclusive")[2]


def best_twentieth(values):
    return statistics.quantiles(values, n=20, method="inclusive")[18]


# ---- what is in the table

class Row:
    """One operation: what the systems need for it, and what was wanted of rcfs."""

    def __init__(self, label, unit, rcfs, v1=None, v2=None, floor=None, dynamic=None,
                 spread=None, targets=(), better=min):
        self.label, self.unit, self.rcfs, self.v1, self.v2 = label, unit, rcfs, v1, v2
        self.floor, self.dynamic, self.spread = floor, dynamic, spread
        peers = [peer for peer in (v1, v2) if peer is not None]
        self.ratio = rcfs / better(peers) if peers and better(peers) > 0 else None
        # Each: what was wanted, and whether it came
        self.targets = list(targets)

    def at_most(self, limit):
        self.targets.append((f"≤ {limit:,}", self.rcfs <= limit))
        return self

    def at_least(self, limit):
        self.targets.append((f"≥ {limit}", self.rcfs >= limit))
        return self

    def of_better_peer(self, limit):
        self.targets.append((f"≤ {limit} of the better peer",
                             self.ratio is not None and self.ratio <= limit))
        return self


def simple(results, label, operation, controllers, floor=None):
    """A row where all systems do the same operation"""
    values = {system: results.median(operation, system, controllers)
              for system in ("rcfs", "v1", "v2")}
    spread = max((results.spread(operation, system, controllers) or 0 for system in values),
                 default=0) or None
    row = Row(label, "instructions", floor=floor, spread=spread, **values)
    if results.has(operation, "v2-favordynmods", controllers):
        row.dynamic = results.median(operation, "v2-favordynmods", controllers)
    return row


def without_groups(results, operation):
    return statistics.median(results.values(operation, "none", "-")
                             + results.values(operation, "none", "again"))


def fork_rows(results):
    """What is added to a fork is told from vforks, which chance has less to do with."""
    # Without controllers that account, what lists cost; with them, more than the better peer
    cases = (("debug", "no controller that accounts", 60), ("cpuacct", "cpuacct", 60),
             (TWO, TWO, 100), (ALL, ALL, 0))
    for way in ("fork", "vfork"):
        nothing = without_groups(results, f"{way}.root")
        for controllers, name, limit in cases:
            for where, place in (("root", "in the root"), ("group", "in a container")):
                row = simple(results, f"{way}+exit+wait {place}, {name}", f"{way}.{where}",
                             controllers, nothing)
                peer = min(row.v1, row.v2)
                if way == "vfork" and where == "group" and controllers == "debug":
                    row.targets.append((f"adds ≤ {limit}", row.rcfs - nothing <= limit))
                elif way == "vfork" and where == "group":
                    row.targets.append((f"≤ the better peer{f' + {limit}' if limit else ''}",
                                        row.rcfs <= peer + limit))
                yield row


def switch_rows(results):
    nothing = results.median("switch.root", "none")
    root = simple(results, "context switch in the root, cpuacct", "switch.root", "cpuacct", nothing)
    group = simple(results, "context switch in a container, cpuacct", "switch.group", "cpuacct",
                   nothing)
    yield root
    group.targets.append(("≤ the better peer + 20", group.rcfs <= min(group.v1, group.v2) + 20))
    yield group


def attach_rows(results):
    floor = results.median("attach", "none")
    for controllers, limits in ((TWO, (1700, 1850)), (ALL, (3500, 3500))):
        for operation, name, limit in (("attach.self", "attach self", limits[0]),
                                       ("attach.other", "attach another", limits[1])):
            row = simple(results, f"{name}, {controllers}", operation, controllers, floor)
            row.at_most(limit)
            if controllers == TWO:
                row.of_better_peer(0.4)
            yield row
    for controllers in (TWO, ALL):
        yield simple(results, f"first attach to a container, {controllers}", "attach.first",
                     controllers, floor).at_most(3500)
    for controllers in (TWO, ALL):
        for threads in ("1", "100"):
            yield simple(results, f"procs, {threads} thread{'s' if threads != '1' else ''}, "
                         f"{controllers}", f"procs.{threads}", controllers,
                         floor).of_better_peer(0.5)
    alone = results.median("around.10", "rcfs", TWO)
    for count in (10, 1000, 10000):
        row = simple(results, f"attach self, {count:,} containers around", f"around.{count}", TWO,
                     floor)
        if count > 10:
            row.targets.append(("within 10 % of 10 around", row.rcfs <= 1.1 * alone))
        yield row
    # How many there are at most is for the person who measures to say.
    for key in results.found:
        count = int(key[0][7:]) if key[0].startswith("around.") else 0
        if count > 10000:
            row = Row(f"attach self, {count:,} containers around", "instructions",
                      results.median(*key), floor=floor, spread=results.spread(*key))
            row.targets.append(("within 10 % of 10 around", row.rcfs <= 1.1 * alone))
            yield row


def other_count_rows(results):
    for controllers in (TWO, ALL):
        for operation, limit in (("mkdir", 0.45), ("rmdir", 0.3)):
            yield simple(results, f"{operation}, {controllers}", operation, controllers,
                         results.median(operation, "none")).of_better_peer(limit)
    floor = results.median("read", "none")
    for operation, name, limit in (("read.full", "1,000 of 1,000 tasks", 284142),
                                   ("read.empty", "none, 1,000 elsewhere", 2500),
                                   ("read.one", "1 of 1,000 tasks", None),
                                   ("read.far", "1 of 10,000 tasks", None)):
        row = simple(results, f"read a listing: {name}", operation, ALL, floor)
        yield row.at_most(limit) if limit else row.of_better_peer(1)
    alone = results.median("freeze.alone", "rcfs", "freezer")
    yield simple(results, "freeze and thaw one task, none elsewhere", "freeze.alone", "freezer")
    row = simple(results, "freeze and thaw one task, 9,999 elsewhere", "freeze.far", "freezer")
    row.targets.append(("≤ 1.5 times none elsewhere", row.rcfs <= 1.5 * alone))
    yield row.of_better_peer(1)


def launch_rows(results):
    """v2 and rcfs launch with CLONE_INTO_CGROUP, in v1 the child writes itself into tasks."""
    nothing = without_groups(results, "launch.root")
    for controllers in (TWO, ALL):
        row = simple(results, f"launch into a container, {controllers}", "launch.into",
                     controllers, nothing)
        yield row.of_better_peer(0.9)
        yield simple(results, f"the same by one that is in the container, {controllers}",
                     "launch.group", controllers, nothing)
    yield simple(results, f"launch into a container after 200 ms of quiet, {ALL}", "launch.quiet",
                 ALL, results.median("launch.quiet", "none")).of_better_peer(1.0)
    yield simple(results, f"mkdir, two limits, launch, exit, wait, rmdir, {ALL}", "cycle",
                 ALL).of_better_peer(0.5)
    for operation, name in (("kill.1", "1 process"), ("kill.100", "100 processes")):
        yield simple(results, f"kill a container of {name}, {ALL}", operation,
                     WITH_FREEZER).of_better_peer(1.0)


def limited_rows(results):
    for operation, name in (("fault", "anonymous page fault"),
                            ("cache", "read a page of a file into the cache"),
                            ("slab", "timer_create(), an accounted object"),
                            ("large-fork", "fork+exit+wait of a process with 100 MB")):
        yield simple(results, f"{name}, {MEMORY_ALONE}", operation, MEMORY_ALONE,
                     results.median(operation, "none")).of_better_peer(1.05)
    for operation in ("mkdir", "rmdir"):
        yield simple(results, f"{operation}, {MEMORY_ALONE}", operation,
                     MEMORY_ALONE).of_better_peer(0.7)
    row = simple(results, f"memory of a container, {MEMORY_ALONE}", "memory", MEMORY_ALONE)
    row.unit = "bytes"
    yield row.of_better_peer(0.7)
    for operation, name in (("attach.self", "attach self"), ("attach.other", "attach another")):
        row = simple(results, f"{name}, {WITH_MEMORY}", operation, WITH_MEMORY)
        without = results.median(operation, "rcfs", TWO)
        row.targets.append((f"≤ that of {TWO} + 150", row.rcfs <= without + 150))
        yield row
    row = simple(results, f"mkdir, three limits, launch, exit, wait, rmdir, {LIMITED}", "cycle",
                 LIMITED)
    row.targets.append(("≤ 0.6 of v2", row.rcfs <= 0.6 * row.v2))
    yield row


def memory_rows(results):
    for operation, name in (("memory", "memory of a container"),
                            ("memory.at-once", "the same, directly after mkdir")):
        row = simple(results, f"{name}, {TWO}", operation, TWO)
        row.unit = "bytes"
        yield row.at_most(2400) if operation == "memory" else row


def time_rows(results):
    def of(function, operation, system):
        return function(results.values(operation, system, ALL))

    def worst(values):
        return max(values)
    for operation, name in (("latency.tasks", "tasks"), ("latency.procs", "procs")):
        for function, which in ((statistics.median, "median"), (worst, "worst")):
            row = Row(f"attach after 200 ms of quiet, {name}, {which} of 20", "µs",
                      of(function, operation, "rcfs"), of(function, operation, "v1"),
                      of(function, "latency.procs", "v2"),
                      floor=function(results.values("latency", "none", "-")),
                      dynamic=of(function, "latency.procs", "v2-favordynmods"))
            if which == "median":
                row.at_most(100)
                row.targets.append(("≥ 100 times quicker than v1 and v2", row.ratio <= 0.01))
                row.targets.append(("≥ 5 times quicker than favordynmods",
                                    row.rcfs * 5 <= row.dynamic))
            yield row
    before = results.values("fork", "none", "-")
    after = results.values("fork-favordynmods", "none", "-")
    ratios = {system: [value / base for base, value in
                       zip(before, results.values("fork", system, ALL))]
              for system in ("rcfs", "v1", "v2")}
    dynamic = results.values("fork-favordynmods", "v2-favordynmods", ALL)
    yield Row("fork+exit+wait in a container, of nothing mounted", "ratio",
              *(statistics.median(ratios[system]) for system in ("rcfs", "v1", "v2")), floor=1,
              dynamic=statistics.median(value / base for base, value in zip(after, dynamic)),
              spread=max(map(apart, ratios.values())))
    yield Row("fork+exit+wait in a container", "µs",
              *(results.median("fork", system, ALL) for system in ("rcfs", "v1", "v2")),
              floor=statistics.median(before), dynamic=statistics.median(dynamic),
              spread=max(results.spread("fork", system, ALL) for system in ("rcfs", "v1", "v2")))
    # Whatever else the machine does makes forks slower, never quicker.
    rates = {system: upper_quartile(results.values("rate.attach", system, ALL))
                     / upper_quartile(results.values("rate.spin", system, ALL))
             for system in ("rcfs", "v1", "v2", "v2-favordynmods")}
    row = Row("fork rate beside a CPU that attaches, of one that spins", "ratio",
              *(rates[system] for system in ("rcfs", "v1", "v2")), floor=1,
              dynamic=rates["v2-favordynmods"])
    yield row.at_least(0.97)
    pairs = {system: statistics.median(group / root for root, group in
                                       zip(results.values("two.root", system, ALL),
                                           results.values("two.group", system, ALL)))
             for system in ("rcfs", "v1", "v2")}
    yield Row("fork rate of two in one container at once, of two in the root", "ratio",
              *(pairs[system] for system in ("rcfs", "v1", "v2")), floor=1).at_least(0.95)
    yield from launch_rate_rows(results, "", "")


def launch_rate_rows(results, suffix, where):
    """What else the machine does makes launches slower, and those of two CPUs nearly always."""
    for operation, name in (("launches.one", "from one CPU"),
                            ("launches.two", "from two CPUs at once, into two containers")):
        rates = {system: best_twentieth(results.values(operation + suffix, system, ALL))
                 for system in ("rcfs", "v1", "v2")}
        floor = best_twentieth(results.values(operation + suffix, "none", "-"))
        dynamic = None
        if results.has(f"{operation}{suffix}-favordynmods", "v2-favordynmods", ALL):
            dynamic = best_twentieth(results.values(f"{operation}{suffix}-favordynmods",
                                                    "v2-favordynmods", ALL))
        row = Row(f"{where}launches {name}", "launches/s", **rates, floor=floor, dynamic=dynamic,
                  better=max)
        if operation == "launches.two":
            row.targets.append(("≥ 1.5 times v2", row.rcfs >= 1.5 * row.v2))
        yield row


def native_rows(results):
    """Without emulation: what waiting costs"""
    suffix = "-favordynmods"
    tries = len(results.values("native.write", "none", "-"))
    for kind, name in (("tasks", "attach after 200 ms of quiet, tasks"),
                       ("procs", "attach after 200 ms of quiet, procs"),
                       ("launch", "launch after 200 ms of quiet")):
        nothing = "native.launch" if kind == "launch" else "native.write"
        # A single thread of v2 moves by procs.
        of_v2 = f"native.{'procs' if kind == 'tasks' else kind}"
        for function, which in ((statistics.median, "median"), (max, "worst")):
            row = Row(f"native: {name}, {which} of {tries}", "µs",
                      function(results.values(f"native.{kind}", "rcfs", ALL)),
                      function(results.values(f"native.{kind}", "v1", ALL)),
                      function(results.values(of_v2, "v2", ALL)),
                      floor=function(results.values(nothing, "none", "-")),
                      dynamic=function(results.values(of_v2 + suffix, "v2-favordynmods", ALL)))
            if which == "median" and kind == "launch":
                row.of_better_peer(1.0)
            elif which == "median":
                row.targets.append(("≥ 100 times quicker than v1 and v2", row.ratio <= 0.01))
            yield row
        if kind == "launch":
            continue
        # Those that were measured side by side with favordynmods
        floor = results.median(nothing + suffix, "none")
        row = Row(f"native: the same above the floor, beside favordynmods, {kind}", "µs",
                  results.median(f"native.{kind}{suffix}", "rcfs", ALL) - floor,
                  dynamic=results.median(of_v2 + suffix, "v2-favordynmods", ALL) - floor)
        row.targets.append(("≤ 0.5 of favordynmods", row.rcfs <= 0.5 * row.dynamic))
        yield row
    for kind in ("tasks", "procs"):
        of_v2 = "native.procs-close"
        yield Row(f"native: attach directly after another, {kind}", "µs",
                  results.median(f"native.{kind}-close", "rcfs", ALL),
                  results.median(f"native.{kind}-close", "v1", ALL),
                  results.median(of_v2, "v2", ALL),
                  floor=results.median("native.write-close", "none"),
                  dynamic=results.median(of_v2 + suffix, "v2-favordynmods", ALL))
    yield from launch_rate_rows(results, ".native", "native: ")


ROWS = {"count": (fork_rows, switch_rows, attach_rows, other_count_rows, launch_rows, limited_rows,
                  memory_rows),
        "time": (time_rows,),
        "native": (native_rows,)}


def all_rows(results):
    for part in PARTS:
        if part in results.parts:
            for rows in ROWS[part]:
                yield from rows(results)


# ---- what it looks like

def number(value, unit):
    if value is None:
        return ""
    if unit == "ratio":
        return f"{value:.3f}"
    if unit == "µs" and abs(value) < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def table(rows):
    head = ["operation", "unit", "rcfs", "v1", "v2", "favordynmods", "floor", "rcfs / better peer",
            "over floor", "spread", "target", ""]
    lines = [head]
    for row in rows:
        spread = ""
        if row.spread is not None:
            spread = f"{row.spread:.1f} %" + (" (!)" if row.spread > AGREE else "")
        over = row.rcfs - row.floor if row.floor is not None else None
        lines.append([row.label, row.unit, *(number(value, row.unit) for value in
                      (row.rcfs, row.v1, row.v2, row.dynamic, row.floor)),
                      f"{row.ratio:.3f}" if row.ratio is not None else "",
                      number(over, row.unit), spread,
                      "; ".join(text for text, _ in row.targets),
                      "" if not row.targets else
                      "met" if all(met for _, met in row.targets) else "MISSED"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def cells(line):
        return "| " + " | ".join(cell.ljust(width) if i in (0, 1, 10, 11) else cell.rjust(width)
                                 for i, (cell, width) in enumerate(zip(line, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 2) if i in (0, 1, 10, 11) else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([cells(head), rule, *map(cells, lines[1:])])


def verdicts(rows):
    """The targets, counted, and those missed by name"""
    met = sum(1 for row in rows for _, one in row.targets if one)
    missed = [f"{row.label}: {text} (rcfs: {number(row.rcfs, row.unit)})"
              for row in rows for text, one in row.targets if not one]
    lines = [f"{met} targets met, {len(missed)} missed"]
    lines += [f"missed: {line}" for line in missed]
    if any(row.spread is not None and row.spread > AGREE for row in rows):
        lines.append(f"(!): repeats differ by more than {AGREE} %")
    return "\n".join(lines)


def drift(results):
    twice = ["{:,.0f} and {:,.0f}".format(*(results.median(f"{way}.root", "none", which)
                                            for which in ("-", "again")))
             for way in ("fork", "vfork")]
    return ("Without groups, twice in each round, which tells what is chance: "
            f"fork+exit+wait {twice[0]}, vfork+exit+wait {twice[1]}")


def as_json(about, rows, results):
    return {
        "about": about,
        "rows": [{"operation": row.label, "unit": row.unit, "rcfs": row.rcfs, "v1": row.v1,
                  "v2": row.v2, "v2-favordynmods": row.dynamic, "floor": row.floor,
                  "ratio": row.ratio, "spread_percent": row.spread,
                  "targets": [{"target": text, "met": met} for text, met in row.targets]}
                 for row in rows],
        "measurements": [{"operation": key[0], "system": key[1], "controllers": key[2],
                          "unit": unit, "values": values}
                         for key, (unit, values) in results.found.items()],
    }


def chart(about, rows, names):
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise Trouble(f"no chart: {error}; Debian's package is python3-matplotlib, "
                      "--no-chart does without") from error
    matplotlib.rcParams["svg.hashsalt"] = "rcfs"
    # Text as text: smaller, and it can be searched for.
    matplotlib.rcParams["svg.fonttype"] = "none"
    panels = [panel for panel in panels_of(rows) if panel[1]]
    figure, axes = pyplot.subplots(len(panels), 1, squeeze=False, layout="constrained",
                                   figsize=(11, 0.42 * sum(len(bars) for _, bars, _ in panels) + 5),
                                   height_ratios=[len(bars) + 1 for _, bars, _ in panels])
    for axis, (title, bars, scale) in zip(axes[:, 0], panels):
        systems = (("rcfs", "rcfs", "#c8372d"), ("v1", "cgroup v1", "#8a8a8a"),
                   ("v2", "cgroup v2", "#3b6ea5"), ("dynamic", "v2 with favordynmods", "#9fc0e0"))
        for i, (attribute, name, colour) in enumerate(systems):
            places = [(k + (i - 1.5) * 0.2, values[attribute])
                      for k, (_, values) in enumerate(bars) if values.get(attribute) is not None]
            axis.barh([place for place, _ in places], [value for _, value in places], 0.2,
                      label=name, color=colour)
        floors = [(k, values["floor"]) for k, (_, values) in enumerate(bars) if values.get("floor")]
        if floors:
            axis.vlines([value for _, value in floors], [k - 0.42 for k, _ in floors],
                        [k + 0.42 for k, _ in floors], color="black", label="floor")
        axis.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
        axis.invert_yaxis()
        axis.set_xscale(scale)
        axis.margins(y=0.01)
        axis.set_xlabel(title)
        axis.grid(axis="x", which="major", alpha=0.3)
    handles = {}
    for axis in axes[:, 0]:
        for handle, name in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(name, handle)
    axes[0, 0].legend(handles.values(), handles, fontsize=8, loc="best")
    figure.suptitle(about or "rcfs, and control groups")
    for name in names:
        figure.savefig(name, dpi=110, metadata={"Date": None} if name.endswith("svg") else None)
        if name.endswith("svg"):
            tidy_svg(name)


def tidy_svg(name):
    """As a source file: with a licence, and without spaces at the ends of lines"""
    with open(name, encoding="utf-8") as file:
        first, *lines = [line.rstrip() for line in file]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join([first, "<!-- SPDX-License-Identifier: GPL-2.0 -->", *lines]) + "\n")


def panels_of(rows):
    """[(title, [(label, {system: value})], scale of the axis)]"""
    def values(row, less=0):
        found = {name: getattr(row, name) for name in ("rcfs", "v1", "v2", "dynamic", "floor")}
        return {name: value - less for name, value in found.items() if value is not None}

    def whole(unit, *but):
        return [(row.label, values(row)) for row in rows
                if row.unit == unit and not row.label.startswith(but)]
    small = ("vfork+exit+wait", "context switch")
    # Beside what these cost anyway, one would not see what is added.
    added = [(row.label, values(row, row.floor)) for row in rows
             if row.unit == "instructions" and row.label.startswith(small)]
    return [("instructions added to vfork+exit+wait, and to a context switch", added, "linear"),
            ("instructions", whole("instructions", *small, "fork+exit+wait"), "log"),
            ("bytes", whole("bytes"), "linear"),
            ("microseconds", whole("µs"), "log"),
            ("launches a second: more is better", whole("launches/s"), "linear")]


# ---- the page of the documentation

BEGIN, END = ".. measured\n", ".. end of what was measured\n"


def rst_table(rows):
    """What a reader wants of the table"""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 34 10 10 10 10 10 16", ""]
    head = ["operation", "rcfs", "v1", "v2", "floor", "of the better peer", "target"]
    body = []
    for row in rows:
        unit = "" if row.unit in ("instructions", "ratio") else f" {row.unit}"
        cells = [number(value, row.unit) for value in (row.rcfs, row.v1, row.v2, row.floor)]
        if row.dynamic is not None:
            cells[2] += f"; favordynmods: {number(row.dynamic, row.unit)}"
        body.append([row.label] + [cell + unit if cell else "" for cell in cells] +
                    [f"{row.ratio:.2f}" if row.ratio is not None else "",
                     "; ".join(text if met else f"**missed:** {text}"
                               for text, met in row.targets)])
    for line in [head] + body:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(line)]
    return "\n".join(lines)


def into_page(name, about, rows, results):
    if results.parts != set(PARTS):
        raise Trouble(f"{name} has all parts in it; these are missing: "
                      f"{', '.join(part for part in PARTS if part not in results.parts)}")
    try:
        with open(name, encoding="utf-8") as file:
            page = file.read()
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
    except ValueError:
        raise Trouble(f"{name}: there has to be one line '{BEGIN.strip()}' in it, and behind that "
                      f"one line '{END.strip()}'") from None
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n\n".join([before + BEGIN.rstrip("\n"), f"{about}. {drift(results)}.",
                                rst_table(rows), END + after]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out")
    parser.add_argument("--page")
    parser.add_argument("--about", default="")
    parser.add_argument("--no-chart", action="store_true")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    results = Results(*read_measurements(options.files))
    rows = list(all_rows(results))
    parts = [options.about, table(rows), drift(results) if "count" in results.parts else "",
             verdicts(rows)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    print(text, end="")
    charts = []
    if options.page:
        into_page(options.page, options.about, rows, results)
        charts.append(os.path.splitext(options.page)[0] + ".svg")
    if options.out:
        into_folder(options.out, options.about, text, rows, results)
        charts += [os.path.join(options.out, f"chart.{kind}") for kind in ("png", "svg")]
    if charts and not options.no_chart:
        chart(options.about, rows, charts)
    if options.out:
        print(f"\nin {options.out}: table.md, results.json" +
              ("" if options.no_chart else ", chart.png, chart.svg"))


def into_folder(folder, about, text, rows, results):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "table.md"), "w", encoding="utf-8") as file:
        file.write("<!-- SPDX-License-Identifier: GPL-2.0 -->\n" + text)
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump(as_json(about, rows, results), file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        main()
    except (Trouble, OSError) as trouble:
        print(f"report.py: {trouble}", file=sys.stderr)
        sys.exit(1)
