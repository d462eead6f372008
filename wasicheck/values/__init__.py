"""Component values, their WAVE text, and patterns over them; pure."""

from wasicheck.values.argument_types import (
    Argument,
    Constant,
    FieldStep,
    IndexStep,
    ListArgument,
    MissingValue,
    Offset,
    PathStep,
    PayloadStep,
    RecordArgument,
    Reference,
    Scope,
    TupleArgument,
    VariantArgument,
    WritableEnd,
    evaluate,
)
from wasicheck.values.arguments import check_argument, parse_argument, parse_reference
from wasicheck.values.captures import CapturePath, capture_paths, variables
from wasicheck.values.lexer import ExpressionError
from wasicheck.values.literals import Bytes, Chunk
from wasicheck.values.matching import Bindings, Match, match
from wasicheck.values.model import Handle, Record, Value, Variant
from wasicheck.values.parser import parse_call
from wasicheck.values.pattern_text import format_argument, format_pattern
from wasicheck.values.pattern_types import Pattern
from wasicheck.values.patterns import parse_pattern
from wasicheck.values.regions import accepts_everything
from wasicheck.values.shapes import type_text
from wasicheck.values.syntax import CallExpression
from wasicheck.values.wave import format_value, parse_value, same_value

__all__ = [
    "Argument",
    "Bindings",
    "Bytes",
    "CallExpression",
    "CapturePath",
    "Chunk",
    "Constant",
    "ExpressionError",
    "FieldStep",
    "Handle",
    "IndexStep",
    "ListArgument",
    "Match",
    "MissingValue",
    "Offset",
    "PathStep",
    "Pattern",
    "PayloadStep",
    "Record",
    "RecordArgument",
    "Reference",
    "Scope",
    "TupleArgument",
    "Value",
    "Variant",
    "VariantArgument",
    "WritableEnd",
    "accepts_everything",
    "capture_paths",
    "check_argument",
    "evaluate",
    "format_argument",
    "format_pattern",
    "format_value",
    "match",
    "parse_argument",
    "parse_call",
    "parse_pattern",
    "parse_reference",
    "parse_value",
    "same_value",
    "type_text",
    "variables",
]
