"""Where values lie in a guest's memory, as WebAssembly text, and how parts of them are reached at run time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from wasicheck.abi import (
    CoreType,
    alignment,
    cases_of,
    despecialize,
    discriminant_size,
    elem_size,
    field_offsets,
    fields_of,
    flatten_type,
    payload_offset,
)
from wasicheck.abi.flatten import flatten_variant
from wasicheck.values import FieldStep, IndexStep, PathStep, PayloadStep
from wasicheck.wit.types import (
    BorrowType,
    FlagsType,
    FutureType,
    ListType,
    OwnType,
    PrimitiveType,
    RecordType,
    StreamType,
    Type,
    VariantType,
)

_LOADS: dict[str, str] = {
    "bool": "i32.load8_u",
    "u8": "i32.load8_u",
    "s8": "i32.load8_s",
    "u16": "i32.load16_u",
    "s16": "i32.load16_s",
    "u32": "i32.load",
    "s32": "i32.load",
    "char": "i32.load",
    "error-context": "i32.load",
    "u64": "i64.load",
    "s64": "i64.load",
    "f32": "f32.load",
    "f64": "f64.load",
}
_LOADS_OF_SIZE = {1: "i32.load8_u", 2: "i32.load16_u", 4: "i32.load"}


@dataclass(frozen=True)
class Place:
    """A value of `type` in memory at `base` (WebAssembly text; None is zero) plus `offset`.

    `conditions` are WebAssembly expressions that all have to be non-zero for the value to be there.
    """

    type: Type
    offset: int
    base: str | None = None
    conditions: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """WebAssembly text of the address."""
        if self.base is None:
            return f"(i32.const {self.offset})"
        return self.base if self.offset == 0 else f"(i32.add {self.base} (i32.const {self.offset}))"

    def load(self, instruction: str, offset: int = 0) -> str:
        """WebAssembly text of a load from within the value."""
        at = self.offset + offset
        return f"({instruction}{f' offset={at}' if at else ''} {self.base or '(i32.const 0)'})"

    def follow(self, step: PathStep) -> Place:
        """The place of a part of the value."""
        match step, despecialize(self.type):
            case FieldStep(name), RecordType() as record:
                fields = fields_of(record)
                index = next(i for i, f in enumerate(fields) if f.name == name)
                return self._part(fields[index].type, field_offsets(record)[index])
            case IndexStep(index), RecordType() as record:
                return self._part(fields_of(record)[index].type, field_offsets(record)[index])
            case IndexStep(index), ListType(element, int()):
                return self._part(element, index * elem_size(element))
            case IndexStep(index), ListType(element, None):
                there = f"(i32.gt_u {self.load('i32.load', 4)} (i32.const {index}))"
                return Place(element, index * elem_size(element), self.load("i32.load"), (*self.conditions, there))
            case PayloadStep(case), VariantType() as variant:
                cases = cases_of(variant)
                index = next(i for i, c in enumerate(cases) if c.name == case)
                payload = cases[index].type
                assert payload is not None
                there = f"(i32.eq {self.discriminant()} (i32.const {index}))"
                part = self._part(payload, payload_offset(variant))
                return replace(part, conditions=(*self.conditions, there))
            case _:
                raise AssertionError(f"{step!r} does not lead into {self.type!r}")

    def discriminant(self) -> str:
        """WebAssembly text of the discriminant of a variant, enum, option or result."""
        variant = despecialize(self.type)
        assert isinstance(variant, VariantType)
        return self.load(_LOADS_OF_SIZE[discriminant_size(variant)])

    def flat(self) -> list[str]:
        """WebAssembly text of the value's core values, one each (CanonicalABI.md, "Flattening")."""
        match despecialize(self.type):
            case PrimitiveType(name) if name in _LOADS:
                return [self.load(_LOADS[name])]
            case ListType(element, length) if length is not None:
                return [core for i in range(length) for core in self._part(element, i * elem_size(element)).flat()]
            case PrimitiveType() | ListType():
                return [self.load("i32.load"), self.load("i32.load", 4)]
            case RecordType() as record:
                parts = zip(fields_of(record), field_offsets(record), strict=True)
                return [core for field, offset in parts for core in self._part(field.type, offset).flat()]
            case FlagsType() as flags:
                return [self.load(_LOADS_OF_SIZE[elem_size(flags)])]
            case OwnType() | BorrowType() | StreamType() | FutureType():
                return [self.load("i32.load")]
            case VariantType() as variant:
                return self._flat_variant(variant)
            case other:
                assert_never(other)

    def _flat_variant(self, variant: VariantType) -> list[str]:
        joined = flatten_variant(variant)
        slots = [zero(core) for core in joined[1:]]
        for index, case in enumerate(cases_of(variant)):
            if case.type is None:
                continue
            payload = self._part(case.type, payload_offset(variant))
            taken = f"(i32.eq {self.discriminant()} (i32.const {index}))"
            for slot, (text, have) in enumerate(zip(payload.flat(), flatten_type(case.type), strict=True)):
                want = joined[slot + 1]
                slots[slot] = f"(if (result {want}) {taken} (then {coerce(text, have, want)}) (else {slots[slot]}))"
        return [self.discriminant(), *slots]

    def _part(self, type: Type, offset: int) -> Place:
        return replace(self, type=type, offset=self.offset + offset)

    def copy_to(self, address: int) -> str:
        """WebAssembly text that copies the value's own bytes (not what they point to) to a static address."""
        size = elem_size(self.type)
        whole = {1: "i32.load8_u", 2: "i32.load16_u", 4: "i32.load", 8: "i64.load"}.get(size)
        if whole is None or alignment(self.type) != size:
            return f"(memory.copy (i32.const {address}) {self.address} (i32.const {size}))"
        return f"({whole.replace('load', 'store').removesuffix('_u')} (i32.const {address}) {self.load(whole)})"


def zero(core: CoreType) -> str:
    """WebAssembly text of a zero."""
    return f"({core}.const 0)"


def coerce(text: str, have: CoreType, want: CoreType) -> str:
    """A payload's core value as the wider core type that its variant's cases have joined to."""
    match have, want:
        case ("f32", "i32"):
            return f"(i32.reinterpret_f32 {text})"
        case ("i32", "i64"):
            return f"(i64.extend_i32_u {text})"
        case ("f32", "i64"):
            return f"(i64.extend_i32_u (i32.reinterpret_f32 {text}))"
        case ("f64", "i64"):
            return f"(i64.reinterpret_f64 {text})"
        case _:
            assert have == want
            return text
