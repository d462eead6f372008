"""The `given:` and `after:` of a vector: its surroundings, and what must be true outside when it has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from wasicheck.values import ExpressionError, accepts_everything, parse_pattern
from wasicheck.vectors.harness import read_bytes
from wasicheck.vectors.model import (
    After,
    Environment,
    ExitExpectation,
    ExitKind,
    Expectation,
    FileEntry,
    Level,
    Place,
    Preopen,
    Sink,
    Source,
    Stdin,
)
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.source import Node

_GIVEN = (
    "args",
    "env",
    "cwd",
    "stdin",
    "stdout",
    "stderr",
    "preopens",
    "network",
    "descriptors",
    "host-env",
    "features",
)
_WITH_DATA = (Source.BYTES, Source.FILE)
_CODE = re.compile(r"code\((\d{1,3})\)")


def read_environment(node: Node | None, *, acknowledged: bool) -> Environment:
    """Read `given:`; `acknowledged`: stdin is the harness's channel. Raise `VectorError`."""
    entry: dict[str, Node] = node.mapping("`given`", _GIVEN) if node is not None else {}
    stdin = _stdin(entry["stdin"]) if "stdin" in entry else Stdin(Source.CONTROL if acknowledged else Source.NULL)
    return Environment(
        args=_texts(entry, "args"),
        env=_pairs(entry, "env"),
        cwd=entry["cwd"].text("a directory") if "cwd" in entry else None,
        stdin=stdin,
        stdout=_sink(entry, "stdout"),
        stderr=_sink(entry, "stderr"),
        preopens=_preopens(entry["preopens"]) if "preopens" in entry else (),
        network="network" in entry and entry["network"].boolean("`network`"),
        descriptors=entry["descriptors"].integer("a number of descriptors", 8, 65536)
        if "descriptors" in entry
        else None,
        host_env=_pairs(entry, "host-env"),
        features=_texts(entry, "features"),
    )


def _stdin(node: Node) -> Stdin:
    if not node.is_mapping:
        word = node.choice("a kind of stdin", [s.value for s in Source if s not in (*_WITH_DATA, Source.CONTROL)])
        return Stdin(Source(word))
    entry = node.mapping("stdin", [s.value for s in _WITH_DATA])
    if len(entry) != 1:
        node.fail("stdin is one thing", "`bytes` or `file`, with what is in it")
    ((kind, data),) = entry.items()
    return Stdin(Source(kind), read_bytes(data))


def _sink(entry: Mapping[str, Node], key: str) -> Sink:
    return Sink(entry[key].choice(f"a kind of {key}", [s.value for s in Sink])) if key in entry else Sink.PIPE


def _descriptors(entry: Mapping[str, Node]) -> int | None:
    return entry["descriptors"].integer("a number of descriptors", 8, 65536) if "descriptors" in entry else None


def _texts(entry: Mapping[str, Node], key: str) -> tuple[str, ...]:
    return tuple(n.text("a text") for n in entry[key].sequence(f"`{key}`")) if key in entry else ()


def _pairs(entry: Mapping[str, Node], key: str) -> tuple[tuple[str, str], ...]:
    if key not in entry:
        return ()
    return tuple((name, value.text("a value")) for name, (_, value) in entry[key].entries(f"`{key}`").items())


def _preopens(node: Node) -> tuple[Preopen, ...]:
    return tuple(
        Preopen(name, tuple(_file(path, key, file) for path, (key, file) in content.entries("a directory").items()))
        for name, (_, content) in node.entries("`preopens`").items()
    )


def _file(path: str, key: Node, node: Node) -> FileEntry:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        key.fail(f"`{path}` is not a path within the directory")
    entry = node.mapping("a file", ("data", "modified"))
    data = read_bytes(entry["data"]) if "data" in entry else b""
    return FileEntry(pure, data, entry["modified"].duration("a time", low=-(1 << 62)) if "modified" in entry else None)


def read_after(node: Node | None, place: Place, level: Level, *, ends_by_itself: bool, fails: bool) -> After:
    """Read `after:`; raise `VectorError`.

    A guest that comes to its end (`ends_by_itself`) is expected to be reported as a success, or as a failure where
    its last word is `return: err` (`fails`), unless the vector says otherwise.
    """
    entry: dict[str, Node] = node.mapping("`after`", ("exit", "stdout", "stderr")) if node is not None else {}
    exit: ExitExpectation | None = None
    if "exit" in entry:
        exit = _exit(entry["exit"], level)
    elif ends_by_itself:
        exit = ExitExpectation(ExitKind.FAILURE if fails else ExitKind.SUCCESS, None, Level.MUST)
    where = node.place if node is not None else place
    return After(exit, _output(entry, "stdout", level), _output(entry, "stderr", level), where)


def _exit(node: Node, level: Level) -> ExitExpectation:
    if node.is_mapping:
        graded = node.mapping("a graded exit", [v.value for v in Level])
        if len(graded) != 1:
            node.fail("one level is given to an exit")
        ((name, inner),) = graded.items()
        return _exit(inner, Level(name))
    text = node.text("how the host ends")
    if text in (ExitKind.SUCCESS, ExitKind.FAILURE):
        return ExitExpectation(ExitKind(text), None, level)
    code = _CODE.fullmatch(text)
    if code is None or int(code[1]) > 255:
        node.fail(f"expected how the host ends, found `{text}`", "`success`, `failure` or `code(7)`")
    return ExitExpectation(ExitKind.CODE, int(code[1]), level)


def _output(entry: Mapping[str, Node], key: str, level: Level) -> tuple[Expectation, ...]:
    if key not in entry:
        return ()
    node = entry[key]
    if node.is_mapping:
        graded = node.mapping("graded expectations", [v.value for v in Level])
        return tuple(_pattern(part, Level(name)) for name, part in graded.items())
    return (_pattern(node, level),)


def _pattern(node: Node, level: Level) -> Expectation:
    text = node.text("a pattern over bytes")
    try:
        pattern = parse_pattern(text, BYTES, {})
    except ExpressionError as error:
        node.expression_failed(error)
    if accepts_everything(pattern):
        node.fail(f"`{text}` accepts every output", "say what is expected, or leave it out")
    return Expectation(level, pattern, text)
