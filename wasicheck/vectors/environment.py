"""The `given:` and `after:` of a vector: its surroundings, and what must be true outside when it has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wasicheck.vectors.aftermath import read_tree_expectations
from wasicheck.vectors.expectations import LEVELS, read_output
from wasicheck.vectors.keys import AFTER, GIVEN, STDIN
from wasicheck.vectors.literals import read_bytes
from wasicheck.vectors.model import After, ExitExpectation, ExitKind, Level, Place
from wasicheck.vectors.scenes import read_file_size, read_injections, read_names, read_network, read_user
from wasicheck.vectors.scope import Scope
from wasicheck.vectors.source import Node
from wasicheck.vectors.surroundings import Certificate, Environment, Peer, Sink, Source, Stdin
from wasicheck.vectors.trees import read_preopens, read_tree

SOURCES = tuple(s.value for s in Source if s is not Source.CONTROL and s.value not in STDIN)
"""What stdin can be said to be by a word alone."""
SINKS = tuple(s.value for s in Sink)
INSTANCES = ("fresh", "shared")
_CODE = re.compile(r"code\(([0-9]{1,3})\)")
_EARLIEST = -(1 << 62)


def read_environment(node: Node | None, peers: tuple[Peer, ...], *, acknowledged: bool) -> Environment:
    """Read `given:`, of which the `peers` have been read; raise `VectorError`.

    `acknowledged`: stdin is the harness's channel.
    """
    entry: Mapping[str, Node] = node.mapping("`given`", GIVEN) if node is not None else {}
    stdin = Stdin(Source.CONTROL if acknowledged else Source.NULL)
    tree = read_tree(entry["tree"]) if "tree" in entry else ()
    preopens, tree = read_preopens(entry["preopens"], tree) if "preopens" in entry else ((), tree)
    return Environment(
        args=_texts(entry, "args", "an argument"),
        env=_variables(entry, "env"),
        cwd=_text(entry["cwd"], "a directory") if "cwd" in entry else None,
        stdin=_stdin(entry["stdin"]) if "stdin" in entry else stdin,
        stdout=_sink(entry, "stdout"),
        stderr=_sink(entry, "stderr"),
        tree=tree,
        preopens=preopens,
        network="network" in entry and entry["network"].boolean("`network`"),
        trust=_trust(entry, peers),
        shared="instances" in entry and entry["instances"].choice("what becomes of instances", INSTANCES) == "shared",
        peers=peers,
        net=read_network(entry["net"]) if "net" in entry else None,
        names=read_names(entry["names"]) if "names" in entry else None,
        descriptors=_descriptors(entry),
        file_size=read_file_size(entry["file-size"]) if "file-size" in entry else None,
        ordinary_user="user" in entry and read_user(entry["user"]),
        injections=read_injections(entry["errno"]) if "errno" in entry else (),
        host_env=_variables(entry, "host-env"),
        features=_texts(entry, "features", "a feature"),
    )


def _trust(entry: Mapping[str, Node], peers: tuple[Peer, ...]) -> bool:
    trust = "trust" in entry and entry["trust"].boolean("`trust`")
    if trust and not any(peer.tls for peer in peers):
        entry["trust"].fail("no peer has a certificate to trust", "a `tcp-listener` with `tls: valid`")
    if not trust and any(peer.tls is Certificate.VALID for peer in peers):
        entry["peers"].fail("nobody trusts the issuer of a `valid` certificate", "add `trust: true` beside `peers`")
    return trust


def _text(node: Node, what: str, *, empty: bool = False) -> str:
    """Text that an operating system can be given; whether it may be `empty`."""
    text = node.text(what)
    if "\0" in text or not (text or empty):
        node.fail(f"expected {what}, found {'text with a NUL' if text else 'nothing'}")
    return text


def _texts(entry: Mapping[str, Node], key: str, what: str) -> tuple[str, ...]:
    nodes = entry[key].sequence(f"`{key}`") if key in entry else iter(())
    return tuple(_text(n, what, empty=True) for n in nodes)


def _variables(entry: Mapping[str, Node], key: str) -> tuple[tuple[str, str], ...]:
    if key not in entry:
        return ()
    pairs: list[tuple[str, str]] = []
    for name, (at, value) in entry[key].entries(f"`{key}`").items():
        if "=" in _text(at, "the name of a variable"):
            at.fail(f"`{name}` is not the name of a variable: there is a `=` in it")
        pairs.append((name, _text(value, "a value", empty=True)))
    return tuple(pairs)


def _stdin(node: Node) -> Stdin:
    if not node.is_mapping:
        return Stdin(Source(node.choice("a kind of stdin", SOURCES)))
    entry = node.mapping("stdin", STDIN)
    if len(entry) != 1:
        node.fail("stdin is one thing", "`bytes` or `file`, with what is in it")
    ((kind, data),) = entry.items()
    return Stdin(Source(kind), read_bytes(data))


def _sink(entry: Mapping[str, Node], key: str) -> Sink:
    return Sink(entry[key].choice(f"a kind of {key}", SINKS)) if key in entry else Sink.PIPE


def _descriptors(entry: Mapping[str, Node]) -> int | None:
    return entry["descriptors"].integer("a number of descriptors", 8, 65536) if "descriptors" in entry else None


def read_after(
    node: Node | None,
    place: Place,
    level: Level,
    scope: Scope,
    environment: Environment,
    *,
    ends_by_itself: bool,
    fails: bool,
) -> After:
    """Read `after:`, which may refer to what the steps captured; raise `VectorError`.

    A guest that comes to its end (`ends_by_itself`) is expected to be reported as a success, or as a failure where
    its last word is `return: err` (`fails`), unless the vector says otherwise.
    """
    entry: Mapping[str, Node] = node.mapping("`after`", AFTER) if node is not None else {}
    exit: ExitExpectation | None = None
    if "exit" in entry:
        exit = _exit(entry["exit"], level)
    elif ends_by_itself:
        exit = ExitExpectation(ExitKind.FAILURE if fails else ExitKind.SUCCESS, None, Level.MUST)
    stdout, stderr = (read_output(entry.get(name), level, scope) for name in ("stdout", "stderr"))
    tree = read_tree_expectations(entry.get("tree"), level, scope, environment.tree)
    return After(exit, stdout, stderr, tree, node.place if node is not None else place)


def _exit(node: Node, level: Level) -> ExitExpectation:
    if node.is_mapping:
        graded = node.mapping("a graded exit", LEVELS)
        if len(graded) != 1:
            node.fail("one level is given to an exit")
        ((name, node),) = graded.items()
        level = Level(name)
    text = node.text("how the host ends")
    if text in (ExitKind.SUCCESS, ExitKind.FAILURE):
        return ExitExpectation(ExitKind(text), None, level)
    code = _CODE.fullmatch(text)
    if code is None or int(code[1]) > 255:
        node.fail(f"expected how the host ends, found `{text}`", "`success`, `failure` or `code(7)`")
    return ExitExpectation(ExitKind.CODE, int(code[1]), level)
