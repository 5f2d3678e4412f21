# SPDX-License-Identifier: GPL-2.0
"""Patches as commits: reading and writing them in git repositories by plumbing.

Each patch has the full content of the files it touches, so that a series can be
put on top of the whole source or of only those files, whichever is at hand.
"""
import os
import subprocess
import sys


def die(*lines):
    sys.exit("series: " + "\n        ".join(lines))


def say(text):
    print("series: " + text, file=sys.stderr)


def plural(count, noun):
    return f"{count} {noun}" + ("" if count == 1 else "s" if noun[-1] != "h" else "es")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as err:
        die(f"cannot read {path}: {err.strerror}")


def write(path, content, mode="100644"):
    """Replace @path; never write through a hard link to another tree."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new~", "wb") as file:
        file.write(content)
    os.chmod(path + ".new~", 0o755 if mode == "100755" else 0o644)
    os.replace(path + ".new~", path)


def file_of(path):
    """(mode, content) of a file on disk, as git sees it; None if there is none."""
    if not os.path.isfile(path):
        return None
    return ("100755" if os.stat(path).st_mode & 0o100 else "100644", read(path))


class Repo:
    """A git repository that is driven by plumbing."""

    def __init__(self, path, private=True):
        self.path = path
        # Called from a hook, git would mean that hook's repository.
        drop = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_CONFIG_GLOBAL")
        self.env = {key: value for key, value in os.environ.items()
                    if key not in drop[:None if private else -1]}
        if private:
            # The output must depend on nothing that this user has configured.
            self.env.update(HOME=path, XDG_CONFIG_HOME=path, GIT_CONFIG_NOSYSTEM="1",
                            GIT_ATTR_NOSYSTEM="1", LC_ALL="C", TZ="UTC",
                            GIT_COMMITTER_NAME="series", GIT_COMMITTER_EMAIL="series")

    def run(self, *args, data=None):
        return subprocess.run(["git", "-C", self.path, *args], input=data, env=self.env,
                              stdin=None if data is not None else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def git(self, *args, data=None):
        result = self.run(*args, data=data)
        if result.returncode:
            die(f"git {args[0]} failed in {self.path}:", *text(result.stderr).splitlines())
        return result.stdout

    def ref(self, name):
        result = self.run("rev-parse", "-q", "--verify", name + "^{commit}")
        return None if result.returncode else text(result.stdout).strip()

    def file(self, commit, path):
        """(mode, content) of @path in @commit, None if it is not there."""
        entry = self.git("ls-tree", "-z", commit, "--", path)
        if not entry:
            return None
        mode, _, sha = entry.split(b"\t")[0].split()
        return (text(mode), self.git("cat-file", "blob", text(sha)))


def text(data):
    return data.decode("utf-8", "surrogateescape")


def raw(string):
    return string.encode("utf-8", "surrogateescape")


class Patch:
    """One commit: who and when, the message, and each touched file's new content."""

    def __init__(self, author, message, files):
        self.author = author    # "Name <mail> seconds +zone"
        self.message = message
        self.files = files      # {path: (mode, content), or None: deleted}

    @property
    def subject(self):
        return self.message.split("\n", 1)[0]


def read_commits(repo, base, head):
    patches = []
    for line in text(repo.git("rev-list", "--reverse", "--parents", f"{base}..{head}")).splitlines():
        commit, *parents = line.split()
        if len(parents) != 1:
            die(f"{repo.path}: commit {commit[:12]} is a merge; a series is a line of commits")
        author, message = text(repo.git("show", "-s", "--date=raw", "--format=%an <%ae> %ad%n%B",
                                        commit)).split("\n", 1)
        files = {}
        fields = repo.git("diff-tree", "-r", "-z", "--no-renames", parents[0], commit).split(b"\0")
        for meta, path in zip(fields[0:-1:2], fields[1::2]):
            _, mode, _, sha, kind = text(meta).split()
            files[text(path)] = None if kind == "D" else (mode, repo.git("cat-file", "blob", sha))
        patches.append(Patch(author, message.strip("\n") + "\n", files))
    return patches


def fast_import(repo, ref, stream):
    repo.git("-c", "core.compression=1", "fast-import", "--quiet", "--force", data=b"".join(stream))
    return repo.ref(ref)


def blob(content):
    return b"data %d\n%s\n" % (len(content), content)


def files_stream(files):
    for path, entry in sorted(files.items()):
        if entry is None:
            yield b"D %s\n" % raw(path)
        else:
            yield b"M %s inline %s\n%s" % (raw(entry[0]), raw(path), blob(entry[1]))


def write_commits(repo, base, patches, ref):
    """Put @patches on top of @base; the same patches give the same commits."""
    stream = [b"reset %s\nfrom %s\n\n" % (raw(ref), raw(base))]
    for patch in patches:
        who = raw(patch.author)
        stream.append(b"commit %s\nauthor %s\ncommitter %s\n%s" %
                      (raw(ref), who, who, blob(raw(patch.message))))
        stream += [*files_stream(patch.files), b"\n"]
    return fast_import(repo, ref, stream)
