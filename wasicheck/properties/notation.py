"""Values in the notation of vectors, and strategies for those that several properties draw."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wasicheck.values import format_value
from wasicheck.wit.types import STRING, U8, ListType

_BYTES = ListType(U8)


def string(value: str) -> str:
    """A string, as in an expression: `"a\\n"`."""
    return format_value(value, STRING)


def data(value: bytes) -> str:
    """Bytes, as in an expression: `"abc"`, `hex("00 ff")`."""
    return format_value(value, _BYTES)


def joined(texts: Iterable[str]) -> str:
    """The elements of a list or tuple."""
    return ", ".join(texts)


def texts(*, without: str = "\0", min_size: int = 0, max_size: int = 40) -> SearchStrategy[str]:
    """Strings of any Unicode scalar values but these."""
    return st.text(_characters(without), min_size=min_size, max_size=max_size)


def tokens(*, max_size: int = 20) -> SearchStrategy[str]:
    """Tokens of RFC 9110, 5.6.2, in small letters."""
    return st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=max_size)


def blobs(*, min_size: int = 0, max_size: int = 300) -> SearchStrategy[bytes]:
    """Any bytes."""
    return st.binary(min_size=min_size, max_size=max_size)


def _characters(without: str) -> SearchStrategy[str]:
    # What breaks programs more often than the rest comes first.
    likely = [c for c in "aZ0 \n\t\r\"'\\$%{}[]<>|&;*?~#=:,-éß中\u0301\u200d\u202e\ufeff𝒳🦀" if c not in without]
    return st.one_of(
        st.sampled_from(likely),
        st.characters(exclude_categories=["Cs"], exclude_characters=without),
    )
