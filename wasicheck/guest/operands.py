"""Arguments into a guest: what is known beforehand becomes data, what refers to earlier results becomes code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from wasicheck.abi import (
    CoreType,
    Image,
    alignment,
    cases_of,
    discriminant_size,
    elem_size,
    field_offsets,
    flatten_type,
    lower_flat,
    payload_offset,
)
from wasicheck.abi.flatten import flatten_variant
from wasicheck.abi.layout import despecialize
from wasicheck.guest.errors import CompileError
from wasicheck.guest.frames import MAX_PAYLOAD
from wasicheck.guest.places import Place, coerce, zero
from wasicheck.values import (
    Argument,
    Bytes,
    Constant,
    ListArgument,
    Offset,
    RecordArgument,
    Reference,
    TupleArgument,
    VariantArgument,
)
from wasicheck.wit.types import ListType, PrimitiveType, Type, VariantType

REGION_ALIGN = 16
PAGE = 1 << 16
HEAP_PAGES = 4
"""Pages of heap that a memory has at first."""
MAX_PAGES = 1 << 16
MAX_REPORTED = MAX_PAYLOAD - (1 << 20)
"""Bytes of one buffer that fit into a frame, with room for the rest of it."""


class Storage:
    """The static memory of a guest: an image of small things, regions for large ones, the heap behind them.

    Regions lie from `regions` on, where the image has to end; `overlaps` says that it does not.
    """

    def __init__(self, base: int, regions: int) -> None:
        self.image = Image(base)
        self.segments: list[tuple[int, bytes]] = []
        self.helpers: dict[str, None] = {}
        """Core functions (text) that code calls, besides those of the runtime."""
        self._regions = regions
        self._end = regions

    def region(self, size: int) -> int:
        """Reserve a large zeroed buffer; return its address. Raise `CompileError` if memory cannot hold it."""
        address = self._end
        self._end += -(-max(size, 1) // REGION_ALIGN) * REGION_ALIGN
        if self.pages > MAX_PAGES:
            raise CompileError(
                f"the buffers of the vector are {self._end >> 20} MiB together, more than a memory holds"
            )
        return address

    def reported_region(self, size: int) -> int:
        """Reserve a buffer that goes into a frame whole; raise `CompileError` if that cannot hold it."""
        if size > MAX_REPORTED:
            raise CompileError(f"{size} bytes are more than can be observed at once ({MAX_REPORTED}): read less")
        return self.region(size)

    @property
    def overlaps(self) -> bool:
        """Whether the image has grown into the regions."""
        return self.image.end > self._regions

    @property
    def heap(self) -> int:
        """Where the heap begins."""
        return self._end

    @property
    def pages(self) -> int:
        """Pages the memory has at first: everything static, and some heap."""
        return -(-self._end // PAGE) + HEAP_PAGES


@dataclass
class Operands:
    """Turns arguments into core values and memory contents.

    `place` resolves a reference; `prelude` collects the code that has to run before the values are used, and
    `conditions` what has to hold for the references to be there.
    """

    storage: Storage
    place: Callable[[Reference], Place]
    prelude: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    def refer(self, reference: Reference) -> Place:
        """The place of a reference, its conditions noted."""
        place = self.place(reference)
        self.conditions.extend(c for c in place.conditions if c not in self.conditions)
        return place

    def flat(self, argument: Argument) -> list[str]:
        """The argument as core values (WebAssembly text, one each)."""
        match argument:
            case Constant(type, value):
                values = lower_flat(self.storage.image, value, type)
                return [_constant(core, v) for core, v in zip(flatten_type(type), values, strict=True)]
            case Bytes():
                return [f"(i32.const {self._bytes(argument)})", f"(i32.const {argument.length})"]
            case Reference():
                return self.refer(argument).flat()
            case Offset(type):
                return [self._offset(argument, flatten_type(type)[0])]
            case RecordArgument(_, fields):
                return [core for _, part in fields for core in self.flat(part)]
            case TupleArgument(_, elements):
                return [core for part in elements for core in self.flat(part)]
            case ListArgument(ListType(_, int()), elements):
                return [core for part in elements for core in self.flat(part)]
            case ListArgument(_, elements):
                return [f"(i32.const {self._elements(argument)})", f"(i32.const {len(elements)})"]
            case VariantArgument(type, case, payload):
                return self._flat_variant(despecialize(type), case, payload)
            case _:
                assert_never(argument)

    def store(self, argument: Argument, address: int) -> None:
        """The argument into memory at a static address of the image."""
        image = self.storage.image
        match argument:
            case Constant(type, value):
                image.store(value, type, address)
            case Bytes():
                image.write(address, _pair(self._bytes(argument), argument.length))
            case Reference():
                self.prelude.append(self.refer(argument).copy_to(address))
            case Offset(type):
                core = flatten_type(type)[0]
                width = {1: "8", 2: "16", 4: "32" if core == "i64" else "", 8: ""}[elem_size(type)]
                self.prelude.append(f"({core}.store{width} (i32.const {address}) {self._offset(argument, core)})")
            case RecordArgument(type, fields):
                for (_, part), offset in zip(fields, field_offsets(type), strict=True):
                    self.store(part, address + offset)
            case TupleArgument(type, elements):
                for part, offset in zip(elements, field_offsets(type), strict=True):
                    self.store(part, address + offset)
            case ListArgument(ListType(element, int()), elements):
                for index, part in enumerate(elements):
                    self.store(part, address + index * elem_size(element))
            case ListArgument(_, elements):
                image.write(address, _pair(self._elements(argument), len(elements)))
            case VariantArgument(type, case, payload):
                variant = despecialize(type)
                assert isinstance(variant, VariantType)
                index = next(i for i, c in enumerate(cases_of(variant)) if c.name == case)
                image.write(address, index.to_bytes(discriminant_size(variant), "little"))
                self.store(payload, address + payload_offset(variant))
            case _:
                assert_never(argument)

    def place_in_memory(self, argument: Argument, type: Type) -> int:
        """The argument in memory of its own; return the static address."""
        address = self.storage.image.allocate(elem_size(type), alignment(type))
        self.store(argument, address)
        return address

    def _offset(self, argument: Offset, core: CoreType) -> str:
        reference = self.refer(argument.reference)
        assert isinstance(argument.type, PrimitiveType)
        amount = argument.amount % (1 << int(core[1:]))
        return f"({core}.add {reference.flat()[0]} ({core}.const {amount}))"

    def _flat_variant(self, variant: Type, case: str, payload: Argument) -> list[str]:
        assert isinstance(variant, VariantType)
        joined = flatten_variant(variant)
        index, chosen = next((i, c) for i, c in enumerate(cases_of(variant)) if c.name == case)
        have = () if chosen.type is None else flatten_type(chosen.type)
        flat = [coerce(text, h, want) for text, h, want in zip(self.flat(payload), have, joined[1:], strict=False)]
        return [f"(i32.const {index})", *flat, *(zero(core) for core in joined[1 + len(flat) :])]

    def _elements(self, argument: ListArgument) -> int:
        element = argument.type.element
        size = elem_size(element)
        address = self.storage.image.allocate(size * len(argument.elements), alignment(element))
        for index, part in enumerate(argument.elements):
            self.store(part, address + index * size)
        return address

    def _bytes(self, argument: Bytes) -> int:
        """Reserve room for a long byte string and fill it at run time; return the address."""
        address = at = self.storage.region(argument.length)
        for chunk in argument.chunks:
            if chunk.length == len(chunk.unit):
                self.storage.segments.append((at, chunk.unit))
            else:
                self.storage.helpers[FILL] = None
                unit = self.storage.image.allocate(len(chunk.unit), 1)
                self.storage.image.write(unit, chunk.unit)
                size = len(chunk.unit)
                self.prelude.append(
                    f"(call $fill (i32.const {at}) (i32.const {chunk.length}) (i32.const {unit}) (i32.const {size}))"
                )
            at += chunk.length
        return address


FILL = """\
;; Fill memory with a unit again and again: copy what is there behind itself, twice as much each time.
(func $fill (param $to i32) (param $length i32) (param $unit i32) (param $size i32)
  (local $done i32)
  (local.set $done (select (local.get $size) (local.get $length) (i32.lt_u (local.get $size) (local.get $length))))
  (memory.copy (local.get $to) (local.get $unit) (local.get $done))
  (loop $next
    (if (i32.lt_u (local.get $done) (local.get $length)) (then
      (local.set $size (i32.sub (local.get $length) (local.get $done)))
      (local.set $size (select (local.get $done) (local.get $size) (i32.lt_u (local.get $done) (local.get $size))))
      (memory.copy (i32.add (local.get $to) (local.get $done)) (local.get $to) (local.get $size))
      (local.set $done (i32.add (local.get $done) (local.get $size)))
      (br $next)))))"""


def _pair(pointer: int, length: int) -> bytes:
    return pointer.to_bytes(4, "little") + length.to_bytes(4, "little")


def _constant(core: CoreType, value: int | float) -> str:
    if isinstance(value, float):
        return f"({core}.const {value.hex() if value == value and abs(value) != float('inf') else value})"
    return f"({core}.const {value})"
