"""The catalogue of requirements: checkable statements of WASI 0.3.0, which vectors cite by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from wasicheck.vectors.model import Level
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
    source: tuple[str, ...]


_KEYS = ("id", "item", "level", "provenance", "text", "testable", "note", "error", "source")


def load_requirements(folder: Path) -> Mapping[str, Requirement]:
    """Read every `*.yaml` of a folder; raise `VectorError` for a bad entry or an id that is there twice."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.yaml")):
        root = compose(path.read_text(encoding="utf-8"), str(path))
        if root is None:
            continue
        for node in root.sequence("the requirements"):
            requirement = _requirement(node)
            if requirement.id in found:
                node.fail(f"the requirement `{requirement.id}` is there twice")
            found[requirement.id] = requirement
    return found


def requirement_ids(folder: Path) -> Mapping[str, Level]:
    """Only the ids and levels, quickly: what loading vectors needs."""
    levels: dict[str, Level] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
            levels.update((entry["id"], Level(entry["level"])) for entry in entries or ())
        except (yaml.YAMLError, TypeError, KeyError, ValueError):
            # The careful reader finds out what is wrong, and says so.
            load_requirements(folder)
            raise VectorError(str(path), 1, 1, "not a catalogue of requirements") from None
    return levels


def _requirement(node: Node) -> Requirement:
    entry = node.mapping("a requirement", _KEYS)
    for key in ("id", "item", "level", "provenance", "text", "testable", "source"):
        if key not in entry:
            node.fail(f"the requirement has no `{key}`")
    testable = Testable(entry["testable"].choice("`testable`", [t.value for t in Testable]))
    note = entry["note"].text("a note") if "note" in entry else ""
    if testable is not Testable.YES and not note:
        node.fail(f"a requirement that is `testable: {testable.value}` needs a note that says why")
    return Requirement(
        id=entry["id"].text("an id"),
        item=entry["item"].text("a WIT item"),
        level=Level(entry["level"].choice("a level", [v.value for v in Level])),
        provenance=Provenance(entry["provenance"].choice("a provenance", [p.value for p in Provenance])),
        text=entry["text"].text("a statement"),
        testable=testable,
        note=note,
        error=entry["error"].text("an error case") if "error" in entry else None,
        source=tuple(s.text("a place in the official text") for s in entry["source"].sequence("`source`")),
    )
