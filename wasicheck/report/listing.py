"""Vectors and requirements as text for a person to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wasicheck.vectors.listing import Listed
from wasicheck.vectors.model import Vector
from wasicheck.vectors.requirements import Requirement


def describe(vector: Vector) -> str:
    """A vector as a person reads it: title, requirements, steps with what is expected of them."""
    lines = [f"{vector.id}: {vector.title}", f"  {vector.place}, {vector.interface}, level {vector.level.value}"]
    lines += [f"  requirement {id}" for id in vector.requirements]
    for number, step in enumerate(vector.steps, 1):
        expected = ", ".join(e.text for e in step.expectations)
        lines.append(f"  {number:3}. {step.text}\n         {expected}")
    if vector.after.exit is not None:
        code = f"({vector.after.exit.code})" if vector.after.exit.code is not None else ""
        lines.append(f"  exit {vector.after.exit.kind.value}{code}")
    lines += [f"  stdout {e.text}" for e in vector.after.stdout]
    lines += [f"  stderr {e.text}" for e in vector.after.stderr]
    return "\n".join(lines) + "\n"


def citations(requirements: Iterable[Requirement], vectors: Sequence[Listed]) -> str:
    """Every requirement with the vectors that cite it; of one that none cites, whether it can be tested."""
    citing: dict[str, list[str]] = {}
    for vector in vectors:
        for id in vector.requirements:
            citing.setdefault(id, []).append(vector.id)
    lines = []
    for requirement in requirements:
        cited = ", ".join(citing.get(requirement.id, ())) or f"- ({requirement.testable.value})"
        lines.append(f"{requirement.level.value:8}{requirement.id}: {requirement.text}\n        {cited}\n")
    return "".join(lines)
