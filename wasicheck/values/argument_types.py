"""Checked arguments as a closed union of frozen dataclasses, and their evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from wasicheck.values.literals import Bytes
from wasicheck.values.model import Record, Value, Variant
from wasicheck.values.shapes import is_bytes
from wasicheck.wit.types import (
    FutureType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)


@dataclass(frozen=True, slots=True)
class WritableEnd:
    """What a scope holds for the writable end of a stream or future: no value, so no argument either."""

    of: StreamType | FutureType

    def __str__(self) -> str:
        return f"the writable end of a {'stream' if isinstance(self.of, StreamType) else 'future'}"


Scope = Mapping[str, object]
"""What each name stands for: a `Type`, or anything else that is not usable as a value and says so by its `str()`."""


@dataclass(frozen=True, slots=True)
class FieldStep:
    """To a field of a record."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class IndexStep:
    """To an element of a tuple or list."""

    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"


@dataclass(frozen=True, slots=True)
class PayloadStep:
    """To the payload of a case; there only if the value is of that case."""

    case: str

    def __str__(self) -> str:
        return f".{self.case}"


PathStep = FieldStep | IndexStep | PayloadStep


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known before the run."""

    type: Type
    value: Value


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier result, or a part of it; `type` is the type of that part, and `text` how it was written."""

    type: Type
    name: str
    path: tuple[PathStep, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Offset:
    """An integer reference with an amount added; wrapping or not is decided where it is computed."""

    type: Type
    reference: Reference
    amount: int


@dataclass(frozen=True, slots=True)
class RecordArgument:
    """A record with a reference somewhere in it; fields in the order of the type."""

    type: RecordType
    fields: tuple[tuple[str, Argument], ...]


@dataclass(frozen=True, slots=True)
class TupleArgument:
    """A tuple with a reference somewhere in it."""

    type: TupleType
    elements: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class ListArgument:
    """A list with a reference somewhere in it."""

    type: ListType
    elements: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class VariantArgument:
    """A case of a variant, option or result with a reference somewhere in its payload."""

    type: VariantType | OptionType | ResultType
    case: str
    payload: Argument


Argument = Constant | Bytes | Reference | Offset | RecordArgument | TupleArgument | ListArgument | VariantArgument


class MissingValue(Exception):
    """A reference leads nowhere in this run: its name was never captured, or it names the payload of another case."""


def evaluate(argument: Argument, values: Mapping[str, Value]) -> Value:
    """Return the value of an argument, given those of the names; raise MissingValue.

    The sum of an offset is not reduced to the range of its type.
    """
    match argument:
        case Constant():
            return argument.value
        case Bytes():
            return argument.materialise()
        case Reference():
            return _follow(argument, values)
        case Offset():
            base = _follow(argument.reference, values)
            assert isinstance(base, int)
            return base + argument.amount
        case RecordArgument():
            return Record(tuple((name, evaluate(a, values)) for name, a in argument.fields))
        case TupleArgument() | ListArgument():
            elements = tuple(evaluate(a, values) for a in argument.elements)
            if is_bytes(argument.type):
                # An offset may leave the range of u8; bytes cannot hold that, so it wraps as it would in the guest.
                return bytes(e & 0xFF for e in elements if isinstance(e, int))
            return elements
        case VariantArgument():
            return Variant(argument.case, evaluate(argument.payload, values))
        case _:
            assert_never(argument)


def _follow(reference: Reference, values: Mapping[str, Value]) -> Value:
    if reference.name not in values:
        raise MissingValue(f"`${reference.name}` has no value")
    value = values[reference.name]
    for step in reference.path:
        match step, value:
            case FieldStep(name), Record():
                value = value[name]
            case IndexStep(index), (tuple() | bytes()) if index < len(value):
                value = value[index]
            case PayloadStep(case), Variant() if value.case == case and value.payload is not None:
                value = value.payload
            case _:
                raise MissingValue(f"`{reference.text}` has no value: there is no `{step}`")
    return value
