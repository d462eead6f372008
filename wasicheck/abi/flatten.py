"""Flattening: the core WebAssembly types of values and functions.

CanonicalABI.md, "Flattening"; for 32-bit memories.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Literal, assert_never

from wasicheck.abi.layout import VariantLike, cases_of, despecialize, fields_of, flags_size
from wasicheck.wit.types import (
    BorrowType,
    FlagsType,
    Function,
    FutureType,
    ListType,
    OwnType,
    PrimitiveType,
    RecordType,
    StreamType,
    Type,
    VariantType,
)

CoreType = Literal["i32", "i64", "f32", "f64"]

POINTER: CoreType = "i32"
MAX_FLAT_PARAMS = 16
MAX_FLAT_ASYNC_PARAMS = 4
MAX_FLAT_RESULTS = 1

_NOT_I32: MappingProxyType[str, CoreType] = MappingProxyType({"s64": "i64", "u64": "i64", "f32": "f32", "f64": "f64"})


class LiftForm(StrEnum):
    """How an export is lifted: without `async`, with `async` and `callback`, or with `async` alone."""

    SYNC = "sync"
    CALLBACK = "callback"
    STACKFUL = "stackful"


@dataclass(frozen=True)
class CoreSignature:
    """Core function type of a lifted or lowered function, and what its pointers stand for.

    `params_spilled`: the parameters are one pointer to a tuple of them in memory.
    `results_by_pointer`: lowered, the last parameter points to where the result is to be stored; lifted, the core
    function returns a pointer to where it has stored the result.
    """

    params: tuple[CoreType, ...]
    results: tuple[CoreType, ...]
    params_spilled: bool = False
    results_by_pointer: bool = False


@cache
def flatten_type(t: Type) -> tuple[CoreType, ...]:
    """Core types that a value of type `t` is passed as."""
    match despecialize(t):
        case PrimitiveType("string"):
            return (POINTER, POINTER)
        case PrimitiveType(name):
            return (_NOT_I32.get(name, "i32"),)
        case ListType(element, int(length)):
            return flatten_type(element) * length
        case ListType():
            return (POINTER, POINTER)
        case RecordType() as record:
            return flatten_types(field.type for field in fields_of(record))
        case VariantType() as variant:
            return flatten_variant(variant)
        case FlagsType() as flags:
            flags_size(flags)
            return ("i32",)
        case OwnType() | BorrowType() | StreamType() | FutureType():
            return ("i32",)
        case other:
            assert_never(other)


def flatten_types(types: Iterable[Type]) -> tuple[CoreType, ...]:
    """Core types of several values in a row."""
    return tuple(core for t in types for core in flatten_type(t))


@cache
def flatten_variant(t: VariantLike) -> tuple[CoreType, ...]:
    """The discriminant, and then the joined core types of the payloads."""
    flat: list[CoreType] = []
    for case in cases_of(t):
        for index, core in enumerate(() if case.type is None else flatten_type(case.type)):
            if index < len(flat):
                flat[index] = join(flat[index], core)
            else:
                flat.append(core)
    return ("i32", *flat)


def join(a: CoreType, b: CoreType) -> CoreType:
    """The core type that holds the bits of either."""
    if a == b:
        return a
    return "i32" if {a, b} == {"i32", "f32"} else "i64"


def lower_signature(function: Function, *, is_async: bool) -> CoreSignature:
    """Core type of an imported function as `canon lower` gives it to the guest, with or without `async`.

    With `async` the only core result is the packed state of the call: subtask index times 16 plus state.
    """
    params = flatten_types(param.type for param in function.params)
    result = () if function.result is None else flatten_type(function.result)
    spilled = len(params) > (MAX_FLAT_ASYNC_PARAMS if is_async else MAX_FLAT_PARAMS)
    by_pointer = len(result) > (0 if is_async else MAX_FLAT_RESULTS)
    core_params = (POINTER,) if spilled else params
    if by_pointer:
        core_params = (*core_params, POINTER)
    if is_async:
        core_results: tuple[CoreType, ...] = ("i32",)
    else:
        core_results = () if by_pointer else result
    return CoreSignature(core_params, core_results, spilled, by_pointer)


def lift_signature(function: Function, form: LiftForm) -> CoreSignature:
    """Core type that `canon lift` wants of an exported function.

    The two `async` forms deliver the result through `task.return`; the core result of a callback function is the
    packed callback code.
    """
    params = flatten_types(param.type for param in function.params)
    spilled = len(params) > MAX_FLAT_PARAMS
    core_params = (POINTER,) if spilled else params
    match form:
        case LiftForm.SYNC:
            result = () if function.result is None else flatten_type(function.result)
            by_pointer = len(result) > MAX_FLAT_RESULTS
            return CoreSignature(core_params, (POINTER,) if by_pointer else result, spilled, by_pointer)
        case LiftForm.CALLBACK:
            return CoreSignature(core_params, ("i32",), spilled)
        case LiftForm.STACKFUL:
            return CoreSignature(core_params, (), spilled)
        case _:
            assert_never(form)


def task_return_signature(result: Type | None) -> CoreSignature:
    """Core type of `canon task.return` for a function with that result, which is passed like a parameter."""
    params = () if result is None else flatten_type(result)
    spilled = len(params) > MAX_FLAT_PARAMS
    return CoreSignature((POINTER,) if spilled else params, (), spilled)
