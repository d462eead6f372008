"""From a requirement's `source` to the address of the official text, at the release the suite is about."""

from __future__ import annotations

import re

WASI = "https://github.com/WebAssembly/WASI/blob/v0.3.0/proposals/"
COMPONENT_MODEL = "https://github.com/WebAssembly/component-model/blob/6d281648bd89caf885a7adcc412962dbd2425ab7/"
"""The component model has no releases that go with those of WASI; lines are those of this commit."""
_SOURCE = re.compile(r"(?P<path>[a-z][a-z-]*/[\w./-]+\.(?P<kind>wit|md))(?::(?P<lines>[\d,-]+))?")
_PACKAGES = ("cli", "clocks", "filesystem", "http", "random", "sockets")


def source_link(source: str) -> str | None:
    """Return the address of `cli/wit/stdio.wit:39-41`, at the first of its lines; None for what is not of these texts.

    A package's files are those of its proposal; `component-model/…` is the component model's repository.
    """
    found = _SOURCE.fullmatch(source)
    if found is None:
        return None
    package, _, rest = found["path"].partition("/")
    if package == "component-model":
        address = COMPONENT_MODEL + rest
    elif package in _PACKAGES:
        address = WASI + found["path"]
    else:
        return None
    if not found["lines"]:
        return address
    first, _, last = found["lines"].split(",")[0].partition("-")
    # Markdown is shown rendered, where lines have no anchors.
    plain = "?plain=1" if found["kind"] == "md" else ""
    return f"{address}{plain}#L{first}" + (f"-L{last}" if last else "")
