"""The component runtime of the `wasmtime` package as a second opinion on the canonical ABI.

For one type, a component is made that shows what wasmtime lowers (memory and core values), and that hands memory
and core values of ours to wasmtime to be lifted. Its core function types come from `wasicheck.abi`, so that a wrong
flattening does not even validate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, Linker
from wasmtime.component import Variant as Tagged
from wasmtime.component._types import VariantLikeType

from wasicheck.abi import CoreType, LiftForm, Segments, cases_of, fields_of, lift_signature, lower_signature
from wasicheck.values.model import Record, Value, Variant
from wasicheck.wit.types import (
    EnumType,
    Field,
    FlagsType,
    Function,
    FunctionKind,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    Type,
    VariantType,
)

SLOTS = 16
"""Address of the core values, 8 bytes for each, or of a (pointer, length) pair."""
BASE = 256
"""Address of the first allocation."""
MEMORY_SIZE = 1 << 16


class WasmtimeRefuses(Exception):
    """wasmtime trapped while it lifted."""


@dataclass(frozen=True)
class Dump:
    """What wasmtime lowered: the core values' 8-byte slots, and the memory from `BASE` on."""

    slots: tuple[bytes, ...]
    heap: bytes


class TypeText:
    """The text of types in a component, which imports each named type so that functions may use it."""

    def __init__(self) -> None:
        self.definitions: list[str] = []
        self._names: dict[Type, str] = {}

    def of(self, t: Type) -> str:
        """A primitive type's name, or a reference to the definition that this call has added."""
        if isinstance(t, PrimitiveType):
            return t.name
        if t not in self._names:
            text = self._define(t)
            name = f"t{len(self._names)}"
            if isinstance(t, RecordType | VariantType | EnumType | FlagsType):
                text = f'(type ${name}-definition {text}) (import "{name}" (type ${name} (eq ${name}-definition)))'
            else:
                text = f"(type ${name} {text})"
            self.definitions.append(text)
            self._names[t] = f"${name}"
        return self._names[t]

    def _define(self, t: Type) -> str:
        match t:
            case ListType(element):
                parts = ["list", self.of(element)]
            case OptionType(element):
                parts = ["option", self.of(element)]
            case ResultType(ok, error):
                parts = ["result", *([self.of(ok)] if ok else []), *([f"(error {self.of(error)})"] if error else [])]
            case TupleType(elements):
                parts = ["tuple", *map(self.of, elements)]
            case RecordType(_, fields):
                parts = ["record", *(f'(field "{field.name}" {self.of(field.type)})' for field in fields)]
            case VariantType(_, cases):
                parts = ["variant", *(f'(case "{c.name}" {self.of(c.type) if c.type else ""})' for c in cases)]
            case EnumType(_, labels):
                parts = ["enum", *(f'"{label}"' for label in labels)]
            case FlagsType(_, labels):
                parts = ["flags", *(f'"{label}"' for label in labels)]
            case _:
                raise AssertionError(f"no text for {t}")
        return f"({' '.join(parts)})"


def _function(t: Type) -> Function:
    return Function("t:t/t", "f", FunctionKind.FREESTANDING, None, (Field("x", t),), None, False)


def _dumper(name: str, params: tuple[CoreType, ...]) -> str:
    """A core function that stores its parameters as slots, and returns all memory from `SLOTS` to the heap's end."""
    stores = " ".join(
        f"({core}.store (i32.const {SLOTS + 8 * index}) (local.get {index}))" for index, core in enumerate(params)
    )
    return f"""
    (func (export "{name}") {" ".join(f"(param {core})" for core in params)} (result i32)
      {stores}
      (i32.store (i32.const 0) (i32.const {SLOTS}))
      (i32.store (i32.const 4) (i32.sub (global.get $end) (i32.const {SLOTS})))
      (i32.const 0))"""


def component_text(t: Type) -> str:
    """Text of the component for type `t`; its functions are described at `Oracle`."""
    text = TypeText()
    elements = text.of(ListType(t))
    name = text.of(t)
    lowered = lower_signature(_function(t), is_async=False).params
    slots = " ".join(
        f"({core}.load (i32.add (local.get 2) (i32.const {8 * index})))" for index, core in enumerate(lowered)
    )
    options = '(memory (core memory $libc "memory"))'
    lift_options = options + ' (realloc (core func $libc "realloc"))'
    definitions = "\n  ".join(text.definitions)
    return f"""
(component
  {definitions}
  (type $bytes (list u8))
  (import "sink" (func $sink (param "x" {name})))
  (core module $Libc
    (memory (export "memory") 1 1)
    (global $end (export "end") (mut i32) (i32.const {BASE}))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $address i32)
      (local.set $address
        (i32.and
          (i32.sub (i32.add (global.get $end) (local.get 2)) (i32.const 1))
          (i32.sub (i32.const 0) (local.get 2))))
      (global.set $end (i32.add (local.get $address) (local.get 3)))
      (local.get $address)))
  (core instance $libc (instantiate $Libc))
  (core func $core-sink (canon lower (func $sink) {options}))
  (core module $Main
    (import "libc" "memory" (memory 1))
    (import "libc" "end" (global $end (mut i32)))
    (import "host" "sink" (func $sink {" ".join(f"(param {core})" for core in lowered)}))
    {_dumper("lower-list", ("i32", "i32"))}
    {_dumper("lower-flat", lift_signature(_function(t), LiftForm.SYNC).params)}
    (func (export "lift-list") (param i32 i32 i32 i32) (result i32)
      (i32.store (i32.const {SLOTS}) (local.get 2))
      (i32.store (i32.const {SLOTS + 4}) (local.get 3))
      (i32.const {SLOTS}))
    (func (export "lift-flat") (param i32 i32 i32 i32)
      (call $sink {slots})))
  (core instance $main (instantiate $Main
    (with "libc" (instance $libc)) (with "host" (instance (export "sink" (func $core-sink))))))
  (func (export "lower-list") (param "xs" {elements}) (result $bytes)
    (canon lift (core func $main "lower-list") {lift_options}))
  (func (export "lower-flat") (param "x" {name}) (result $bytes)
    (canon lift (core func $main "lower-flat") {lift_options}))
  (func (export "lift-list") (param "heap" $bytes) (param "begin" u32) (param "length" u32) (result {elements})
    (canon lift (core func $main "lift-list") {lift_options}))
  (func (export "lift-flat") (param "heap" $bytes) (param "slots" $bytes)
    (canon lift (core func $main "lift-flat") {lift_options})))
"""


