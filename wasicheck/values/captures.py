"""Where the captures of a pattern are in the value that it matches, and the cases that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from wasicheck.values.argument_types import FieldStep, IndexStep, PathStep, PayloadStep
from wasicheck.values.pattern_types import (
    Alternatives,
    Capture,
    CasePattern,
    Conjunction,
    ListPattern,
    Pattern,
    RecordPattern,
    TuplePattern,
)
from wasicheck.wit.types import Type


@dataclass(frozen=True, slots=True)
class CapturePath:
    """Where a captured value is: its type and the steps from the root of the matched value.

    A capture in several alternatives has the path of the first. The others differ at most in the cases of payload
    steps, which the canonical ABI lays out at one offset of the variant.
    """

    type: Type
    path: tuple[PathStep, ...]

    @property
    def place(self) -> tuple[PathStep, ...]:
        """The path with the cases of payload steps left out: equal for captures that share an address."""
        return tuple(replace(s, case="") if isinstance(s, PayloadStep) else s for s in self.path)


def variables(pattern: Pattern) -> Mapping[str, CapturePath]:
    """Return the captures of a pattern by name, in the order of the text."""
    return {name: paths[0] for name, paths in capture_paths(pattern).items()}


def capture_paths(pattern: Pattern) -> Mapping[str, tuple[CapturePath, ...]]:
    """Return the captures of a pattern by name, with the path that each has in each alternative."""
    paths: dict[str, tuple[CapturePath, ...]] = {}
    for name, path in _captures(pattern, ()):
        paths[name] = (*paths.get(name, ()), path)
    return paths


def _captures(pattern: Pattern, path: tuple[PathStep, ...]) -> Iterator[tuple[str, CapturePath]]:
    match pattern:
        case Capture():
            yield pattern.name, CapturePath(pattern.type, path)
            yield from _captures(pattern.pattern, path)
        case RecordPattern():
            for name, part in pattern.fields:
                yield from _captures(part, (*path, FieldStep(name)))
        case TuplePattern(elements=parts) | ListPattern(first=parts):
            for index, part in enumerate(parts):
                yield from _captures(part, (*path, IndexStep(index)))
        case CasePattern(payload=part) if part is not None:
            yield from _captures(part, (*path, PayloadStep(pattern.case)))
        case Alternatives(patterns=parts) | Conjunction(patterns=parts):
            for part in parts:
                yield from _captures(part, path)
        case _:
            # Nothing else has a part with a fixed place, and none other is allowed to capture.
            return


def named_cases(pattern: Pattern, path: tuple[str, ...]) -> frozenset[str]:
    """Return the cases that a pattern names at the end of a path of cases, other than to exclude them."""
    match pattern:
        case Capture(pattern=part):
            return named_cases(part, path)
        case Alternatives(patterns=parts) | Conjunction(patterns=parts):
            return frozenset[str]().union(*(named_cases(part, path) for part in parts))
        case CasePattern() if not path:
            return frozenset((pattern.case,))
        case CasePattern(payload=part) if part is not None and pattern.case == path[0]:
            return named_cases(part, path[1:])
        case _:
            return frozenset()
