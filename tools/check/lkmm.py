#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which outcomes the memory model of the kernel allows for litmus tests.

	lkmm.py MODEL FILE.litmus...

Does what herd7 would do with the files of MODEL, which is tools/memory-model of a kernel
tree, for those who have no herd7: no Debian has it. It reads linux-kernel.def,
linux-kernel.bell and linux-kernel.cat as they are. Locks, which are in lock.cat, and the
orders that these files begin with, are its own. SRCU, loops and trylock are refused.

For each file one line: its name, the result (Never, Sometimes, Always, or DEADLOCK if no
execution passes the filter), how many executions there are and how many satisfy the
condition, and what the model flags, as data-race, in any of them.

litmus.sh has it judge the litmus tests of the kernel before it judges any other.
"""

import itertools
import os
import re
import sys


class Refused(Exception):
    """What stands there is not known here."""


# ---- tokens

TOKEN = re.compile(r"""\s*(?:(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)|
    (?P<op>==|!=|<=|>=|&&|\|\||/\\|\\/|->|[-+*/&|^~!<>=(){}\[\],;:.?]))""", re.X)


class Tokens:
    def __init__(self, text, pattern=TOKEN):
        self.list, pos, text = [], 0, text.rstrip()
        while pos < len(text):
            match = pattern.match(text, pos)
            if not match:
                raise Refused(f"cannot read: {text[pos:pos + 30]!r}")
            self.list.append((match.lastgroup, match[match.lastgroup]))
            pos = match.end()
        self.pos = 0

    def peek(self, ahead=0):
        at = self.pos + ahead
        return self.list[at][1] if at < len(self.list) else None

    def kind(self, ahead=0):
        at = self.pos + ahead
        return self.list[at][0] if at < len(self.list) else None

    def next(self):
        self.pos += 1
        return self.list[self.pos - 1][1]

    def take(self, *what):
        if self.peek() in what:
            return self.next()
        return None

    def expect(self, what):
        if not self.take(what):
            raise Refused(f"{what!r} is expected before {self.peek()!r}")


# ---- the C of litmus tests: expressions are tuples, the first item says of what

LEVELS = [("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="),
          ("+", "-")]
TYPES = {"int", "atomic_t", "spinlock_t", "raw_spinlock_t", "void", "long", "struct", "unsigned"}


def parse_expression(toks, level=0):
    if level == len(LEVELS):
        return parse_unary(toks)
    left = parse_expression(toks, level + 1)
    while toks.peek() in LEVELS[level]:
        op = toks.next()
        left = ("binary", op, left, parse_expression(toks, level + 1))
    return left


def parse_unary(toks):
    if toks.take("*"):
        return ("deref", parse_unary(toks))
    if toks.take("&"):
        return ("address", parse_unary(toks))
    if toks.peek() in ("!", "-", "~"):
        return ("unary", toks.next(), parse_unary(toks))
    if toks.peek() == "(" and toks.peek(1) in TYPES:
        while toks.next() != ")":
            pass
        return parse_unary(toks)
    if toks.take("("):
        inner = parse_expression(toks)
        toks.expect(")")
        return inner
    if toks.kind() == "number":
        return ("number", int(toks.next()))
    if toks.kind() != "name":
        raise Refused(f"no expression: {toks.peek()!r}")
    name = toks.next()
    tag = None
    if name.startswith("__") and toks.take("{"):
        tag = ""
        while not toks.take("}"):
            tag += toks.next()
    if not toks.take("("):
        return ("fence", tag) if tag else ("name", name)
    arguments = []
    while not toks.take(")"):
        # __atomic_op(X,+,V)
        if toks.kind() == "op" and toks.peek(1) in (",", "~"):
            op = toks.next()
            while toks.peek() != ",":
                op += toks.next()
            arguments.append(("operator", op))
        else:
            arguments.append(parse_expression(toks))
        toks.take(",")
    return ("call", name, tag, arguments)


def parse_statement(toks):
    if toks.take("{"):
        body = []
        while not toks.take("}"):
            body.append(parse_statement(toks))
        return ("block", body)
    if toks.take(";"):
        return ("block", [])
    if toks.take("if"):
        toks.expect("(")
        condition = parse_expression(toks)
        toks.expect(")")
        then = parse_statement(toks)
        return ("if", condition, then, parse_statement(toks) if toks.take("else") else None)
    if toks.peek() in ("while", "for", "do", "goto", "return"):
        raise Refused(f"{toks.peek()} is not known here")
    if toks.peek() in TYPES:
        while toks.peek() in TYPES or toks.peek() == "*":
            toks.next()
        if toks.peek(1) == ";":
            toks.next()
            toks.expect(";")
            return ("block", [])
    left = parse_expression(toks)
    if toks.take("="):
        left = ("assign", left, parse_expression(toks))
    toks.expect(";")
    return ("do", left)


class Macros:
    """linux-kernel.def"""

    def __init__(self, path):
        self.all = {}
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"//.*", "", file.read()).replace("'", "")
        for line in text.splitlines():
            match = re.match(r"\s*(\w+)\(([\w,]*)\)\s+(.*)$", line)
            if match:
                # A tag has hyphens; all else here has none.
                body = re.sub(r"__(\w+)\{([^}]*)\}",
                              lambda m: f"__{m[1]}{{{m[2].replace('-', '_')}}}", match[3])
                self.all[match[1]] = (match[2].split(",") if match[2] else [], body)
        self.parsed = {}

    def expand(self, name, arguments):
        if name not in self.parsed:
            parameters, body = self.all[name]
            toks = Tokens(body)
            calls = []
            toks.take("{")
            while toks.peek() not in ("}", None):
                calls.append(parse_expression(toks))
                toks.take(";")
            self.parsed[name] = (parameters, calls)
        parameters, calls = self.parsed[name]
        if len(parameters) != len(arguments):
            raise Refused(f"{name} wants {len(parameters)} arguments")
        names = dict(zip(parameters, arguments))
        return [replace_names(call, names) for call in calls]


def replace_names(tree, names):
    if isinstance(tree, list):
        return [replace_names(item, names) for item in tree]
    if not isinstance(tree, tuple):
        return tree
    if tree[0] == "name":
        return names.get(tree[1], tree)
    if tree[0] == "operator":
        return tree
    return tuple(replace_names(item, names) for item in tree)


# ---- litmus files

class Litmus:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        match = re.search(r"\bResult: *(\w+)", text)
        self.expected = match[1] if match else None
        outside, self.blocks = split_blocks(text)
        match = re.match(r"\s*C\s+(\S+)", outside)
        if not match:
            raise Refused("this is no litmus test in C")
        self.name = match[1]
        self.init, self.threads = {}, []
        parts = outside[match.end():].split("\0")
        self.parse_init(self.blocks[0])
        for head, body in zip(parts[1:], self.blocks[1:]):
            match = re.match(r"\s*P(\d+)\s*\(([^)]*)\)\s*$", head)
            if not match or int(match[1]) != len(self.threads):
                raise Refused(f"no thread: {head.strip()!r}")
            parameters = [re.split(r"[\s*]+", one.strip())[-1] for one in match[2].split(",")]
            toks = Tokens("{" + body + "}")
            self.threads.append((parameters, parse_statement(toks)))
        tail = parts[-1]
        tail = re.sub(r"\blocations\s*\[[^]]*\]", "", tail)
        match = re.match(r"(?:\s*filter\s*(?P<filter>.*?))?\s*(?P<which>~\s*exists|exists|forall)\s*"
                         r"(?P<condition>.*)$", tail, re.S)
        if not match:
            raise Refused("there is no condition")
        self.which = match["which"].replace(" ", "")
        self.condition = parse_condition(Tokens(match["condition"]))
        self.filter = parse_condition(Tokens(match["filter"])) if match["filter"] else None
        self.locations = set(self.init)
        for parameters, _ in self.threads:
            self.locations.update(parameters)
        self.locations.update(value for value in self.init.values() if isinstance(value, str))
        self.locations.discard("void")
        for name in self.locations:
            self.init.setdefault(name, 0)

    def parse_init(self, text):
        for item in text.split(";"):
            item = re.sub(r"ATOMIC_INIT\((.*)\)", r"\1", item.strip())
            item = re.sub(r"^(?:\w+\s+)+(?=[\w*])", "", item)
            match = re.match(r"\**\s*(\w+)(?:\s*=\s*(&?)(\w+))?$", item)
            if match:
                value = match[3] or "0"
                self.init[match[1]] = int(value) if value.isdigit() else value
            elif item:
                raise Refused(f"cannot be initialised so: {item!r}")


def split_blocks(text):
    """What is outside of braces, with a NUL for each block, and the blocks. Comments go."""
    outside, blocks, depth, pos = "", [], 0, 0
    while pos < len(text):
        comment = None
        if depth == 0 and text.startswith("(*", pos):
            comment = "*)"
        elif text.startswith("//", pos):
            comment = "\n"
        elif text.startswith("/*", pos):
            comment = "*/"
        if comment:
            end = text.find(comment, pos + 2)
            pos = len(text) if end < 0 else end + len(comment)
            if depth:
                blocks[-1] += " "
            else:
                outside += " "
            continue
        char = text[pos]
        pos += 1
        if char == "}":
            depth -= 1
        if char == "{":
            if depth == 0:
                outside += "\0"
                blocks.append("")
            else:
                blocks[-1] += char
            depth += 1
        elif depth:
            blocks[-1] += char
        elif char != "}":
            outside += char
    return outside, blocks


def parse_condition(toks, level=0):
    if level < 2:
        op = ("\\/", "/\\")[level]
        parts = [parse_condition(toks, level + 1)]
        while toks.take(op):
            parts.append(parse_condition(toks, level + 1))
        return (op, parts) if len(parts) > 1 else parts[0]
    if toks.take("~", "not"):
        return ("~", [parse_condition(toks, 2)])
    if toks.take("("):
        inner = parse_condition(toks)
        toks.expect(")")
        return inner
    name = toks.next()
    if toks.take(":"):
        name = (int(name), toks.next())
    toks.take("&")
    op = toks.next()
    if op not in ("=", "!="):
        raise Refused(f"{op!r} in a condition")
    toks.take("&")
    negative = toks.take("-")
    value = toks.next()
    value = int(value) if value.isdigit() else value
    return ("compare", op, name, -value if negative else value)


def holds(condition, state):
    if condition[0] == "compare":
        _, op, name, value = condition
        return (state.get(name, 0) == value) == (op == "=")
    results = [holds(part, state) for part in condition[1]]
    return {"\\/": any, "/\\": all, "~": lambda r: not r[0]}[condition[0]](results)


# ---- what threads do: events

class Event:
    __slots__ = ("thread", "kind", "tag", "loc", "value", "rmw", "addr", "data", "ctrl", "pair")

    def __init__(self, thread, kind, tag, loc=None, value=None, rmw=False, addr=(), data=(), ctrl=()):
        self.thread, self.kind, self.tag, self.loc, self.value = thread, kind, tag, loc, value
        self.rmw, self.addr, self.data, self.ctrl = rmw, addr, data, ctrl
        self.pair = None    # of a write: the read of the same RMW, of an unlock: the lock


class More(Exception):
    """A read for which nothing has been chosen yet."""

    def __init__(self, values):
        self.values = values


NOTHING = frozenset()
WRITES = ("W", "LKW", "UL")


class Thread:
    """One way through a thread: `choices` are the values that its reads return."""

    def __init__(self, number, litmus, macros, values, choices):
        self.number, self.litmus, self.macros = number, litmus, macros
        self.values, self.choices, self.used = values, choices, 0
        self.events, self.ctrl = [], NOTHING
        parameters, body = litmus.threads[number]
        self.registers = {name: (name, NOTHING) for name in parameters}
        self.locks = {}
        self.run(body)
        self.offers = {(e.loc, e.value) for e in self.events if e.kind in WRITES}
        self.wants = {(e.loc, e.value) for e in self.events if e.kind in ("R", "LF", "RU")}

    def writes_to(self, loc):
        return sum(e.kind in WRITES and e.loc == loc for e in self.events)

    def choose(self, loc):
        if self.used == len(self.choices):
            raise More(sorted(self.values[loc], key=str))
        self.used += 1
        return self.choices[self.used - 1]

    def event(self, *args, **kwargs):
        self.events.append(Event(self.number, *args, ctrl=self.ctrl, **kwargs))
        return len(self.events) - 1

    def run(self, statement):
        if statement[0] == "block":
            for one in statement[1]:
                self.run(one)
        elif statement[0] == "if":
            value, deps = self.evaluate(statement[1])
            branch = statement[2] if value != 0 else statement[3]
            before = self.ctrl
            self.ctrl = before | deps
            if branch:
                self.run(branch)
            self.ctrl = before
        elif statement[1][0] == "assign":
            _, target, what = statement[1]
            value = self.evaluate(what)
            if target[0] == "name":
                self.registers[target[1]] = value
            else:
                self.write(target, value, "")
        else:
            self.evaluate(statement[1])

    def address(self, lvalue):
        """Where an lvalue is, and what that depends on"""
        if lvalue[0] == "deref":
            return self.evaluate(lvalue[1])
        raise Refused(f"{lvalue[0]} is no place in memory")

    def place(self, where):
        loc, deps = where
        if loc not in self.litmus.locations:
            raise Refused(f"P{self.number} follows {loc!r}, which is no pointer")
        return loc, deps

    def read(self, lvalue, tag, rmw=False):
        loc, deps = self.place(self.address(lvalue))
        value = self.choose(loc)
        at = self.event("R", tag, loc, value, rmw=rmw, addr=deps)
        return value, frozenset([at]), at

    def write(self, lvalue, value, tag, pair=None):
        loc, deps = self.place(self.address(lvalue))
        at = self.event("W", tag, loc, value[0], rmw=pair is not None, addr=deps, data=value[1])
        if pair is not None:
            self.events[at].pair = pair

    def evaluate(self, tree):
        kind = tree[0]
        if kind == "number":
            return tree[1], NOTHING
        if kind == "name":
            if tree[1] == "NULL":
                return 0, NOTHING
            if tree[1] not in self.registers:
                raise Refused(f"P{self.number} has no {tree[1]}")
            return self.registers[tree[1]]
        if kind == "deref":
            return self.read(tree, "")[:2]
        if kind == "address":
            return self.address(tree[1])
        if kind == "unary":
            value, deps = self.evaluate(tree[2])
            return {"!": lambda v: int(v == 0), "-": lambda v: -v, "~": lambda v: ~v}[tree[1]](value), deps
        if kind == "binary":
            left, right = self.evaluate(tree[2]), self.evaluate(tree[3])
            return operate(tree[1], left[0], right[0]), left[1] | right[1]
        if kind == "call":
            return self.call(*tree[1:])
        raise Refused(f"{kind} is not known here")

    def call(self, name, tag, arguments):
        if tag is None and name not in ("__lock", "__unlock", "__islocked"):
            if name not in self.macros.all:
                raise Refused(f"{name}() is not in linux-kernel.def")
            result = 0, NOTHING
            for one in self.macros.expand(name, arguments):
                if one[0] == "fence":
                    self.event("F", one[1].replace("_", "-"))
                else:
                    result = self.evaluate(one)
            return result
        if name == "__load":
            if tag.startswith("srcu"):
                raise Refused("SRCU is not known here")
            return self.read(arguments[0], tag)[:2]
        if name == "__store":
            if tag.startswith("srcu"):
                raise Refused("SRCU is not known here")
            self.write(arguments[0], self.evaluate(arguments[1]), tag)
            return 0, NOTHING
        if name in ("__lock", "__unlock", "__islocked"):
            return self.lock(name, arguments[0])
        return self.change(name, tag, arguments)

    def change(self, name, tag, arguments):
        """Atomic operations that read and write"""
        target = ("deref", arguments[0])
        if name == "__xchg":
            new = self.evaluate(arguments[1])
            value, deps, at = self.read(target, tag, rmw=True)
            self.write(target, new, tag, pair=at)
            return value, deps
        if name in ("__cmpxchg", "__add_unless", "__atomic_add_unless"):
            first, second = self.evaluate(arguments[1]), self.evaluate(arguments[2])
            value, deps, at = self.read(target, tag, rmw=True)
            if name == "__cmpxchg":
                done, new, result = value == first[0], second, value
            else:
                done = value != second[0]
                new = (operate("+", value, first[0]) if done else 0, deps | first[1])
                result = int(done)
            if done:
                self.write(target, new, tag, pair=at)
            return result, deps
        if name not in ("__atomic_op", "__atomic_op_return", "__atomic_fetch_op"):
            raise Refused(f"{name} is not known here")
        other = self.evaluate(arguments[2])
        value, deps, at = self.read(target, tag, rmw=True)
        new = operate(arguments[1][1], value, other[0]), deps | other[1]
        self.write(target, new, tag, pair=at)
        return {"__atomic_op": (0, NOTHING), "__atomic_op_return": new,
                "__atomic_fetch_op": (value, deps)}[name]

    def lock(self, name, argument):
        loc, deps = self.place(self.evaluate(argument))
        if name == "__lock":
            if loc in self.locks:
                raise Refused(f"P{self.number} takes {loc} twice")
            at = self.event("LKR", "", loc, 0, addr=deps)
            self.locks[loc] = self.event("LKW", "", loc, 1, addr=deps)
            self.events[-1].pair = at
            return 0, NOTHING
        if name == "__unlock":
            if loc not in self.locks:
                raise Refused(f"P{self.number} has not taken {loc}")
            at = self.event("UL", "", loc, 0, addr=deps)
            self.events[at].pair = self.locks.pop(loc)
            return 0, NOTHING
        value = self.choose(loc)
        at = self.event("LF" if value else "RU", "", loc, value, addr=deps)
        return value, frozenset([at])


def operate(op, left, right):
    if op in ("==", "!="):
        return int((left == right) == (op == "=="))
    if op == "&&":
        return int(left != 0 and right != 0)
    if op == "||":
        return int(left != 0 or right != 0)
    if isinstance(left, str) or isinstance(right, str):
        raise Refused(f"{left!r} {op} {right!r}")
    return int({"+": lambda: left + right, "-": lambda: left - right, "&": lambda: left & right,
                "|": lambda: left | right, "^": lambda: left ^ right, "&~": lambda: left & ~right,
                "<": lambda: left < right, ">": lambda: left > right, "<=": lambda: left <= right,
                ">=": lambda: left >= right}[op]())


def ways_through(number, litmus, macros, values):
    """All ways through a thread, if its reads return any of `values`"""
    todo = [[]]
    while todo:
        choices = todo.pop()
        try:
            yield Thread(number, litmus, macros, values, choices)
        except More as more:
            todo += [choices + [value] for value in more.values]


def all_ways(litmus, macros):
    """The ways through each thread, with all values that writes of any of them can write"""
    # For each value: how many atomic operations in a row, at least, it comes from
    values = {loc: {litmus.init[loc]: 0} for loc in litmus.locations}
    rounds = 0
    while True:
        ways = [list(ways_through(i, litmus, macros, values)) for i in range(len(litmus.threads))]
        most = {loc: sum(max(way.writes_to(loc) for way in thread) for thread in ways) for loc in values}
        grown = False
        for way in itertools.chain(*ways):
            for event in way.events:
                if event.kind not in WRITES:
                    continue
                row = 0
                if event.rmw:
                    row = values[event.loc][way.events[event.pair].value] + 1
                # Each of them is a write of its own, and there are not more.
                if row <= most[event.loc] and values[event.loc].get(event.value, row + 1) > row:
                    values[event.loc][event.value] = row
                    grown = True
        rounds += 1
        # Nor can a value come from more writes than there are.
        if not grown or rounds > sum(most.values()) + 1:
            return ways


def combinations(ways):
    """One way for each thread, so that for all that is read there is a write"""
    initial = {(loc, value) for loc, value in ways[0][0].litmus.init.items()}
    for chosen in itertools.product(*ways):
        offered = initial.union(*(way.offers for way in chosen))
        if all(way.wants <= offered for way in chosen):
            yield chosen


# ---- relations: a set is a bit mask, a relation a tuple of them, one for each event

class Model:
    """linux-kernel.bell and linux-kernel.cat, as functions of an execution"""

    PATTERN = re.compile(r"""\s*(?:(?P<string>"[^"]*")|(?P<tag>'[A-Za-z][\w-]*)|(?P<number>0)|
        (?P<op>\^-1|\|\||[-~|&\\;*+?()\[\]=,{}])|(?P<name>[A-Za-z_](?:[\w.]|-(?=\w))*))""", re.X)
    WORDS = {"let", "rec", "and", "in", "flag", "empty", "acyclic", "irreflexive", "as", "enum",
             "instructions", "include", "show", "if", "then", "else", "with", "from"}

    def __init__(self, folder):
        self.slots = 0          # of the variables of an execution
        self.names = {}         # name: slot, or a function of arguments
        self.code = {}          # slot: how to find its value
        self.checks = []        # (name, how, expression); "flag" is how for those that only tell
        self.tags = {}          # slot: tag of events
        self.given = {}         # name: slot, for what an execution brings
        for name in GIVEN:
            self.given[name] = self.names[name] = self.new_slot()
        for file in ("linux-kernel.bell", "linux-kernel.cat"):
            with open(os.path.join(folder, file), encoding="utf-8") as text:
                text = re.sub(r"\(\*.*?\*\)", " ", re.sub(r"//.*", "", text.read()), flags=re.S)
            self.toks = Tokens(text, self.PATTERN)
            self.parse()
        del self.toks

    def new_slot(self):
        self.slots += 1
        return self.slots - 1

    def parse(self):
        toks = self.toks
        while toks.peek() is not None:
            if toks.kind() == "string":
                toks.next()
                continue
            word = toks.next()
            if word == "enum":
                toks.next()
                toks.expect("=")
                while toks.kind() == "tag":
                    self.define_tag(toks.next()[1:])
                    toks.take("||")
            elif word == "instructions":
                while toks.next() != "]":
                    pass
            elif word == "include":
                self.include(toks.next())
            elif word == "show":
                while toks.kind() == "name" and toks.peek() not in self.WORDS:
                    toks.next()
                    toks.take(",")
            elif word == "let":
                self.parse_let(self.names)
            elif word in ("flag", "empty", "acyclic", "irreflexive", "~"):
                how = toks.next() if word == "flag" and toks.peek() != "~" else word
                if word == "flag" and toks.take("~"):
                    toks.expect("empty")
                    how = "flag"
                what = self.parse_union(self.names)
                toks.expect("as")
                self.checks.append((toks.next(), how, what))
            else:
                raise Refused(f"{word!r} in the model")

    def include(self, name):
        """lock.cat: what it defines is made by Execution"""
        if name != '"lock.cat"':
            raise Refused(f"the model includes {name}")
        for name in LOCKED:
            self.names[name] = self.given[name + " with locks"]
        for name, lock in (("Acquire", "LKR"), ("Release", "UL")):
            slot, old = self.new_slot(), self.names[name]
            self.code[slot] = union(variable(old), variable(self.names[lock]))
            self.names[name] = slot

    def define_tag(self, tag):
        slot = self.new_slot()
        self.names[tag[0].upper() + tag[1:]] = slot
        self.tags[slot] = tag

    def parse_let(self, names):
        """After "let": defines names in `names`"""
        toks = self.toks
        if toks.take("rec"):
            inner, bindings = dict(names), []
            start = toks.pos
            # The names first, since all of them may be in all of the definitions
            for pos in range(start, len(toks.list)):
                if toks.list[pos][1] in ("in", "let", "flag", "show", "irreflexive", "acyclic", "empty"):
                    break
                if toks.list[pos][1] == "=":
                    inner[toks.list[pos - 1][1]] = self.new_slot()
            while True:
                name = toks.next()
                toks.expect("=")
                bindings.append((inner[name], self.parse_union(inner)))
                if not toks.take("and"):
                    break
            slots = [slot for slot, _ in bindings]
            for slot in slots:
                self.code[slot] = fixpoint(slot, bindings)
            names.update(inner)
            return
        name = toks.next()
        if toks.take("("):
            parameter = toks.next()
            toks.expect(")")
            toks.expect("=")
            slot = self.new_slot()
            body = self.parse_union({**names, parameter: slot})
            names[name] = (slot, body)
            return
        toks.expect("=")
        what = self.parse_union(names)
        slot = self.new_slot()
        self.code[slot] = what
        names[name] = slot

    # From the weakest operator to the strongest: | ; \ & *
    def parse_union(self, names):
        left = self.parse_sequence(names)
        while self.toks.take("|"):
            left = union(left, self.parse_sequence(names))
        return left

    def parse_sequence(self, names):
        left = self.parse_difference(names)
        while self.toks.take(";"):
            left = sequence(left, self.parse_difference(names))
        return left

    def parse_difference(self, names):
        left = self.parse_intersection(names)
        while self.toks.take("\\"):
            left = difference(left, self.parse_intersection(names))
        return left

    def parse_intersection(self, names):
        left = self.parse_product(names)
        while self.toks.take("&"):
            left = intersection(left, self.parse_product(names))
        return left

    def parse_product(self, names):
        left = self.parse_postfix(names)
        while self.toks.peek() == "*":
            self.toks.next()
            left = product(left, self.parse_postfix(names))
        return left

    def parse_postfix(self, names):
        toks = self.toks
        if toks.take("~"):
            return complement(self.parse_postfix(names))
        what = self.parse_primary(names)
        while True:
            if toks.take("^-1"):
                what = inverse(what)
            elif toks.take("?"):
                what = optional(what)
            elif toks.take("+"):
                what = closure(what)
            elif toks.peek() == "*" and not self.begins_operand(1):
                toks.next()
                what = optional(closure(what))
            else:
                return what

    def begins_operand(self, ahead):
        """Whether a star is that of a product"""
        kind, text = self.toks.kind(ahead), self.toks.peek(ahead)
        return text in ("(", "[", "~", "{") or (kind == "name" and text not in self.WORDS)

    def parse_primary(self, names):
        toks = self.toks
        if toks.take("("):
            what = self.parse_union(names)
            toks.expect(")")
            return what
        if toks.take("["):
            what = self.parse_union(names)
            toks.expect("]")
            return diagonal(what)
        if toks.take("let"):
            inner = dict(names)
            self.parse_let(inner)
            toks.expect("in")
            return self.parse_union(inner)
        if toks.take("if"):
            # The variant of herd7 that linux-kernel.cfg asks for is what this is.
            toks.next()
            toks.expect("then")
            what = self.parse_union(names)
            toks.expect("else")
            self.parse_union(names)
            return what
        if toks.kind() == "number":
            toks.next()
            return lambda x: 0
        name = toks.next()
        if name == "_":
            return lambda x: x.all
        if name not in names and name not in BUILT_IN:
            raise Refused(f"{name} in the model")
        if name in BUILT_IN or isinstance(names[name], tuple):
            toks.expect("(")
            argument = self.parse_union(names)
            toks.expect(")")
            if name in BUILT_IN:
                return BUILT_IN[name](argument)
            slot, body = names[name]
            return applied(slot, argument, body)
        return variable(names[name])


def variable(slot):
    def value(x):
        found = x.slots[slot]
        if found is None:
            found = x.slots[slot] = x.model.code[slot](x)
        return found
    return value


def applied(slot, argument, body):
    """A function is expanded where it is called: nothing of it is kept, as it has no `let`."""
    def value(x):
        x.slots[slot] = argument(x)
        return body(x)
    return value


def fixpoint(slot, bindings):
    def value(x):
        for one, _ in bindings:
            x.slots[one] = 0
        changed = True
        while changed:
            changed = False
            for one, what in bindings:
                new = what(x)
                old = x.slots[one]
                if new != (as_relation(x, old) if isinstance(new, tuple) else old):
                    x.slots[one] = new
                    changed = True
        return x.slots[slot]
    return value


def as_relation(x, value):
    if isinstance(value, tuple):
        return value
    if value:
        raise Refused("a set where there has to be a relation")
    return x.nothing


def each(function):
    """For sets and relations alike, of which 0 may be either"""
    def make(left, right):
        def value(x):
            a, b = left(x), right(x)
            if isinstance(a, tuple) or isinstance(b, tuple):
                return tuple(map(function, as_relation(x, a), as_relation(x, b)))
            return function(a, b)
        return value
    return make


union = each(lambda a, b: a | b)
intersection = each(lambda a, b: a & b)
difference = each(lambda a, b: a & ~b)


def bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def compose(a, b):
    result = []
    for row in a:
        new = 0
        while row:
            low = row & -row
            new |= b[low.bit_length() - 1]
            row ^= low
        result.append(new)
    return tuple(result)


def transitive(rows):
    rows = list(rows)
    for middle in range(len(rows)):
        row, bit = rows[middle], 1 << middle
        if row:
            for i, other in enumerate(rows):
                if other & bit:
                    rows[i] = other | row
    return tuple(rows)


def turned(rows):
    result = [0] * len(rows)
    for i, row in enumerate(rows):
        bit = 1 << i
        for j in bits(row):
            result[j] |= bit
    return tuple(result)


def sequence(left, right):
    def value(x):
        a = as_relation(x, left(x))
        return compose(a, as_relation(x, right(x))) if any(a) else x.nothing
    return value


def complement(what):
    def value(x):
        a = what(x)
        return tuple(x.all & ~row for row in a) if isinstance(a, tuple) else x.all & ~a
    return value


def product(left, right):
    def value(x):
        a, b = left(x), right(x)
        return tuple(b if a >> i & 1 else 0 for i in range(x.count))
    return value


def diagonal(what):
    def value(x):
        a = what(x)
        return tuple(a & 1 << i for i in range(x.count))
    return value


def inverse(what):
    return lambda x: turned(as_relation(x, what(x)))


def closure(what):
    return lambda x: transitive(as_relation(x, what(x)))


def optional(what):
    return lambda x: tuple(row | 1 << i for i, row in enumerate(as_relation(x, what(x))))


def domain(what):
    return lambda x: sum(1 << i for i, row in enumerate(as_relation(x, what(x))) if row)


def range_of(what):
    return lambda x: domain(lambda x: turned(as_relation(x, what(x))))(x)


def fencerel(what):
    """Pairs with one of these in between"""
    return lambda x: compose(compose(x.po, diagonal(what)(x)), x.po)


BUILT_IN = {"domain": domain, "range": range_of, "fencerel": fencerel,
            # of SRCU
            "different-values": lambda what: lambda x: x.nothing}

# What lock.cat makes of these, and the relations that it makes
LOCKED = ("R", "W", "M", "rmw", "rf", "rfe", "rfi", "co", "coe", "coi", "fr", "fre", "fri")
GIVEN = ("R", "W", "M", "F", "IW", "RMW", "LKR", "LKW", "UL", "LF", "RL", "RU", "po", "po-loc",
         "loc", "int", "ext", "id", "addr", "data", "ctrl", "rmw", "rf", "rfe", "rfi", "co", "coe", "coi",
         "fr", "fre", "fri") + tuple(name + " with locks" for name in LOCKED)


class Events:
    """Ways through all threads, and all that does not depend on who reads from whom"""

    def __init__(self, model, litmus, ways):
        self.model, self.litmus = model, litmus
        self.events = [Event(-1, "W", "", loc, litmus.init[loc]) for loc in sorted(litmus.locations)]
        self.initial = len(self.events)
        self.registers = {}
        offsets = []
        for way in ways:
            offsets.append(len(self.events))
            self.events += way.events
            self.registers.update({(way.number, name): value[0] for name, value in way.registers.items()})
        self.count = len(self.events)
        self.all = (1 << self.count) - 1
        self.nothing = (0,) * self.count
        self.reads = [i for i, e in enumerate(self.events) if e.kind in ("R", "LF", "RU")]
        self.slots = [None] * model.slots
        self.relate(offsets)

    def where(self, test):
        return sum(1 << i for i, event in enumerate(self.events) if test(i, event))

    def relate(self, offsets):
        events, count, slots, given = self.events, self.count, self.slots, self.model.given
        po, loc, inside = [], [], []
        for i, event in enumerate(events):
            mine = self.where(lambda j, e: e.thread == event.thread)
            inside.append(mine)
            po.append(mine & ~((2 << i) - 1) if event.thread >= 0 else 0)
            loc.append(self.where(lambda j, e: e.loc == event.loc) if event.loc else 0)
        self.po, self.loc = tuple(po), tuple(loc)
        self.po_loc = tuple(map(int.__and__, po, loc))
        deps = {"addr": [0] * count, "data": [0] * count, "ctrl": [0] * count}
        rmw, lock_rmw, self.critical = [0] * count, [0] * count, {}
        for i, event in enumerate(events):
            if event.thread < 0:
                continue
            base = offsets[event.thread]
            for name, rows in deps.items():
                for source in getattr(event, name):
                    rows[base + source] |= 1 << i
            if event.pair is None:
                continue
            if event.kind == "W":
                rmw[base + event.pair] |= 1 << i
            elif event.kind == "LKW":
                lock_rmw[base + event.pair] |= 1 << i
            else:
                self.critical[base + event.pair] = i
        kinds = {kind: self.where(lambda i, e: e.kind == kind)
                 for kind in ("R", "W", "F", "LKR", "LKW", "UL", "LF", "RU")}
        self.rmw = tuple(map(int.__or__, rmw, lock_rmw))
        values = {
            **kinds, **{name: tuple(rows) for name, rows in deps.items()}, "RL": 0,
            "M": kinds["R"] | kinds["W"], "IW": (1 << self.initial) - 1,
            "RMW": self.where(lambda i, e: e.rmw), "po": self.po, "po-loc": self.po_loc, "loc": self.loc,
            "int": tuple(inside), "ext": tuple(self.all & ~row for row in inside),
            "id": tuple(1 << i for i in range(count)), "rmw": tuple(rmw),
            "R with locks": kinds["R"] | kinds["LKR"] | kinds["LF"] | kinds["RU"],
            "W with locks": kinds["W"] | kinds["LKW"] | kinds["UL"], "rmw with locks": self.rmw,
        }
        values["M with locks"] = values["R with locks"] | values["W with locks"]
        for name, value in values.items():
            slots[given[name]] = value
        for slot, tag in self.model.tags.items():
            slots[slot] = self.where(lambda i, e: e.tag == tag)
        self.inside = tuple(inside)

    def executions(self):
        """All ways in which reads read from writes, and in which writes are in order"""
        sources = []
        for i in self.reads:
            event = self.events[i]
            sources.append([j for j, e in enumerate(self.events)
                            if e.kind in WRITES and e.loc == event.loc and e.value == event.value
                            and not self.po_loc[i] >> j & 1])
            if not sources[-1]:
                return
        orders = [self.orders_of(loc) for loc in sorted(self.litmus.locations)]
        for order in itertools.product(*orders):
            co = [0] * self.count
            for writes in order:
                for position, one in enumerate(writes):
                    for later in writes[position + 1:]:
                        co[one] |= 1 << later
            fixed = self.locked_reads(order)
            for chosen in itertools.product(*sources):
                rf = [0] * self.count
                for read, write in itertools.chain(zip(self.reads, chosen), fixed):
                    rf[write] |= 1 << read
                yield Execution(self, tuple(rf), tuple(co), order)

    def orders_of(self, loc):
        """Orders of the writes to a location, the initial one first. Critical sections are whole."""
        writes = [i for i, e in enumerate(self.events) if e.loc == loc and e.kind in WRITES]
        initial, rest = writes[0], writes[1:]
        groups = [(i, self.critical[i]) if i in self.critical else (i,)
                  for i in rest if self.events[i].kind != "UL"]
        result = []
        for order in itertools.permutations(groups):
            flat = [initial] + [i for group in order for i in group]
            # In the order of each thread
            if any(self.po[later] >> earlier & 1 for n, earlier in enumerate(flat) for later in flat[n + 1:]):
                continue
            # Who has not released a lock is the last one to take it.
            if any(self.events[g[0]].kind == "LKW" and len(g) == 1 for g in order[:-1]):
                continue
            result.append(flat)
        return result

    def locked_reads(self, order):
        """Which write the read of each spin_lock() reads: the one before its own"""
        result = []
        for writes in order:
            for position, one in enumerate(writes):
                if self.events[one].kind == "LKW":
                    read = next(i for i, row in enumerate(self.rmw) if row >> one & 1)
                    result.append((read, writes[position - 1]))
        return result


class Execution:
    def __init__(self, events, rf, co, order):
        self.all, self.count, self.nothing, self.po = events.all, events.count, events.nothing, events.po
        self.model, self.events, self.order = events.model, events, order
        self.slots = list(events.slots)
        self.rf, self.co = rf, co
        self.fr = compose(turned(rf), co)

    def is_coherent(self):
        """What most of them are not: cheaper than all of the model, which looks at it again"""
        together = map(lambda *rows: rows[0] | rows[1] | rows[2] | rows[3],
                       self.events.po_loc, self.rf, self.co, self.fr)
        if any(row >> i & 1 for i, row in enumerate(transitive(together))):
            return False
        return not any(map(int.__and__, self.events.rmw, self.between()))

    def between(self):
        """fre;coe"""
        outside = tuple(self.all & ~row for row in self.events.inside)
        return compose(tuple(map(int.__and__, self.fr, outside)), tuple(map(int.__and__, self.co, outside)))

    def state(self):
        state = dict(self.events.registers)
        for writes in self.order:
            last = self.events.events[writes[-1]]
            state[last.loc] = last.value
        return state

    def prepare(self):
        given = self.model.given
        for name, rows in (("rf", self.rf), ("co", self.co), ("fr", self.fr)):
            inside = tuple(map(int.__and__, rows, self.events.inside))
            outside = tuple(row & ~mine for row, mine in zip(rows, self.events.inside))
            # Locks are among them from the beginning: the model defines nothing by these before.
            for suffix, value in (("", rows), ("e", outside), ("i", inside)):
                self.slots[given[name + suffix]] = value
                self.slots[given[name + suffix + " with locks"]] = value

    def judge(self):
        """Whether the model allows it, and what it flags then"""
        self.prepare()
        flags = []
        for name, how, what in self.model.checks:
            if how == "flag":
                continue
            value = what(self)
            rows = as_relation(self, value)
            if how == "acyclic":
                rows = transitive(rows)
            if any(rows) if how == "empty" else any(row >> i & 1 for i, row in enumerate(rows)):
                return False, flags
        for name, how, what in self.model.checks:
            if how == "flag":
                value = what(self)
                if any(value) if isinstance(value, tuple) else value:
                    flags.append(name)
        return True, flags


# ---- the answer

def judge(model, macros, path):
    litmus = Litmus(path)
    found, positive, flags = 0, 0, set()
    for ways in combinations(all_ways(litmus, macros)):
        for execution in Events(model, litmus, ways).executions():
            if not execution.is_coherent():
                continue
            state = execution.state()
            if litmus.filter and not holds(litmus.filter, state):
                continue
            allowed, flagged = execution.judge()
            if not allowed:
                continue
            found += 1
            positive += holds(litmus.condition, state)
            flags.update(flagged)
    if not found:
        result = "DEADLOCK"
    elif positive == found:
        result = "Always"
    else:
        result = "Sometimes" if positive else "Never"
    return litmus, result, found, positive, sorted(flags)


def main():
    if len(sys.argv) < 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder, status = sys.argv[1], 0
    model, macros = Model(folder), Macros(os.path.join(folder, "linux-kernel.def"))
    for path in sys.argv[2:]:
        try:
            litmus, result, found, positive, flags = judge(model, macros, path)
            print(litmus.name, result, found, positive, *flags, flush=True)
        except (Refused, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
