"""Literals of the expression language on their own, outside of any expression."""

from __future__ import annotations

from wasicheck.values import ExpressionError, parse_value
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.source import Node


def read_bytes(node: Node) -> bytes:
    """Read a byte string literal: `"text"`, `hex("00 ff")`, `repeat("x", 4MiB)`."""
    try:
        value = parse_value(node.text("bytes"), BYTES)
    except ExpressionError as error:
        node.expression_failed(error)
    assert isinstance(value, bytes)
    return value
