"""What of WASI 0.3.0 has vectors: functions, error cases, requirements; and why the rest has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from wasicheck.values.pattern_types import CasePattern
from wasicheck.vectors.model import Call, Start, Vector
from wasicheck.vectors.requirements import Requirement, Testable
from wasicheck.wit.types import EnumType, Function, ResultType, Type, TypeId, VariantType, Wit


@dataclass(frozen=True)
class Entry:
    """One function, error case or requirement, and the ids of the vectors it has.

    `reason` is what the catalogue says on why it cannot be tested, None where it says nothing.
    """

    name: str
    vectors: tuple[str, ...]
    reason: str | None = None

    @property
    def covered(self) -> bool:
        """Whether there is a vector."""
        return bool(self.vectors)

    @property
    def explained(self) -> bool:
        """Whether there is a vector, or a reason why there is none."""
        return self.covered or self.reason is not None


@dataclass(frozen=True)
class PackageCoverage:
    """A package of WASI, or `component-model`; the requirements by whether they can be tested."""

    name: str
    functions: tuple[Entry, ...]
    error_cases: tuple[Entry, ...]
    """Cases of the types that functions of the package give as errors: `wasi:cli/types@0.3.0#error-code pipe`."""
    requirements: Mapping[Testable, tuple[Entry, ...]]

    @property
    def groups(self) -> tuple[tuple[Entry, ...], ...]:
        """Functions, error cases, and the requirements by kind."""
        return (self.functions, self.error_cases, *self.requirements.values())


def coverage(
    wit: Wit, vectors: Iterable[Vector], requirements: Mapping[str, Requirement]
) -> tuple[PackageCoverage, ...]:
    """Return what of each package the vectors call, expect and cite.

    A function is covered by a vector that calls it, or is about the interface of an export; an error case by one whose
    patterns name it; a requirement by one that cites it. A requirement belongs to the package of its item. The reason
    for an error case is the note of a requirement that is about this case of the type and cannot be tested.
    """
    calls: dict[str, list[str]] = {}
    cases: dict[tuple[TypeId, str], list[str]] = {}
    citations: dict[str, list[str]] = {}
    exports = _exports(wit)
    for vector in vectors:
        for item in dict.fromkeys((*_called(vector), *exports.get(vector.interface, ()))):
            calls.setdefault(item, []).append(vector.id)
        for case in dict.fromkeys(_named(vector)):
            cases.setdefault(case, []).append(vector.id)
        for id in vector.requirements:
            citations.setdefault(id, []).append(vector.id)

    functions: dict[str, list[Function]] = {}
    for package in wit.packages.values():
        short = _package(package.name)
        for interface in package.interfaces.values():
            functions.setdefault(short, []).extend(interface.functions.values())
    cited: dict[str, dict[Testable, list[Entry]]] = {}
    reasons: dict[tuple[str, str], str] = {}
    for requirement in requirements.values():
        reason = requirement.note if requirement.testable is Testable.NO else None
        if requirement.error is not None and reason is not None:
            reasons.setdefault((requirement.item, requirement.error), reason)
        entry = Entry(requirement.id, tuple(citations.get(requirement.id, ())), reason)
        kinds = cited.setdefault(_package(requirement.item), {})
        kinds.setdefault(requirement.testable, []).append(entry)

    found: list[PackageCoverage] = []
    for name in dict.fromkeys((*functions, *cited)):
        own = functions.get(name, [])
        errors = dict.fromkeys(error for function in own for error in _errors(function.result))
        found.append(
            PackageCoverage(
                name,
                tuple(Entry(f.item, tuple(calls.get(f.item, ()))) for f in own),
                tuple(
                    Entry(f"{id} {case}", tuple(cases.get((id, case), ())), reasons.get((str(id), case)))
                    for id, case in errors
                ),
                {kind: tuple(cited.get(name, {}).get(kind, ())) for kind in Testable},
            )
        )
    return tuple(found)


def unexplained(packages: Iterable[PackageCoverage]) -> tuple[Entry, ...]:
    """Return the error cases that have neither a vector nor a reason."""
    return tuple(case for package in packages for case in package.error_cases if not case.explained)


def coverage_data(packages: Iterable[PackageCoverage]) -> dict[str, object]:
    """Everything, as data for JSON: package to kind to name to the ids of vectors; of error cases the reasons too."""
    return {
        p.name: {
            "functions": {e.name: list(e.vectors) for e in p.functions},
            "error-cases": {e.name: {"vectors": list(e.vectors), "reason": e.reason} for e in p.error_cases},
            "requirements": {k.value: {e.name: list(e.vectors) for e in part} for k, part in p.requirements.items()},
        }
        for p in packages
    }


def _package(item: str) -> str:
    """`cli` of `wasi:cli/stdout@0.3.0#write-via-stream`; `component-model` of what belongs to no package."""
    return item.partition("/")[0].partition(":")[2] if item.startswith("wasi:") else item.partition(" ")[0]


def _exports(wit: Wit) -> dict[str, list[str]]:
    """The functions of each interface that a world exports: guests have them, and hosts call them."""
    ids = {
        item.target
        for package in wit.packages.values()
        for world in package.worlds.values()
        for item in world.exports
        if isinstance(item.target, str)
    }
    return {id: [f.item for f in wit.interface(id).functions.values()] for id in sorted(ids)}


def _called(vector: Vector) -> Iterator[str]:
    for step in vector.steps:
        action = step.action.action if isinstance(step.action, Start) else step.action
        if isinstance(action, Call):
            yield action.function.item


def _named(vector: Vector) -> Iterator[tuple[TypeId, str]]:
    """The cases of named types that the vector's patterns name."""
    for step in vector.steps:
        for expectation in step.expectations:
            for pattern in _case_patterns(expectation.outcome):
                if isinstance(pattern.type, EnumType | VariantType) and pattern.type.id is not None:
                    yield pattern.type.id, pattern.case


def _case_patterns(part: object) -> Iterator[CasePattern]:
    if isinstance(part, CasePattern):
        yield part
    if isinstance(part, tuple):
        for inner in part:
            yield from _case_patterns(inner)
    elif is_dataclass(part) and not isinstance(part, type):
        for field in fields(part):
            if field.name != "type":
                yield from _case_patterns(getattr(part, field.name))


def _errors(part: Type | None) -> Iterator[tuple[TypeId, str]]:
    """The cases of the error types in a function's result, those in its futures included."""
    if isinstance(part, ResultType):
        match part.error:
            case EnumType(TypeId() as id, labels):
                yield from ((id, label) for label in labels)
            case VariantType(TypeId() as id, cases):
                yield from ((id, case.name) for case in cases)
    for inner in _parts(part):
        yield from _errors(inner)


def _parts(type: Type | None) -> Iterator[Type | None]:
    """What a type of WASI's results is made of, by the fields that hold types."""
    if type is None:
        return
    for name in ("element", "ok", "error"):
        yield getattr(type, name, None)
    yield from getattr(type, "elements", ())
