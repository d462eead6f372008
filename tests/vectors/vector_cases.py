"""The table of vectors that are not valid: how a case becomes a file, and the parsing of `errors.txt`."""

from __future__ import annotations

import textwrap
from pathlib import Path

from wasicheck.vectors.loader import Suite, load_text
from wasicheck.vectors.model import Level

LEVELS = {f"r.{level.value}": level for level in Level}
HEAD = """\
interface: {interface}
vectors:
  - id: a
    title: T
    requirements: [r.must]
"""


def vector(body: str, interface: str = "wasi:random/random@0.3.0") -> str:
    """A file with one vector, whose other keys are given; they begin in line 6."""
    return HEAD.format(interface=interface) + textwrap.indent(body.rstrip("\n") + "\n", "    ")


def steps(body: str, interface: str = "wasi:random/random@0.3.0") -> str:
    """A file with one vector, whose steps are given; they begin in line 7."""
    return vector("steps:\n" + textwrap.indent(body, "  "), interface)


KINDS = {"file": lambda body: body, "vector": vector, "steps": steps}


def cases() -> list[tuple[str, str, list[str]]]:
    """Name, text and errors of each case of `errors.txt`."""
    found = []
    for block in (Path(__file__).parent / "errors.txt").read_text(encoding="utf-8").split("\n=== ")[1:]:
        head, *lines = block.splitlines()
        kind, _, name = head.partition(": ")
        body = "".join(f"{line}\n" for line in lines if not line.startswith("=> "))
        errors = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        found.append((name, KINDS[kind](body), errors))
    return found


def load(text: str) -> Suite:
    """Load a text as `v.yaml`."""
    return load_text(text, "v.yaml", LEVELS)
