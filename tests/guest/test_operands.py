"""Arguments as code and data: for every type, what the core code makes of them is the value they stand for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from abi_strategies import record_type, typed_values, variant_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wasmtime import Engine, Instance, Memory, Module, Store

from wasicheck.abi import cases_of, fields_of, flatten_type, lift_flat, load
from wasicheck.guest.compiler import _segments
from wasicheck.guest.operands import FILL, Operands, Storage
from wasicheck.guest.places import Place
from wasicheck.guest.scope import any_of
from wasicheck.values import (
    Argument,
    Bytes,
    Chunk,
    Constant,
    FieldStep,
    IndexStep,
    ListArgument,
    Offset,
    PayloadStep,
    Record,
    RecordArgument,
    Reference,
    TupleArgument,
    Value,
    Variant,
    VariantArgument,
    same_value,
)
from wasicheck.wit.types import (
    F32,
    F64,
    S8,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    Type,
    VariantType,
)

ENGINE = Engine()
BASE, REGIONS = 64, 1 << 16


@dataclass
class _Linear:
    """A core memory as something to lift from."""

    store: Store
    memory: Memory

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.memory.read(self.store, address, address + length))


class _Bench:
    """Values in memory, arguments that refer to them, and the core module that both make."""

    def __init__(self) -> None:
        self.storage = Storage(BASE, REGIONS)
        self.places: dict[str, Place] = {}
        self.operands = Operands(self.storage, lambda r: self.places[r.name])

    def reference(self, type: Type, value: Value) -> Reference:
        name = f"v{len(self.places)}"
        self.places[name] = Place(type, self.storage.image.place(value, type))
        return Reference(type, name, (), f"${name}")

    def run(self, results: list[str], types: tuple[str, ...]) -> tuple[_Linear, list[int | float]]:
        """Run the prelude and return memory and the values of the expressions."""
        store = Store(ENGINE)
        signature = f"(result {' '.join(types)})" if types else ""
        code = "\n".join([*self.operands.prelude, *results])
        text = f"""(module (memory (export "m") {self.storage.pages}) {" ".join(_segments(self.storage))} {FILL}
            (func (export "f") {signature} {code}))"""
        exports = Instance(store, Module(ENGINE, text), []).exports(store)
        function, memory = exports["f"], exports["m"]
        assert isinstance(memory, Memory)
        found = function(store)  # type: ignore[operator]
        values = [] if found is None else found if isinstance(found, list) else [found]
        masked = [v % (1 << int(t[1:])) if isinstance(v, int) else v for v, t in zip(values, types, strict=True)]
        return _Linear(store, memory), masked

    def flat(self, argument: Argument, type: Type) -> Value:
        """The value that the argument is when passed as core values."""
        types = flatten_type(type)
        memory, values = self.run(self.operands.flat(argument), types)
        return lift_flat(memory, values, type)

    def stored(self, argument: Argument, type: Type) -> Value:
        """The value that the argument is when passed in memory."""
        address = self.operands.place_in_memory(argument, type)
        memory, _ = self.run([], ())
        return load(memory, address, type)


def arguments(bench: _Bench, type: Type, value: Value, draw: st.DrawFn) -> Argument:
    """An argument for a value, at random depths a constant, a reference, or made of parts."""
    how = draw(st.sampled_from(["constant", "reference", "parts", "parts"]))
    if how == "constant":
        return Constant(type, value)
    if how == "parts":
        match type, value:
            case RecordType(), Record(members):
                parts = zip(members, fields_of(type), strict=True)
                return RecordArgument(type, tuple((f.name, arguments(bench, f.type, v, draw)) for (_, v), f in parts))
            case TupleType(elements), tuple():
                return TupleArgument(
                    type, tuple(arguments(bench, t, v, draw) for t, v in zip(elements, value, strict=True))
                )
            case ListType(element), tuple() | bytes():
                return ListArgument(type, tuple(arguments(bench, element, v, draw) for v in value))
            case ((VariantType() | OptionType() | ResultType()), Variant(case, payload)) if payload is not None:
                payload_type = next(c.type for c in cases_of(type) if c.name == case)
                assert payload_type is not None
                return VariantArgument(type, case, arguments(bench, payload_type, payload, draw))
            case _:
                pass
    return bench.reference(type, value)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_argument_is_its_value_in_either_form(data: st.DataObject) -> None:
    type, found = data.draw(typed_values())
    if not found or len(flatten_type(type)) > 200:
        return
    for form in ("flat", "stored"):
        bench = _Bench()
        argument = arguments(bench, type, found[0], data.draw)
        assert same_value(getattr(bench, form)(argument, type), found[0])


@pytest.mark.parametrize("form", ["flat", "stored"])
@pytest.mark.parametrize(
    ("type", "value", "amount", "expected"),
    [
        (U8, 250, 10, 4),
        (U8, 3, -5, 254),
        (S8, 127, 1, -128),
        (U16, 65535, 1, 0),
        (U32, 5, -6, (1 << 32) - 1),
        (U32, 5, 5_000_000_000, (5 + 5_000_000_000) % (1 << 32)),
        (U64, 5, -6, (1 << 64) - 1),
        (U64, 1, (1 << 64) + 1, 2),
        (S64, -1, -(1 << 63), (1 << 63) - 1),
    ],
)
def test_offsets_wrap_as_their_types_do(form: str, type: PrimitiveType, value: int, amount: int, expected: int) -> None:
    bench = _Bench()
    argument = Offset(type, bench.reference(type, value), amount)
    assert getattr(bench, form)(argument, type) == expected


@pytest.mark.parametrize("form", ["flat", "stored"])
def test_long_bytes(form: str) -> None:
    type = ListType(U8)
    content = Bytes(type, (Chunk(b"abc", 3), Chunk(b"0123456789", 1005), Chunk(b"x", 5000), Chunk(b"-long-", 2)))
    assert getattr(_Bench(), form)(content, type) == content.materialise()


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, math.inf, -math.inf, 1e-45, math.nan])
@pytest.mark.parametrize("type", [F32, F64, OptionType(F32), variant_type(F32, U64, F64)])
def test_floats(type: Type, value: float) -> None:
    if isinstance(type, PrimitiveType):
        whole: Value = value
    else:
        whole = Variant("some" if isinstance(type, OptionType) else "l0", value)
    bench = _Bench()
    assert same_value(bench.flat(Constant(type, whole), type), bench.flat(bench.reference(type, whole), type))


INNER = record_type(U8, STRING, ListType(U16, 3))
WHOLE = TupleType((U8, OptionType(INNER), ListType(variant_type(U8, INNER)), U64))
VALUE = (
    1,
    Variant("some", Record((("l0", 9), ("l1", "text"), ("l2", (7, 8, 9))))),
    (Variant("l0", 5), Variant("l1", Record((("l0", 3), ("l1", "in the list"), ("l2", (1, 2, 3)))))),
    1 << 63,
)


@pytest.mark.parametrize(
    ("path", "type", "expected"),
    [
        ((IndexStep(0),), U8, 1),
        ((IndexStep(3),), U64, 1 << 63),
        ((IndexStep(1), PayloadStep("some"), FieldStep("l1")), STRING, "text"),
        ((IndexStep(1), PayloadStep("some"), FieldStep("l2"), IndexStep(2)), U16, 9),
        ((IndexStep(2), IndexStep(0), PayloadStep("l0")), U8, 5),
        ((IndexStep(2), IndexStep(1), PayloadStep("l1"), FieldStep("l1")), STRING, "in the list"),
        ((IndexStep(2), IndexStep(1), PayloadStep("l1")), INNER, VALUE[2][1].payload),  # type: ignore[index]
        # There is no such element, and no such case.
        ((IndexStep(2), IndexStep(2), PayloadStep("l0")), U8, None),
        ((IndexStep(2), IndexStep(0), PayloadStep("l1"), FieldStep("l0")), U8, None),
    ],
)
def test_paths_lead_to_parts_that_are_there(
    path: tuple[IndexStep | FieldStep | PayloadStep, ...], type: Type, expected: Value | None
) -> None:
    bench = _Bench()
    place = Place(WHOLE, bench.storage.image.place(VALUE, WHOLE))
    for step in path:
        place = place.follow(step)
    bench.places["part"] = place
    reference = Reference(type, "part", path, "$part")
    _, found = bench.run([any_of([place.conditions])] if place.conditions else ["(i32.const 1)"], ("i32",))
    assert bool(found[0]) is (expected is not None)
    if expected is not None:
        assert bench.flat(reference, type) == expected
        assert bench.stored(reference, type) == expected


def test_conditions_do_not_look_where_there_is_nothing() -> None:
    # What would be the pointer and length of the list is another case's number.
    type = variant_type(ListType(OptionType(U8)), TupleType((U32, U32)))
    bench = _Bench()
    place = Place(type, bench.storage.image.place(Variant("l1", (0xFFFF_FFF0, 9)), type))
    for step in (PayloadStep("l0"), IndexStep(0), PayloadStep("some")):
        place = place.follow(step)
    _, found = bench.run([any_of([place.conditions, place.conditions[:1]])], ("i32",))
    assert found == [0]


JOINED = [
    (variant_type(F32, U32), Variant("l0", 1.5)),
    (variant_type(F32, U64), Variant("l0", -2.5)),
    (variant_type(F64, U64), Variant("l0", 1e300)),
    (variant_type(U8, U64, F64), Variant("l0", 255)),
    (variant_type(S8, U64), Variant("l0", -1)),
    (variant_type(STRING, U64, None), Variant("l0", "text")),
    (variant_type(F32, F32, None), Variant("l1", 0.5)),
]


@pytest.mark.parametrize(("type", "value"), JOINED)
def test_payloads_are_widened_to_what_their_cases_share(type: VariantType, value: Variant) -> None:
    bench = _Bench()
    assert bench.flat(bench.reference(type, value), type) == value
    payload_type = next(c.type for c in cases_of(type) if c.name == value.case)
    assert payload_type is not None
    assert value.payload is not None
    argument = VariantArgument(type, value.case, bench.reference(payload_type, value.payload))
    assert bench.flat(argument, type) == value


def test_a_path_that_leads_nowhere_is_a_defect() -> None:
    with pytest.raises(AssertionError, match="does not lead into"):
        Place(U8, 0).follow(IndexStep(0))
