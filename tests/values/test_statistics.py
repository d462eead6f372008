"""The randomness tests: real randomness passes, the ways of faking it do not."""

import random

import pytest

from wasicheck.values import Bindings, match, parse_pattern
from wasicheck.values.statistics import CHI_SQUARE_LENGTH, MIN_LENGTH, not_uniform
from wasicheck.wit.types import U8, ListType


@pytest.mark.parametrize("length", [MIN_LENGTH, 100, 1000, CHI_SQUARE_LENGTH, 65536, 1 << 20])
def test_random_bytes_pass(length: int):
    source = random.Random(length)
    assert all(not_uniform(source.randbytes(length)) is None for _ in range(5))


SOURCE = random.Random(1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes are too few to tell; it takes 64"),
        (SOURCE.randbytes(MIN_LENGTH - 1), "63 bytes are too few to tell; it takes 64"),
        (bytes(64), "the number of one bits is -22.6 standard deviations off"),
        (b"\xff" * 64, "the number of one bits is +22.6 standard deviations off"),
        (bytes(range(256)) * 16, "the byte values are spread too evenly (-33.8 standard deviations)"),
        (b"\x0f" * 2048 + SOURCE.randbytes(2048), "the byte values are spread too unevenly ("),
        (SOURCE.randbytes(64) * 2, "the aligned block "),
        (b"\x55\xaa" * 32, "the aligned block 55aa55aa55aa55aa55aa55aa55aa55aa occurs 4 times"),
        (bytes(b & 0x7F for b in SOURCE.randbytes(4096)), "the number of one bits is -"),
        (
            bytes(SOURCE.choice(b"\x0f\xf0\x33\xcc\x55\xaa") for _ in range(5000)),
            "the byte values are spread too unevenly",
        ),
    ],
)
def test_fakes_do_not_pass(data: bytes, reason: str):
    assert (not_uniform(data) or "").startswith(reason)


def test_as_a_pattern():
    pattern = parse_pattern("entropy(uniform)", ListType(U8), {})
    assert match(pattern, random.Random(2).randbytes(4096), Bindings()).ok
    assert not match(pattern, bytes(4096), Bindings()).ok
