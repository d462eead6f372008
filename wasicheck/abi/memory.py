"""Linear memory as the canonical ABI sees it: something to read from, something to allocate and write in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Protocol

from wasicheck.abi.errors import AbiError

MAX_MEMORY_SIZE = 1 << 32
"""Bytes that a 32-bit memory can have."""


class Memory(Protocol):
    """Memory to lift from."""

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes from `address`; raise `AbiError` where they are not all there."""


class Allocator(Protocol):
    """Memory to lower into; `allocate` is the `realloc` of the canonical options."""

    def allocate(self, size: int, align: int) -> int:
        """Return the address of `size` fresh zero bytes, a multiple of `align`."""

    def write(self, address: int, data: bytes) -> None:
        """Replace bytes that have been allocated; raise `AbiError` for any others."""


class Segments:
    """Pieces of a memory that is otherwise unknown, as observation frames carry them.

    Pieces may touch and overlap, and are then read as one; an overlap where two pieces differ is an `AbiError`.
    `size` is the length of the memory in bytes, if it is known: an empty read has to lie within it as well.
    """

    def __init__(self, pieces: Iterable[tuple[int, bytes]], size: int = MAX_MEMORY_SIZE) -> None:
        merged: list[tuple[int, bytearray]] = []
        for address, data in sorted(pieces):
            if address < 0 or address + len(data) > size:
                raise AbiError(f"segment {_range(address, len(data))} is outside of the memory of {size} bytes")
            if merged and address <= merged[-1][0] + len(merged[-1][1]):
                start, last = merged[-1]
                shared = last[address - start : address - start + len(data)]
                if shared != data[: len(shared)]:
                    raise AbiError(f"segments disagree about the bytes {_range(address, len(shared))}")
                last += data[len(shared) :]
            else:
                merged.append((address, bytearray(data)))
        self._starts = [start for start, _ in merged]
        self._pieces = [bytes(data) for _, data in merged]
        self._size = size

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes from `address`; raise `AbiError` if some of them are in no segment."""
        if address + length > self._size:
            raise AbiError(f"{_range(address, length)} is out of the bounds of the memory of {self._size} bytes")
        if length == 0:
            return b""
        index = bisect_right(self._starts, address) - 1
        if index >= 0:
            offset = address - self._starts[index]
            data = self._pieces[index][offset : offset + length]
            if len(data) == length:
                return data
        raise AbiError(f"no segment holds the bytes {_range(address, length)}")


def _range(address: int, length: int) -> str:
    return f"{address:#x}..{address + length:#x}"


def out_of_image(address: int, length: int, base: int, end: int) -> AbiError:
    """The error for an access to an image outside of what has been allocated."""
    return AbiError(f"the bytes {_range(address, length)} are not within the image {_range(base, end - base)}")
