"""What is suspicious about vectors that load: names that nothing uses, operations that nobody waits for, no check."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType

from wasicheck.values import Reference, accepts_everything, variables
from wasicheck.values.pattern_types import Capture
from wasicheck.values.shapes import WIT_TYPES
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.model import (
    Await,
    AwaitAll,
    AwaitAny,
    Call,
    Cancel,
    Drop,
    Ending,
    ExitKind,
    Expectation,
    Level,
    New,
    Place,
    Start,
    Step,
    Vector,
    Write,
    WriteAll,
)
from wasicheck.vectors.operands import WritableEnd
from wasicheck.vectors.requirements import Requirement, Testable
from wasicheck.vectors.source import VectorError, suggest
from wasicheck.vectors.staging import Harness
from wasicheck.wit.types import EnumType, FutureType, OwnType, StreamType, VariantType, Wit

_NOTED = "use it, leave it out, or say why in the step's `note`"
_STRENGTH = tuple(Level)


def lint(suite: Suite, requirements: Mapping[str, Requirement] = MappingProxyType({})) -> tuple[VectorError, ...]:
    """Return what is suspicious in the vectors of a suite, in its order.

    What is about levels and testability needs the catalogue of `requirements`.
    """
    titles: dict[tuple[str, str], Vector] = {}
    found: list[VectorError] = []
    used = names_by_place(suite.vectors.values())
    for vector in suite.vectors.values():
        first = titles.setdefault((vector.interface, vector.title.casefold()), vector)
        if first is not vector:
            found.append(_at(vector.place, f"`{vector.id}` has the title of `{first.id}`", "say how they differ"))
        found += _unused(vector, used)
        found += _forgotten(vector)
        found += _toothless(vector)
        found += _misgraded(vector, requirements)
    return tuple({str(problem): problem for problem in found}.values())


def lint_requirements(requirements: Mapping[str, Requirement], wit: Wit) -> tuple[VectorError, ...]:
    """Return what is suspicious in a catalogue: WIT items and error cases that are not there."""
    types = _items(wit)
    found: list[VectorError] = []
    for requirement in requirements.values():
        item, error = requirement.item, requirement.error
        if item.startswith("wasi:") and item not in types:
            found.append(_at(requirement.place, f"there is no WIT item `{item}`", suggest(item, types)))
        elif error is not None:
            cases = sorted({case for type in _cased_types(types.get(item)) for case in _cases(type)})
            if cases and error not in cases:
                found.append(_at(requirement.place, f"`{item}` has no error case `{error}`", suggest(error, cases)))
    return tuple(found)


def _at(place: Place, message: str, hint: str | None = None) -> VectorError:
    return VectorError(place.file, place.line, place.column, message, hint)


# --- names -------------------------------------------------------------------------------------------------


def names_by_place(vectors: Iterable[Vector]) -> Mapping[Place, Container[str]]:
    """Return, for the place of each step, the names that a vector with this step refers to.

    The rows of a table share their steps, and so do vectors that repeat those of another: what one of them uses is not
    unused.
    """
    used: dict[Place, set[str]] = {}
    for vector in vectors:
        names = set(used_names(vector))
        for place in {step.place for step in vector.steps}:
            used.setdefault(place, set()).update(names)
    return used


def _unused(vector: Vector, used: Mapping[Place, Container[str]]) -> Iterator[VectorError]:
    """Captures and ends that nothing refers to; in a loop, those that nothing refers to in any round."""
    rounds: dict[Place, list[Step]] = {}
    for step in vector.steps:
        rounds.setdefault(step.place, []).append(step)
    for place, steps in rounds.items():
        if steps[0].note:
            continue
        for names in zip(*map(_captured, steps), strict=False):
            if not any(name in used[place] for name in names):
                yield _at(place, f"`${names[0]}` is captured and never used", "write `_`, or a pattern")
        for names in zip(*map(_made, steps), strict=False):
            if not any(name in used[place] for name in names):
                yield _at(place, f"the end `${names[0]}` is never used", _NOTED)


def _made(step: Step) -> tuple[str, ...]:
    """The ends that a step makes."""
    return (step.action.readable, step.action.writable) if isinstance(step.action, New) else ()


def _captured(step: Step) -> Iterator[str]:
    """The names that a step captures; not the one of a handle, which no pattern says more of, nor those of peers."""
    if isinstance(step.action, Harness) and step.action.delivers:
        return
    for expectation in step.expectations:
        match expectation.outcome:
            case None | Ending() | Capture(type=StreamType() | FutureType() | OwnType()):
                pass
            case pattern:
                yield from variables(pattern)


def used_names(vector: Vector) -> Iterator[str]:
    """Every name that a vector refers to, other than to capture it."""
    for step in vector.steps:
        yield from _used(step)
    yield from references((vector.after.stdout, vector.after.stderr, vector.after.tree))


def _used(step: Step) -> Iterator[str]:
    """Every name that a step refers to."""
    yield from references(step.action)
    for expectation in step.expectations:
        yield from references(expectation.outcome)
    action = step.action.action if isinstance(step.action, Start) else step.action
    match action:
        case Write(end=WritableEnd(name)) | WriteAll(end=WritableEnd(name)) | Drop(target=WritableEnd(name)):
            yield name


def references(part: object) -> Iterator[str]:
    """The names of all references in a part of a vector.

    It goes by the fields: references can be anywhere in patterns, arguments and actions, and are the same in all.
    """
    if isinstance(part, Reference):
        yield part.name
    elif isinstance(part, tuple):
        for inner in part:
            yield from references(inner)
    else:
        # mypy takes the hash of a class for that of its instances.
        for name in _fields_of(type(part)):  # type: ignore[arg-type]
            yield from references(getattr(part, name))


@cache
def _fields_of(of: type) -> tuple[str, ...]:
    """The fields of a class in which references can be."""
    return () if issubclass(of, WIT_TYPES) or not is_dataclass(of) else tuple(field.name for field in fields(of))


# --- operations --------------------------------------------------------------------------------------------


def _forgotten(vector: Vector) -> Iterator[VectorError]:
    """Operations that are started, and neither awaited nor cancelled, though the guest lives on."""
    for index, step in enumerate(vector.steps):
        later = vector.steps[index:]
        if not isinstance(step.action, Start) or step.note or any(map(_may_end, later)):
            continue
        name = step.action.name
        if not any(name in _operations(other) for other in later):
            yield _at(step.place, f"`${name}` is started, and neither awaited nor cancelled", _NOTED)


def _may_end(step: Step) -> bool:
    return any(e.outcome in (Ending.TRAP, Ending.EXIT) for e in step.expectations)


def _operations(step: Step) -> frozenset[str]:
    """The operations that a step waits for or cancels."""
    match step.action:
        case Await(operation) | Cancel(operation):
            return frozenset((operation.name,))
        case AwaitAll(operations) | AwaitAny(operations):
            return frozenset(o.name for o in operations)
        case _:
            return frozenset()


# --- checks ------------------------------------------------------------------------------------------------


def _toothless(vector: Vector) -> Iterator[VectorError]:
    """A vector that every host passes which lets the guest run to its end."""
    after = vector.after
    explicit = after.place != vector.place
    exit = after.exit is not None and (explicit or after.exit.kind is not ExitKind.SUCCESS)
    if not (exit or after.stdout or after.stderr or any(map(_can_fail, vector.steps))):
        yield _at(vector.place, f"nothing in `{vector.id}` can fail", "say what is expected of a step, or in `after`")


def _can_fail(step: Step) -> bool:
    if step.across or any(map(_is_check, step.expectations)):
        return True
    # That a call without a result returns at all is all there is to say of it.
    return step.yields is None and isinstance(step.action, Call | Await)


def _is_check(expectation: Expectation) -> bool:
    outcome = expectation.outcome
    if expectation.level is Level.MAY or isinstance(outcome, Ending):
        return True
    return outcome is not None and not accepts_everything(outcome)


def _misgraded(vector: Vector, requirements: Mapping[str, Requirement]) -> Iterator[VectorError]:
    """Requirements that are weaker than everything the vector asks for, or that cannot be tested."""
    levels = {e.level for s in vector.steps for e in (*s.expectations, *s.across) if e.outcome is not None}
    levels |= {e.level for e in (*vector.after.stdout, *vector.after.stderr)}
    if vector.after.exit is not None and vector.after.place != vector.place:
        levels.add(vector.after.exit.level)
    weakest = max(levels or {vector.level}, key=_STRENGTH.index)
    for id in vector.requirements:
        requirement = requirements.get(id)
        if requirement is None:
            continue
        if requirement.testable is Testable.NO:
            yield _at(vector.place, f"`{vector.id}` cites `{id}`, which cannot be tested", requirement.note)
        if _STRENGTH.index(weakest) < _STRENGTH.index(requirement.level):
            yield _at(
                vector.place,
                f"`{vector.id}` cites `{id}` ({requirement.level.value}), but all it expects is {weakest.value}",
                f"grade the step that it is about: `expect: {{{requirement.level.value}: …}}`",
            )


# --- the WIT behind requirements -----------------------------------------------------------------------------


def _items(wit: Wit) -> dict[str, object]:
    """Every item that a requirement can belong to: worlds, interfaces, functions (with their result), types."""
    items: dict[str, object] = {}
    for package in wit.packages.values():
        items |= {world.id: None for world in package.worlds.values()}
        for interface in package.interfaces.values():
            items[interface.id] = None
            items |= {f"{interface.id}#{name}": entry.type for name, entry in interface.types.items()}
            items |= {function.item: function.result for function in interface.functions.values()}
    return items


def _cased_types(part: object) -> Iterator[VariantType | EnumType]:
    """The variants and enums in a type."""
    if isinstance(part, VariantType | EnumType):
        yield part
    elif isinstance(part, tuple):
        for inner in part:
            yield from _cased_types(inner)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _cased_types(getattr(part, field.name))


def _cases(type: VariantType | EnumType) -> tuple[str, ...]:
    return type.labels if isinstance(type, EnumType) else tuple(case.name for case in type.cases)
