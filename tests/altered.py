"""WASI 0.3.0 with something altered, and guests built against it."""

from __future__ import annotations

from pathlib import Path

import wasicheck.wit
from wasicheck.guest.compiler import Build, compile_steps
from wasicheck.wit import parse_sources
from wasicheck.wit.types import Function, NamedType, Wit

FOLDER = Path(wasicheck.wit.__file__).parent / "wasi-0.3.0"


def altered(package: str, old: str, new: str) -> Wit:
    """Return WASI with the first `old` in the declarations of a package replaced."""
    sources = {f"deps/{file.stem}.wit": file.read_text() for file in FOLDER.glob("*.wit")}
    text = sources[f"deps/{package}.wit"]
    assert old in text
    sources[f"deps/{package}.wit"] = text.replace(old, new, 1)
    return parse_sources(sources)


def function(wit: Wit, item: str) -> Function:
    """Return the function of a WIT item."""
    interface, _, name = item.partition("#")
    return wit.interface(interface).functions[name]


def guest(wit: Wit, *link: Function | NamedType) -> tuple[bytes, str]:
    """Return a command that imports these, as wasm and as text."""
    built = compile_steps((), wit, Build(), link=link, limits=False)
    return built.wasm, built.wat
