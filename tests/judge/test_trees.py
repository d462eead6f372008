"""What is left on disk: asked for, unchanged, or neither."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from inline import one

from wasicheck.judge.model import Verdict
from wasicheck.judge.run import Exit, ExitReason, Run, SeenEntry
from wasicheck.judge.trees import judge_tree
from wasicheck.vectors.surroundings import EntryKind

MORE = """\
    given: {tree: {d/: {}, e/: {}}}
    after: {tree: {%s}}
"""


def path(text):
    return PurePosixPath(text)


def file(data=b"x", **changes):
    found = SeenEntry(EntryKind.FILE, 0o644, len(data), 1, 5, 5, (1, zlib.crc32(data)), data)
    return replace(found, **changes)


def large(data, **changes):
    return file(data, content=None, crc32=zlib.crc32(data), **changes)


def entry(kind, **changes):
    return replace(SeenEntry(kind, 0o755, 4096, 1, 5, 5, (1, 2)), **changes)


DIRECTORY = entry(EntryKind.DIRECTORY)
LINK = entry(EntryKind.SYMLINK, target="a")
FIFO = entry(EntryKind.FIFO)


def run(before, after):
    trees = {"before": before, "after": after}
    seen = {name: {path(p): e for p, e in tree.items()} for name, tree in trees.items()}
    return Run(frames=(), anomalies=(), exit=Exit(ExitReason.EXITED, 0), stdout=b"", stderr=b"", **seen)


def judged(text, after, before=None, *, requirement="must", captured=None):
    vector = one("- yield: 1", more=MORE % text, requirement=requirement)
    return judge_tree(vector, run(before or {}, after), captured or {})


@pytest.mark.parametrize(
    ("text", "after", "words"),
    [
        ("d/a: '\"x\"'", {"d/a": file()}, None),
        ("d/a: '\"x\"'", {"d/a": file(mode=0o600, links=2)}, None),
        ("d/a: '\"y\"'", {"d/a": file()}, 'd/a: expected "y", found a regular file of 1 byte: "x" (content: '),
        ("d/a: '\"y\"'", {}, 'd/a: expected "y", found nothing'),
        ("d/a: '\"y\"'", {"d/a": DIRECTORY}, 'd/a: expected "y", found a directory'),
        ("d/a: file", {"d/a": file()}, None),
        ("d/a: file", {"d/a": FIFO}, "d/a: expected file, found a named pipe"),
        ("d/a: fifo", {"d/a": FIFO}, None),
        ("d/a: absent", {}, None),
        ("d/a: absent", {"d/a": file(b"")}, "d/a: expected absent, found a regular file of 0 bytes"),
        ("d/a/: directory", {"d/a": DIRECTORY}, None),
        ("d/a/: directory", {"d/a": file()}, "d/a: expected directory, found a regular file"),
        ("d/a/: {mode: 0o755}", {"d/a": DIRECTORY}, None),
        ("d/a/: {mode: 0o700}", {"d/a": DIRECTORY}, "found a directory (mode 0o755)"),
        ("d/a: {symlink: a}", {"d/a": LINK}, None),
        ("d/a: {symlink: b/}", {"d/a": LINK}, "found a symbolic link to a (it leads elsewhere)"),
        ("d/a: any", {"d/a": DIRECTORY, "d/a/b": file()}, None),
        ("d/**: any", {"d/a": DIRECTORY, "d/a/b": file()}, None),
        ("d/a: {data: 'prefix(\"x\")', size: 1..2, modified: 5ns, accessed: ..6, links: 1}", {"d/a": file()}, None),
        ("d/a: {size: 2..}", {"d/a": file()}, "(size: expected 2.., observed 1)"),
        ("d/a: {modified: 5s}", {"d/a": file()}, "(time of modification: expected 5000000000, observed 5)"),
        ("d/a: {accessed: 4}", {"d/a": file()}, "(time of access: expected 4, observed 5)"),
        ("d/a: {mode: 0o600, links: 2}", {"d/a": file()}, "(mode 0o644; 1 name)"),
        ("d/a: {same-as: d/b}, d/b: file", {"d/a": file(), "d/b": file()}, None),
        (
            "d/a: {same-as: d/b}, d/b: file",
            {"d/a": file(), "d/b": file(b"y")},
            "it is not the same file as d/b, which is",
        ),
        ("d/a: {same-as: d/b}", {"d/a": file()}, "it is not the same file as d/b, which is nothing"),
    ],
)
def test_what_is_asked_for(text, after, words):
    found = [finding for finding in judged(text, after) if finding.verdict is not Verdict.PASS]
    if words is None:
        assert found == []
    else:
        assert [finding.verdict for finding in found] == [Verdict.FAIL]
        assert words in found[0].message


@pytest.mark.parametrize(
    ("text", "seen", "verdict"),
    [
        ("'pattern(5)'", large(bytes(range(5))), Verdict.PASS),
        ("'pattern(5)'", large(b"01234"), Verdict.FAIL),
        ("'pattern(5)'", large(b"0123"), Verdict.FAIL),
        ("'pattern(8KiB)'", large(bytes(i % 251 for i in range(8192))), Verdict.PASS),
        ("'pattern(8KiB)'", large(bytes(8192)), Verdict.FAIL),
        ("'length(5..)'", large(bytes(5)), Verdict.PASS),
        ("'length(6..)'", large(bytes(5)), Verdict.FAIL),
        ("'prefix(\"a\")'", large(bytes(5)), Verdict.ERROR),
        ("'pattern(5)'", file(content=None, size=5), Verdict.ERROR),
        ("'pattern(5)'", file(content=None, size=6), Verdict.FAIL),
    ],
)
def test_a_file_of_which_the_checksum_was_kept(text, seen, verdict):
    (found,) = judged(f"d/a: {text}", {"d/a": seen})
    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("{must: '\"y\"'}", Verdict.FAIL),
        ("{should: '\"y\"'}", Verdict.NON_STRICT),
        ("{may: '\"y\"'}", Verdict.INFO),
        ("{may: '\"x\"'}", Verdict.INFO),
        ("{should: '\"x\"'}", Verdict.PASS),
    ],
)
def test_grades(text, verdict):
    (found,) = judged(f"d/a: {text}", {"d/a": file()})
    assert found.verdict is verdict


BEFORE = {
    "d": DIRECTORY,
    "d/a": file(b"abc"),
    "d/big": large(b"big"),
    "d/huge": file(content=None, size=1 << 40),
    "d/l": LINK,
    "d/p": FIFO,
    "e": DIRECTORY,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"d": entry(EntryKind.DIRECTORY, modified=9, links=3, size=8192)}, None),
        ({"d/a": file(b"abc", accessed=9)}, None),
        ({"d/p": entry(EntryKind.FIFO, modified=9)}, None),
        # What is kept of a file depends on the others.
        ({"d/big": file(b"big"), "d/a": large(b"abc")}, None),
        ({"d/new": file()}, 'd/new was nothing, and is a regular file of 1 byte: "x"'),
        ({"d/new": DIRECTORY}, "d/new was nothing, and is a directory"),
        ({"d/a": None}, 'd/a was a regular file of 3 bytes: "abc", and is nothing'),
        ({"d/a": DIRECTORY}, 'd/a was a regular file of 3 bytes: "abc", and is a directory'),
        ({"d/a": file(b"abd")}, 'd/a was a regular file of 3 bytes: "abc", and is a regular file of 3 bytes: "abd"'),
        ({"d/a": file(b"abc", mode=0o600)}, "d/a had mode 0o644, and has 0o600"),
        ({"d/a": file(b"abc", links=2)}, "d/a had 1 name, and has 2 names"),
        ({"d/a": file(b"abc", modified=-1)}, "d/a was modified at 0.000000005 s, and is at -0.000000001 s"),
        ({"d/big": large(b"bag")}, "d/big was a regular file of 3 bytes with checksum "),
        ({"d/huge": file(content=None, size=1 << 41)}, "d/huge was a regular file of 1099511627776 bytes, and is"),
        ({"d/l": replace(LINK, target="b")}, "d/l was a symbolic link to a, and is a symbolic link to b"),
        ({"d/l": replace(LINK, modified=9)}, "d/l was modified at"),
        ({"e": entry(EntryKind.DIRECTORY, mode=0o700)}, "e had mode 0o755, and has 0o700"),
    ],
)
def test_what_is_not_named_is_as_it_was(changes, words):
    after = {name: seen for name, seen in (BEFORE | changes).items() if seen is not None}
    found = judged("", after, BEFORE)
    if words is None:
        assert found == []
    else:
        (finding,) = found
        assert finding.verdict is Verdict.FAIL
        assert words in finding.message
        assert finding.message.startswith("vectors/x.yaml:8: the tree is not as it was: ")


@pytest.mark.parametrize(
    ("text", "before", "after", "verdicts"),
    [
        # What was in a directory that has to be gone has to be gone as well.
        ("d/: absent", {"d": DIRECTORY, "d/a": file()}, {}, [Verdict.PASS]),
        # A directory in which something is asked for is asked for.
        ("d/n/m/a: file", {}, {"d/n": DIRECTORY, "d/n/m": DIRECTORY, "d/n/m/a": file()}, [Verdict.PASS]),
        # Not so what else is in it, or a file on the way.
        ("d/n/a: file", {}, {"d/n": DIRECTORY, "d/n/a": file(), "d/n/b": file()}, [Verdict.PASS, Verdict.FAIL]),
        ("d/n/a: absent", {}, {"d/n": DIRECTORY}, [Verdict.PASS, Verdict.FAIL]),
        # What is beneath is free, what is beside is not, and what is named is compared all the same.
        ("d/t/**: any", {}, {"d/t": DIRECTORY, "d/t/a": file(), "d/b": file()}, [Verdict.PASS, Verdict.FAIL]),
        # The directory itself is compared, but a new one is asked for.
        ("d/t/**: any", {"d/t": DIRECTORY, "d/t/a": file()}, {"d/t": DIRECTORY}, [Verdict.PASS]),
        ("d/t/**: any", {"d/t": DIRECTORY, "d/t/a": file()}, {}, [Verdict.PASS, Verdict.FAIL]),
        ("d/t/**: any", {"d/t": DIRECTORY}, {"d/t": file()}, [Verdict.PASS, Verdict.FAIL]),
        ("d/t/u/**: any", {}, {"d/t": DIRECTORY, "d/t/u": DIRECTORY, "d/t/u/a": file()}, [Verdict.PASS]),
        ("d/t/: any", {"d/t": DIRECTORY, "d/t/a": file()}, {}, [Verdict.PASS]),
        ("d/t/**: any, d/t/a: absent", {}, {"d/t/a": file(), "d/t/b": file()}, [Verdict.PASS, Verdict.FAIL]),
        ("d/n/: directory", {}, {"d/n": DIRECTORY, "d/n/a": file()}, [Verdict.PASS, Verdict.FAIL]),
    ],
)  # fmt: skip
def test_what_is_named(text, before, after, verdicts):
    assert [finding.verdict for finding in judged(text, after, before)] == verdicts


@pytest.mark.parametrize(
    ("requirement", "verdict"),
    [("must", Verdict.FAIL), ("should", Verdict.NON_STRICT), ("may", Verdict.INFO)],
)
def test_a_change_weighs_as_the_vector_does(requirement, verdict):
    (found,) = judged("", {"d/a": file()}, requirement=requirement)
    assert found.verdict is verdict


def test_many_changes_are_told_in_short():
    (found,) = judged("", {f"d/{i}": file() for i in range(9)})
    assert "d/0 was nothing" in found.message
    assert found.message.endswith("; and 4 more")


def test_names_are_told_as_vectors_write_them():
    (found,) = judged("", {"d/f\udcff\n": entry(EntryKind.SYMLINK, target="\udc80/x")})
    assert "d/hex(66 ff 0a) was nothing, and is a symbolic link to hex(80)/x" in found.message


@pytest.mark.parametrize(("length", "verdict"), [(1, Verdict.PASS), (2, Verdict.FAIL), (None, Verdict.FAIL)])
def test_what_is_there_is_compared_with_a_capture(length, verdict):
    vector = one(
        "- call: random/random.get-random-u64()\n  expect: 0.. & $n",
        more=MORE % "d/a: {size: == $n}",
    )
    (found,) = judge_tree(vector, run({}, {"d/a": file()}), {} if length is None else {"n": length})
    assert found.verdict is verdict


def test_there_is_no_tree():
    assert judge_tree(one("- yield: 1"), run({}, {}), {}) == []
