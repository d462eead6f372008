"""Components without the code of their core modules.

wasmtime tells the type of a component only when it has compiled it, which takes half a minute where an interpreter is
inside. Types do not depend on code, so each function body is replaced by `unreachable` before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_PREAMBLE = 8
_CODE_SECTION = 10
_CORE_MODULE_SECTION = 1
_COMPONENT_SECTION = 4
_UNREACHABLE = b"\x03\x00\x00\x0b"
"""A function body of three bytes: no locals, `unreachable`, `end`."""
_MAX_DEPTH = 50


class _MalformedError(Exception):
    """The sections do not fit into each other; validation will say where and why."""


def without_code(component: bytes) -> bytes:
    """Return the component with empty function bodies; what is malformed is returned as it is."""
    try:
        return _component(component, 0)
    except _MalformedError:
        return component


def _component(data: bytes, depth: int) -> bytes:
    """Binary.md, "Component Definitions"."""
    if depth > _MAX_DEPTH:
        raise _MalformedError

    def rewrite(id: int, payload: bytes) -> bytes:
        if id == _CORE_MODULE_SECTION:
            return _rewritten(payload, _core_section)
        return _component(payload, depth + 1) if id == _COMPONENT_SECTION else payload

    return _rewritten(data, rewrite)


def _core_section(id: int, payload: bytes) -> bytes:
    if id != _CODE_SECTION:
        return payload
    count, start = _u32(payload, 0)
    if count > len(payload) - start:
        raise _MalformedError
    return payload[:start] + count * _UNREACHABLE


def _rewritten(data: bytes, rewrite: Callable[[int, bytes], bytes]) -> bytes:
    """The preamble and every section, its payload as `rewrite` makes it of its id and payload."""
    parts = [data[:_PREAMBLE]]
    for id, payload in _sections(data):
        changed = rewrite(id, payload)
        parts += (bytes((id,)), _leb128(len(changed)), changed)
    return b"".join(parts)


def _sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = _PREAMBLE
    while position < len(data):
        size, start = _u32(data, position + 1)
        if start + size > len(data):
            raise _MalformedError
        yield data[position], data[start : start + size]
        position = start + size


def _u32(data: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number of at most 32 bits; return it and where it ends."""
    value = 0
    for index in range(5):
        if position + index >= len(data):
            break
        byte = data[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise _MalformedError


def _leb128(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
