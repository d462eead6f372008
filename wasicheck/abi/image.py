"""A byte image of values in linear memory, built before the memory exists."""

from __future__ import annotations

import builtins

from wasicheck.abi.errors import AbiError
from wasicheck.abi.layout import align_to, alignment, elem_size
from wasicheck.abi.lower import store
from wasicheck.abi.memory import MAX_MEMORY_SIZE, out_of_image
from wasicheck.values.model import Value
from wasicheck.wit.types import Type


class Image:
    """Bytes from address `base` on, with a bump allocator: literal arguments become one data segment.

    An `Allocator` to lower into and a `Memory` to lift from. Padding, and the payload bytes that a case leaves
    unused, are zero. Nothing is ever freed.
    """

    def __init__(self, base: int) -> None:
        self.base = base
        self._data = bytearray()

    @property
    def end(self) -> int:
        """Address of the first byte behind the image."""
        return self.base + len(self._data)

    @property
    def bytes(self) -> builtins.bytes:
        """The image, from `base` to `end`."""
        return bytes(self._data)

    def allocate(self, size: int, align: int) -> int:
        """Return the address of `size` fresh zero bytes, a multiple of `align`."""
        address = align_to(self.end, align)
        if address + size > MAX_MEMORY_SIZE:
            raise AbiError(f"no room for {size} bytes at {address:#x}: a 32-bit memory ends at {MAX_MEMORY_SIZE:#x}")
        self._data.extend(bytes(address + size - self.end))
        return address

    def write(self, address: int, data: builtins.bytes) -> None:
        """Replace bytes that have been allocated; raise `AbiError` for any others."""
        offset = self._offset(address, len(data))
        self._data[offset : offset + len(data)] = data

    def read(self, address: int, length: int) -> builtins.bytes:
        """Return bytes that have been allocated; raise `AbiError` for any others."""
        offset = self._offset(address, length)
        return bytes(self._data[offset : offset + length])

    def store(self, value: Value, t: Type, address: int) -> None:
        """Lower a value into memory that has been allocated for it."""
        store(self, value, t, address)

    def place(self, value: Value, t: Type) -> int:
        """Allocate memory for a value, lower it, and return its address."""
        address = self.allocate(elem_size(t), alignment(t))
        store(self, value, t, address)
        return address

    def _offset(self, address: int, length: int) -> int:
        if address < self.base or address + length > self.end:
            raise out_of_image(address, length, self.base, self.end)
        return address - self.base