@cache
def _engine() -> Engine:
    config = Config()
    config.cranelift_opt_level = "none"
    return Engine(config)


class Oracle:
    """wasmtime's canonical ABI for type `t`. Each call has a fresh instance, with zeroed memory."""

    def __init__(self, t: Type) -> None:
        self._type = t
        self._sunk: list[Any] = []
        self._component = Component(_engine(), component_text(t))
        self._linker = Linker(_engine())
        with self._linker.root() as root:
            root.add_func("sink", lambda _store, x: self._sunk.append(x))

    def lower_list(self, values: Value) -> Dump:
        """Lower a `list<T>`: two slots, pointer and length, and the memory."""
        return _dump(self._call("lower-list", to_wasmtime(values, ListType(self._type))), 2)

    def lower_flat(self, value: Value) -> Dump:
        """Lower one parameter of type T: a slot for each core value, and the memory."""
        raw = self._call("lower-flat", to_wasmtime(value, self._type))
        return _dump(raw, len(lift_signature(_function(self._type), LiftForm.SYNC).params))

    def lift_list(self, heap: bytes, begin: int, length: int) -> Value:
        """Lift a `list<T>` from a memory that has `heap` at `BASE`; raise `WasmtimeRefuses` for a trap."""
        return from_wasmtime(self._call("lift-list", heap, begin, length), ListType(self._type))

    def lift_flat(self, heap: bytes, slots: list[bytes]) -> Value:
        """Lift the argument of a call of an import, passed as core values; raise `WasmtimeRefuses` for a trap."""
        self._sunk.clear()
        self._call("lift-flat", heap, b"".join(slots))
        [x] = self._sunk
        return from_wasmtime(x, self._type)

    def _call(self, name: str, *arguments: Any) -> Any:
        store = Store(_engine())
        function = self._linker.instantiate(store, self._component).get_func(store, name)
        assert function is not None
        # The bindings pass a payload bare where they think that its Python type tells the case; they take True for
        # a u32. Always tagged, values are unambiguous.
        with mock.patch.object(VariantLikeType, "_tagged", return_value=True):
            try:
                return function(store, *arguments)
            except (Trap, WasmtimeError) as error:
                raise WasmtimeRefuses(str(error)) from error


def memory_with(heap: bytes, low: bytes = b"") -> Segments:
    """The whole memory of an instance that has `heap` at `BASE` and `low` at `SLOTS`."""
    return Segments([(0, (bytes(SLOTS) + low).ljust(BASE, b"\0") + heap.ljust(MEMORY_SIZE - BASE, b"\0"))], MEMORY_SIZE)


def _dump(raw: bytes, count: int) -> Dump:
    return Dump(tuple(raw[8 * index : 8 * index + 8] for index in range(count)), raw[BASE - SLOTS :])


def to_wasmtime(value: Value, t: Type) -> Any:
    """A value as the bindings of wasmtime want it."""
    match t, value:
        case ListType(element), tuple():
            return [to_wasmtime(member, element) for member in value]
        case TupleType(elements), tuple():
            return tuple(map(to_wasmtime, value, elements))
        case RecordType(), Record(pairs):
            types = [field.type for field in fields_of(t)]
            return SimpleNamespace(**{n: to_wasmtime(v, field) for (n, v), field in zip(pairs, types, strict=True)})
        case EnumType(), Variant(case):
            return case
        case ((VariantType() | OptionType() | ResultType()), Variant(case, payload)):
            [payload_type] = [c.type for c in cases_of(t) if c.name == case]
            return Tagged(case, None if payload_type is None else to_wasmtime(payload, payload_type))
        case FlagsType(), frozenset():
            return set(value)
    return value


def from_wasmtime(x: Any, t: Type) -> Value:
    """The inverse of `to_wasmtime`."""
    match t:
        case ListType(element) if isinstance(x, list):
            return tuple(from_wasmtime(member, element) for member in x)
        case TupleType(elements):
            return tuple(map(from_wasmtime, x, elements))
        case RecordType(_, fields):
            return Record(tuple((f.name, from_wasmtime(getattr(x, f.name), f.type)) for f in fields))
        case EnumType():
            return Variant(x)
        case VariantType() | OptionType() | ResultType():
            [payload_type] = [c.type for c in cases_of(t) if c.name == x.tag]
            return Variant(x.tag, None if payload_type is None else from_wasmtime(x.payload, payload_type))
        case FlagsType():
            return frozenset(x)
        case PrimitiveType("f32" | "f64") if math.isnan(x):
            # wasmtime hands over the NaN that it finds; the specification makes it the canonical one.
            return math.nan
    return x
