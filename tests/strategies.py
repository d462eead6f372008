"""Hypothesis strategies for component types without handles, and for the values of a type."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from wasicheck.values.model import Record, Value, Variant
from wasicheck.wit.types import (
    ERROR_CONTEXT,
    PRIMITIVES,
    U8,
    Case,
    EnumType,
    Field,
    FlagsType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    Type,
    TypeId,
    VariantType,
)

LABELS = (
    *("true", "false", "inf", "nan", "some", "none", "ok", "err"),
    *("a", "b-c", "x1", "HTTP3", "method-GET", "port", "address", "not-found", "other"),
    *("prefix", "length", "distinct", "unordered", "any", "hex", "repeat", "own", "stream", "ns", "s"),
)
"""Labels among which are the keywords of WAVE and the names of functions."""


def labels(max_size: int = 6) -> st.SearchStrategy[tuple[str, ...]]:
    """A few labels that differ."""
    return st.lists(st.sampled_from(LABELS), min_size=1, max_size=max_size, unique=True).map(tuple)


def type_ids() -> st.SearchStrategy[TypeId | None]:
    """The identity of a named type, or None."""
    return st.none() | st.sampled_from(("thing", "error-code")).map(lambda name: TypeId("test:types/types@1.0.0", name))


def _records(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    def build(id: TypeId | None, names: tuple[str, ...], data: list[Type]) -> Type:
        return RecordType(id, tuple(Field(n, t) for n, t in zip(names, data, strict=False)))

    return st.builds(build, type_ids(), labels(4), st.lists(inner, min_size=4, max_size=4))


def _variants(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    def build(id: TypeId | None, names: tuple[str, ...], data: list[Type | None]) -> Type:
        return VariantType(id, tuple(Case(n, t) for n, t in zip(names, data, strict=False)))

    return st.builds(build, type_ids(), labels(4), st.lists(st.none() | inner, min_size=4, max_size=4))


def types(*, max_leaves: int = 8, fixed_lists: bool = True) -> st.SearchStrategy[Type]:
    """Value types of some depth, without handles; `fixed_lists` includes `list<T, N>`."""
    leaves: st.SearchStrategy[Type] = st.one_of(
        st.sampled_from([t for t in PRIMITIVES.values() if t != ERROR_CONTEXT]),
        st.just(ListType(U8)),
        st.builds(EnumType, type_ids(), labels()),
        st.builds(FlagsType, type_ids(), labels()),
    )
    lengths = st.none() | st.integers(1, 3) if fixed_lists else st.none()
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(ListType, inner, lengths),
            st.builds(OptionType, inner),
            st.builds(ResultType, st.none() | inner, st.none() | inner),
            st.builds(TupleType, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            _records(inner),
            _variants(inner),
        ),
        max_leaves=max_leaves,
    )


def values_of(type: Type) -> st.SearchStrategy[Value]:
    """Values of a type without handles."""
    match type:
        case PrimitiveType("bool"):
            return st.booleans()
        case PrimitiveType("f32" | "f64"):
            # The one NaN of the model.
            floats = st.floats(width=32 if type.name == "f32" else 64)
            return floats.map(lambda f: math.nan if math.isnan(f) else f)
        case PrimitiveType("char"):
            return st.characters(exclude_categories=["Cs"])
        case PrimitiveType("string"):
            return st.text(max_size=20)
        case PrimitiveType(name):
            bits = int(name[1:])
            return (
                st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
                if name[0] == "s"
                else st.integers(0, (1 << bits) - 1)
            )
        case ListType(element, length):
            least, most = (0, 4) if length is None else (length, length)
            if element == U8:
                text = st.text(max_size=most // 4).map(str.encode) if length is None else st.nothing()
                return st.binary(min_size=least, max_size=most) | text
            return st.lists(values_of(element), min_size=least, max_size=most).map(tuple)
        case TupleType(elements):
            return st.tuples(*map(values_of, elements))
        case RecordType(fields=fields):
            names = [f.name for f in fields]
            return st.tuples(*(values_of(f.type) for f in fields)).map(
                lambda members: Record(tuple(zip(names, members, strict=True)))
            )
        case OptionType(element):
            return st.just(Variant("none")) | values_of(element).map(lambda v: Variant("some", v))
        case ResultType(ok, error):
            return _case_values("ok", ok) | _case_values("err", error)
        case VariantType(cases=cases):
            return st.one_of(*(_case_values(c.name, c.type) for c in cases))
        case EnumType(labels=names):
            return st.sampled_from(names).map(Variant)
        case FlagsType(labels=names):
            return st.frozensets(st.sampled_from(names))
        case _:
            raise TypeError(f"{type} holds a handle")


def _case_values(name: str, payload: Type | None) -> st.SearchStrategy[Value]:
    return st.just(Variant(name)) if payload is None else values_of(payload).map(lambda v: Variant(name, v))


def typed_values(count: int = 1, *, max_leaves: int = 8) -> st.SearchStrategy[tuple[Type, list[Value]]]:
    """A type and `count` values of it."""
    return types(max_leaves=max_leaves).flatmap(
        lambda t: st.tuples(st.just(t), st.lists(values_of(t), min_size=count, max_size=count))
    )
