"""Components without the code of their core modules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import wat2wasm

from wasicheck.check.decoding import decode
from wasicheck.check.stripping import without_code

NESTED = bytes(
    wat2wasm(
        """(component
          (component $inner
            (core module $m (memory (export "memory") 1) (func (export "f") (result i32) """
        + "(drop (i32.const 1)) " * 500
        + """(i32.const 7)))
            (core instance $i (instantiate $m))
            (func (export "f") (result u32) (canon lift (core func $i "f"))))
          (instance $i (instantiate $inner))
          (export "own" (instance $i)))"""
    )
)


def test_what_it_says_of_itself_stays() -> None:
    stripped = without_code(NESTED)
    assert len(stripped) < len(NESTED) / 3
    assert decode(stripped) == decode(NESTED)


@pytest.mark.parametrize("length", [0, 5, 8, 9, 40, len(NESTED) - 1])
def test_what_is_cut_off_stays_as_it_is(length: int) -> None:
    assert without_code(NESTED[:length]) == NESTED[:length]


@given(st.binary(max_size=80))
def test_it_never_fails(data: bytes) -> None:
    without_code(NESTED[:8] + data)
