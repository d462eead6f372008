"""The component model: a stream whose ends are both the guest's, which the host carries elements across."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wasicheck.properties.model import Body, Property, steps
from wasicheck.properties.notation import joined
from wasicheck.values import Value, format_value
from wasicheck.wit.types import F32, F64, S8, S16, S32, S64, U8, U16, U32, U64, PrimitiveType

_TYPES = (U8, U16, U32, U64, S8, S16, S32, S64, F32, F64)
"""What a stream may carry within one component (CanonicalABI.md, `none_or_number_type`)."""


def _elements(type: PrimitiveType) -> SearchStrategy[Value]:
    kind, bits = type.name[0], int(type.name[1:])
    match kind:
        case "u":
            return st.integers(0, 2**bits - 1)
        case "s":
            return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        case _:
            # Which NaN comes out is open.
            return st.floats(width=32 if type == F32 else 64, allow_nan=False)


@st.composite
def _carried(draw: st.DrawFn) -> Body:
    type = draw(st.sampled_from(_TYPES))
    sent = draw(st.lists(_elements(type), min_size=1, max_size=60))

    def text(part: list[Value]) -> str:
        # A list of bytes is one value, and its elements are integers.
        return f"[{joined(format_value(element, type) for element in part)}]"

    reads: list[Body] = []
    left = sent
    for count in draw(st.lists(st.integers(1, 40), max_size=6)):
        if not left:
            break
        # The writer offers all that is left, so a read gets all that it asks for.
        reads.append({"read": "$in", "count": str(count), "expect": f"completed({text(left[:count])})"})
        left = left[count:]
    return {
        "steps": steps(
            {"new": f"stream<{type.name}>", "as": ["in", "out"]},
            {"start": {"write-all": "$out", "data": text(sent)}, "as": "writing", "expect": "blocked"},
            reads,
            {"start": {"read-all": "$in"}, "as": "reading", "expect": "blocked"},
            {"await": "$writing", "expect": f"completed({len(sent)})"},
            {"drop": "$out"},
            {"await": "$reading", "expect": f"dropped({text(left)})"},
        )
    }


PROPERTIES = (
    Property(
        "stream-elements",
        "Elements of any number type go through a stream whole and in order, however many are read at a time",
        "wasi:cli/run@0.3.0",
        ("cm.stream.read.partial", "cm.stream.read.drain-before-dropped"),
        _carried(),
    ),
)
