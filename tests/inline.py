"""Vectors given inline in tests."""

from __future__ import annotations

from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, Vector

LEVELS = {"it": Level.MUST, "must": Level.MUST, "should": Level.SHOULD, "typical": Level.TYPICAL, "may": Level.MAY}
"""The requirements that vectors can cite, with their levels."""


def load(text: str) -> dict[str, Vector]:
    """The vectors of a file given as text, which has to be right."""
    suite = load_text(text, "vectors/x.yaml", LEVELS)
    for problem in suite.problems:
        raise AssertionError(str(problem))
    return dict(suite.vectors)


def one(steps: str, *, interface: str = "wasi:cli/stdin", requirement: str = "it", more: str = "") -> Vector:
    """The vector with these steps; `more` are other keys of it, indented by four."""
    indented = "\n".join(f"      {line}" for line in steps.strip("\n").splitlines())
    return load(
        f"""
interface: {interface}@0.3.0
vectors:
  - id: one
    title: One
    requirements: [{requirement}]
{more}
    steps:
{indented or "      []"}
"""
    )["one"]
