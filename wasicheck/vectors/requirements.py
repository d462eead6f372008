"""The catalogue of requirements: checkable statements of WASI 0.3.0, which vectors cite by id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wasicheck.vectors.model import Level, Place
from wasicheck.vectors.source import Node, VectorError, compose


class Provenance(StrEnum):
    """Where a statement comes from."""

    WIT = "wit"
    """The text or the signature in the WIT."""
    PROSE = "prose"
    """The proposal's other documents."""
    POSIX = "posix"
    """The text says "similar to X in POSIX"."""
    RFC = "rfc"
    """HTTP's RFCs."""
    COMPONENT_MODEL = "component-model"
    DERIVED = "derived"
    """Follows from several statements together."""


class Testable(StrEnum):
    """Whether a statement can be tested from outside."""

    YES = "yes"
    HARD = "hard"
    """Only in surroundings made for it; `note` says how."""
    NO = "no"
    """`note` says why not."""


@dataclass(frozen=True)
class Requirement:
    """One statement: `item` is the WIT item it belongs to, `source` the files and lines of the official text."""

    id: str
    item: str
    level: Level
    provenance: Provenance
    text: str
    testable: Testable
    note: str
    error: str | None
    """The error case it is about: `pipe`."""
    source: tuple[str, ...]
    place: Place


_KEYS = ("id", "item", "level", "provenance", "text", "testable", "note", "error", "source")
_REQUIRED = ("id", "item", "level", "provenance", "text", "testable", "source")
_ID = re.compile(r"[a-z][a-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+")


def load_requirements(folder: Path) -> Mapping[str, Requirement]:
    """Read every `*.yaml` of a folder; raise `VectorError` for a bad entry or an id used twice."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.yaml")):
        name = f"{folder.parent.name}/{folder.name}/{path.name}"
        try:
            root = compose(path.read_text(encoding="utf-8"), name)
        except OSError as error:
            raise VectorError(name, 1, 1, f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise VectorError(name, 1, 1, f"is not UTF-8 (byte {error.start})", "save the file as UTF-8") from None
        if root is None:
            continue
        for node in root.sequence("the requirements"):
            requirement = _requirement(node)
            first = found.setdefault(requirement.id, requirement)
            if first is not requirement:
                node.fail(f"the requirement `{requirement.id}` is there twice", f"first in {first.place}")
    return found


def requirement_ids(folder: Path) -> Mapping[str, Level]:
    """The ids of a folder's requirements with their levels: what loading vectors needs. Raise `VectorError`."""
    return {id: requirement.level for id, requirement in load_requirements(folder).items()}


def _requirement(node: Node) -> Requirement:
    entry = node.mapping("a requirement", _KEYS)
    for key in _REQUIRED:
        if key not in entry:
            node.fail(f"the requirement has no `{key}`")
    id = entry["id"].text("an id")
    if not _ID.fullmatch(id):
        entry["id"].fail(f"`{id}` is not the id of a requirement", "such as `cli.stdout.write-via-stream.data`")
    text = entry["text"].text("a statement")
    if not text.strip():
        entry["text"].fail("the statement is empty")
    testable = Testable(entry["testable"].choice("`testable`", [t.value for t in Testable]))
    note = entry["note"].text("a note") if "note" in entry else ""
    if testable is not Testable.YES and not note:
        node.fail(f"a requirement that is `testable: {testable.value}` needs a note that says why")
    return Requirement(
        id=id,
        item=entry["item"].text("a WIT item"),
        level=Level(entry["level"].choice("a level", [v.value for v in Level])),
        provenance=Provenance(entry["provenance"].choice("a provenance", [p.value for p in Provenance])),
        text=text,
        testable=testable,
        note=note,
        error=entry["error"].text("an error case") if "error" in entry else None,
        source=tuple(s.text("a place in the official text") for s in entry["source"].sequence("`source`")),
        place=node.place,
    )
