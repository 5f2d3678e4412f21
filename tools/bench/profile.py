#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Let a running QEMU log each instruction for a while, and count them by function.

Used by profile.sh. An operation is a system call, from the first instruction of the
kernel to the last; those that an interrupt came into are left out. Of a fork, which is
the work of two tasks, it is all that the kernel does, by the number of forks.
"""

import argparse
import bisect
import collections
import os
import re
import shutil
import socket
import subprocess
import sys
import time

WIDTH = 100  # of a name
USER = 1 << 47  # below: user space
CALLS = {
    "groups": {"__x64_sys_pwrite64": "attach", "__x64_sys_mkdir": "mkdir",
               "__x64_sys_rmdir": "rmdir"},
    "threads": {"__x64_sys_pwrite64": "procs"},
    "listing": {"__x64_sys_pread64": "listing"},
    "fork": {"__x64_sys_clone": "fork"},
    "vfork": {"__x64_sys_vfork": "vfork"},
    "launch": {"__x64_sys_clone3": "launch"},
    "freeze": {"__x64_sys_pwrite64": "freeze or thaw"},
    "switch": {"__x64_sys_write": "switch"},
}
# Of these, all that the kernel does
WHOLE = ("fork", "vfork", "launch", "freeze", "switch")
# Functions of the series, in C and in Rust, whose names are mangled
OWN = re.compile(r"rcfs|nsproxy|zombie|4pids|7cpuacct|3cpu|rust_helper")
TRACE = re.compile(r"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")


def monitor(name, commands):
    """The human monitor; it says its prompt when a command is through."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(name)
        expect_prompt(line)
        for command in commands:
            if callable(command):
                command()
                continue
            line.sendall(command.encode() + b"\n")
            answer = expect_prompt(line)
            if "unknown command" in answer:
                return command
    return None


def expect_prompt(line):
    text = b""
    while not text.endswith(b"(qemu) "):
        more = line.recv(4096)
        if not more:
            sys.exit("profile.py: QEMU has ended")
        text += more
    return text.decode(errors="replace")


def wait_for(name, size):
    while not os.path.exists(name) or os.path.getsize(name) < size:
        time.sleep(0.1)


class Symbols:
    def __init__(self, name):
        self.addresses, self.names = [], []
        with open(name, encoding="ascii") as lines:
            found = []
            for line in lines:
                address, kind, symbol = line.split()
                # A zero-sized label of the padding before a function is none.
                if kind in "tTwW" and not symbol.startswith(("__pfx_", "__cfi_")):
                    found.append((int(address, 16), symbol))
        for address, symbol in sorted(found, key=lambda pair: pair[0]):
            if not self.addresses or address != self.addresses[-1]:
                self.addresses.append(address)
                self.names.append(symbol)

    def at(self, address):
        """The index of the function that an address is in"""
        return bisect.bisect_right(self.addresses, address) - 1


def readable(symbols):
    """The names of Rust as they are written, with whatever is there that knows how"""
    for tool in [f"llvm-cxxfilt-{version}" for version in range(22, 16, -1)] + ["llvm-cxxfilt",
                                                                              "c++filt"]:
        if shutil.which(tool):
            done = subprocess.run([tool], input="\n".join(symbols), capture_output=True, text=True,
                                  check=True).stdout.split("\n")
            return [name if len(name) <= WIDTH else name[:WIDTH - 3] + "..." for name in done]
    return symbols


