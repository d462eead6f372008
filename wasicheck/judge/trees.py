"""What a guest left on disk: what is asked for is there, and everything else is as it was."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import assert_never

from wasicheck.judge.findings import Finding, met, missed, shown
from wasicheck.judge.model import Verdict
from wasicheck.judge.run import Run, SeenEntry, Tree
from wasicheck.values import Bindings, Pattern, Value, match
from wasicheck.values.pattern_types import BytesLiteral, Length, Literal
from wasicheck.vectors.model import TreeExpectation, Vector
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.paths import path_text, target_text
from wasicheck.vectors.surroundings import Absent, Anything, AnythingBeneath, EntryKind, Present

NAMED = 5
"""How many unexpected changes a message tells of."""

_WORDS: Mapping[EntryKind, str] = {
    EntryKind.FILE: "a regular file",
    EntryKind.DIRECTORY: "a directory",
    EntryKind.SYMLINK: "a symbolic link",
    EntryKind.FIFO: "a named pipe",
    EntryKind.SOCKET: "a socket",
    EntryKind.BLOCK_DEVICE: "a block device",
    EntryKind.CHARACTER_DEVICE: "a character device",
    EntryKind.OTHER: "something else",
}


def judge_tree(vector: Vector, run: Run, captured: Mapping[str, Value]) -> list[Finding]:
    """Judge the tree of a run by the vector's `after: tree:`; what that does not name must not have changed.

    Of what is not named kind, mode, content, target, size and links are compared, and when files and symbolic links
    were modified; of directories, kind and mode. A new directory in which something is asked for is asked for, too.
    """
    bindings = Bindings(captured, max((frame.received_at for frame in run.frames), default=0))
    findings = [_judge_entry(vector, expectation, run.after, bindings) for expectation in vector.after.tree]
    if changes := list(_unexpected(vector.after.tree, run.before, run.after)):
        told = changes if len(changes) <= NAMED else [*changes[:NAMED], f"and {len(changes) - NAMED} more"]
        message = f"{vector.after.place}: the tree is not as it was: {'; '.join(told)}"
        findings.append(Finding(missed(vector.level), message))
    return findings


# --- what is asked for ---------------------------------------------------------------------------------


def _judge_entry(vector: Vector, expectation: TreeExpectation, after: Tree, bindings: Bindings) -> Finding:
    seen = after.get(expectation.path)
    entry = expectation.entry
    match entry:
        case Anything() | AnythingBeneath():
            return Finding(met(expectation.level))
        case Absent():
            why = None if seen is None else ""
        case Present():
            why = _kind_differs(entry, seen)
            if why is None and seen is not None:
                try:
                    why = "; ".join(_differences(entry, seen, after, bindings)) or None
                except _UnreadError as error:
                    return Finding(Verdict.ERROR, f"{expectation.place}: {path_text(expectation.path)}: {error}")
        case _:
            assert_never(entry)
    if why is None:
        return Finding(met(expectation.level))
    found = f"found {_described(seen)}"
    words = f"expected {expectation.text}, {found}{f' ({why})' if why else ''}"
    return Finding(missed(expectation.level), f"{expectation.place}: {path_text(expectation.path)}: {words}")


class _UnreadError(Exception):
    """The harness has not kept what it would take to compare a file."""


def _kind_differs(wanted: Present, seen: SeenEntry | None) -> str | None:
    """Why what is there is of no such kind: an empty text, since what is there tells; None if it is."""
    return None if seen is not None and seen.kind is wanted.kind else ""


def _differences(wanted: Present, seen: SeenEntry, after: Tree, bindings: Bindings) -> Iterator[str]:
    """What differs in an entry of the kind that is wanted."""
    if wanted.data is not None and (why := _data_differs(wanted.data, seen, bindings)) is not None:
        yield f"content: {why}"
    for what, pattern, value in (
        ("size", wanted.size, seen.size),
        ("time of modification", wanted.modified, seen.modified),
        ("time of access", wanted.accessed, seen.accessed),
    ):
        if pattern is not None and not (found := match(pattern, value, bindings)).ok:
            yield f"{what}: {found.reason}"
    if wanted.target is not None and seen.target != wanted.target:
        yield "it leads elsewhere"
    if wanted.mode is not None and seen.mode != wanted.mode:
        yield f"mode {seen.mode:#o}"
    if wanted.links is not None and seen.links != wanted.links:
        yield _links(seen)
    if wanted.same_as is not None:
        other = after.get(wanted.same_as)
        if other is None or other.identity != seen.identity:
            yield f"it is not the same file as {path_text(wanted.same_as)}, which is {_described(other)}"


def _data_differs(pattern: Pattern, seen: SeenEntry, bindings: Bindings) -> str | None:
    """Why a file's bytes are not those of a pattern; by length and checksum where that is all that was kept."""
    if seen.content is not None:
        found = match(pattern, seen.content, bindings)
        return None if found.ok else found.reason
    if isinstance(pattern, Length):
        found = match(pattern.pattern, seen.size, bindings)
        return None if found.ok else f"length: {found.reason}"
    match pattern:
        case Literal(value=bytes() as data):
            wanted = data
        case BytesLiteral(content=content):
            wanted = content.materialise()
        case _:
            raise _UnreadError(f"the harness has not kept the {seen.size} bytes of this file")
    if seen.crc32 is None and seen.size == len(wanted):
        raise _UnreadError(f"the harness cannot read the {seen.size} bytes of this file")
    return None if (seen.size, seen.crc32) == (len(wanted), zlib.crc32(wanted)) else "another length or checksum"


