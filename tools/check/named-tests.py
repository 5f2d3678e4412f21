#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Do the tests exist that tables and the patches for hazards.sh name? Run from the top folder.

Prints each one that does not, and exits with 1 then.
"""

import pathlib
import re
import sys

SELFTESTS = pathlib.Path("tools/testing/selftests/rcfs")
TABLES = [
    pathlib.Path("tools/check/testing.rst"),
    pathlib.Path("tools/check/README.md"),
    *sorted(pathlib.Path("tools/check/hazards").glob("*.patch")),
]
# What the tables say of a file as a whole
WHOLE = {"all of them", "none is reached"}


def points(file):
    """The names of the points of a test file"""
    text = (SELFTESTS / file).read_text(encoding="utf-8")
    return {
        name.replace('\\"', '"')
        for name in re.findall(r'^point "((?:[^"\\]|\\.)*)"', text, re.MULTILINE)
    }


def cells_of_rst(text):
    """The last cell of each row of a list-table, in one line"""
    for row in re.split(r"^   \* - ", text, flags=re.MULTILINE)[1:]:
        row = row.split("\n\n")[0]
        yield " ".join(re.split(r"^     - ", row, flags=re.MULTILINE)[-1].split())


def named_in_rst(text):
    """Pairs of a file and a point: "``a.sh``, ``b.sh``: a point; another one" """
    for cell in cells_of_rst(text):
        files = []
        for part in cell.split(";"):
            match = re.match(r"\s*((?:``\S+\.sh``(?:, )?)+): (.*)", part)
            if match:
                files = re.findall(r"``(\S+)``", match[1])
                part = match[2]
            for file in files:
                yield file, part.strip()


def named_in_markdown(text):
    """Pairs of a file and a point: from tables with columns "file" and "test" """
    column = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 3:
            column = None
        elif "file" in cells:
            column = cells.index("file")
            if not cells[column + 1].startswith("test"):
                column = None
        elif column and cells[column].startswith("`"):
            yield cells[column].strip("`"), cells[column + 1]


def named_in_patch(text):
    """The pair of a patch, or nothing if the compiler refuses the code"""
    fields = dict(re.findall(r"^(\w+): *(.*)", text.split("\n---\n")[0], re.MULTILINE))
    if "Refused" not in fields:
        yield fields.get("Test", ""), fields.get("Point") or "none is reached"


NAMED = {".rst": named_in_rst, ".md": named_in_markdown, ".patch": named_in_patch}


def main():
    """Look at all tables and patches"""
    wrong = 0
    for table in TABLES:
        text = table.read_text(encoding="utf-8")
        count = 0
        for file, point in NAMED[table.suffix](text):
            count += 1
            if not (SELFTESTS / file).is_file():
                print(f"{table}: there is no test file {file}")
                wrong += 1
            elif point not in WHOLE and point not in points(file):
                print(f"{table}: {file} has no point '{point}'")
                wrong += 1
        if not count and "\nRefused: " not in text:
            print(f"{table}: names no test")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