class Profile:
    """What one kind of system call does"""

    def __init__(self):
        self.calls = 0
        self.disturbed = 0
        self.alone = collections.Counter()
        self.below = collections.Counter()

    def add(self, alone, below):
        self.calls += 1
        self.alone.update(alone)
        self.below.update(below)

    def add_all(self, calls, alone):
        self.calls = calls
        self.alone = alone

    def show(self, name, symbols):
        if not self.calls:
            print(f"{name}: none in the log; log for longer")
            return
        names = readable(symbols.names)
        total = sum(self.alone.values()) / self.calls
        print(f"\n{name}: {total:,.0f} instructions in each of {self.calls} calls; "
              f"{self.disturbed} had an interrupt\n")
        print("| alone | share | with what it calls | function |")
        print("|------:|------:|-------------------:|----------|")
        for index, count in self.alone.most_common(40):
            print(f"| {count / self.calls:,.1f} | {100 * count / self.calls / total:.1f} % "
                  f"| {self.below[index] / self.calls:,.0f} | {names[index]} |")
        if not self.below:
            own = [(index, count) for index, count in self.alone.most_common()
                   if OWN.search(symbols.names[index])]
            print(f"\nOf rcfs, without what it calls elsewhere: "
                  f"{sum(count for _, count in own) / self.calls:,.0f}\n")
            for index, count in own:
                print(f"{count / self.calls:10,.1f}  {names[index]}")
            return
        print("\nBy what is below them:\n")
        for index, count in self.below.most_common(45):
            print(f"{count / self.calls:10,.0f}  {names[index]}")


def count(log, symbols, names):
    """Split the log into system calls, and each into functions"""
    profiles = {name: Profile() for name in names.values()}
    entries = {symbols.names.index(symbol): name for symbol, name in names.items()}
    entry = symbols.addresses[symbols.names.index("entry_SYSCALL_64")]
    interrupts = {index for index, symbol in enumerate(symbols.names)
                  if symbol.startswith(("asm_sysvec_", "asm_common_interrupt"))}
    inside = kind = disturbed = None
    for line in log:
        match = TRACE.match(line)
        if not match:
            continue
        address = int(match.group(1), 16)
        if address < USER:
            if inside and kind and disturbed:
                profiles[kind].disturbed += 1
            elif inside and kind:
                profiles[kind].add(alone, below)
            inside = False
            continue
        if address == entry:
            inside, kind, disturbed = True, None, False
            alone, below = collections.Counter(), collections.Counter()
            stack = []
        if not inside:
            continue
        index = symbols.at(address)
        # A stack of functions: one is called at its first instruction, and was
        # left if we are in one that called it.
        if not stack or stack[-1] != index:
            if address != symbols.addresses[index] and index in stack:
                while stack[-1] != index:
                    stack.pop()
            else:
                stack.append(index)
        alone[index] += 1
        for each in set(stack):
            below[each] += 1
        disturbed |= index in interrupts
        if kind is None and index in entries:
            kind = entries[index]
    return profiles


def count_all(log, symbols, names):
    """Everything that the kernel does, by the number of the system calls"""
    (symbol, name), = names.items()
    start = symbols.addresses[symbols.names.index(symbol)]
    calls, alone, profile = 0, collections.Counter(), Profile()
    for line in log:
        match = TRACE.match(line)
        address = int(match.group(1), 16) if match else 0
        if address < USER:
            continue
        calls += address == start
        alone[symbols.at(address)] += 1
    profile.add_all(calls, alone)
    return {name: profile}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--monitor", help="QEMU's monitor; without it the log is there already")
    parser.add_argument("--log", required=True)
    parser.add_argument("--symbols", required=True)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--what", required=True, choices=CALLS)
    options = parser.parse_args()
    if options.monitor:
        # One instruction a block of code, or the log would show blocks.
        single = "one-insn-per-tb on"
        if monitor(options.monitor, [single]):
            monitor(options.monitor, ["singlestep on"])
        monitor(options.monitor, [f"logfile {options.log}", "log exec,nochain",
                                  lambda: wait_for(options.log, options.megabytes << 20),
                                  "log none", "stop"])
    symbols = Symbols(options.symbols)
    with open(options.log, encoding="ascii", errors="replace") as log:
        counter = count_all if options.what in WHOLE else count
        profiles = counter(log, symbols, CALLS[options.what])
    for name, profile in profiles.items():
        profile.show(name, symbols)


if __name__ == "__main__":
    main()