# --- what is not ---------------------------------------------------------------------------------------


def _unexpected(expectations: tuple[TreeExpectation, ...], before: Tree, after: Tree) -> Iterator[str]:
    """The changes that no expectation names, in the order of their paths."""
    beneath = {e.path for e in expectations if isinstance(e.entry, AnythingBeneath)}
    named = {e.path for e in expectations if not isinstance(e.entry, AnythingBeneath)}
    free = beneath | {e.path for e in expectations if isinstance(e.entry, Absent | Anything)}
    present = [e.path for e in expectations if isinstance(e.entry, Present)]
    on_the_way = beneath | {parent for path in (*present, *beneath) for parent in path.parents}
    for path in sorted(before.keys() | after.keys()):
        if path in named or not free.isdisjoint(path.parents):
            continue
        old, new = before.get(path), after.get(path)
        if old is None and new is not None and new.kind is EntryKind.DIRECTORY and path in on_the_way:
            continue
        if (change := _change(old, new)) is not None:
            yield f"{path_text(path)} {change}"


def _change(old: SeenEntry | None, new: SeenEntry | None) -> str | None:
    """How an entry has changed; None if it has not."""
    if old is None or new is None or old.kind is not new.kind:
        return None if old is new else f"was {_described(old)}, and is {_described(new)}"
    changes: list[str] = []
    if old.target != new.target or (old.kind is EntryKind.FILE and not _same_content(old, new)):
        changes.append(f"was {_described(old)}, and is {_described(new)}")
    if old.mode != new.mode:
        changes.append(f"had mode {old.mode:#o}, and has {new.mode:#o}")
    if old.kind is not EntryKind.DIRECTORY and old.links != new.links:
        changes.append(f"had {_links(old)}, and has {_links(new)}")
    if old.kind in (EntryKind.FILE, EntryKind.SYMLINK) and old.modified != new.modified:
        changes.append(f"was modified at {_time(old.modified)}, and is at {_time(new.modified)}")
    return ", ".join(changes) or None


def _same_content(old: SeenEntry, new: SeenEntry) -> bool:
    """Whether two files have the same bytes, as far as was kept of them."""
    if old.size != new.size:
        return False
    if old.content is not None and new.content is not None:
        return old.content == new.content
    a, b = (seen.crc32 if seen.content is None else zlib.crc32(seen.content) for seen in (old, new))
    return a is None or b is None or a == b


# --- words ---------------------------------------------------------------------------------------------


def _described(seen: SeenEntry | None) -> str:
    if seen is None:
        return "nothing"
    words = _WORDS[seen.kind]
    if seen.kind is EntryKind.SYMLINK:
        return f"{words} to {target_text(seen.target or '')}"
    if seen.kind is not EntryKind.FILE:
        return words
    if seen.content is not None:
        content = f": {_excerpt(seen.content)}" if seen.content else ""
    else:
        content = f" with checksum {seen.crc32:#010x}" if seen.crc32 is not None else ""
    return f"{words} of {_bytes(seen.size)}{content}"


def _excerpt(data: bytes) -> str:
    text = shown(data, BYTES)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _bytes(size: int) -> str:
    return "1 byte" if size == 1 else f"{size} bytes"


def _links(seen: SeenEntry) -> str:
    return "1 name" if seen.links == 1 else f"{seen.links} names"


def _time(nanoseconds: int) -> str:
    seconds, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{'-' * (nanoseconds < 0)}{seconds}.{rest:09} s"
