"""What the matrix says in words: verdicts with their signs, levels, provenances, and the two numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wasicheck.judge.model import Verdict
from wasicheck.vectors.model import Level
from wasicheck.vectors.requirements import Provenance


@dataclass(frozen=True)
class Sign:
    """How a verdict is written: a letter in data, a symbol and a word on the page, and a sentence in the legend."""

    letter: str
    symbol: str
    word: str
    meaning: str


SIGNS: Mapping[Verdict, Sign] = {
    Verdict.PASS: Sign("p", "✓", "pass", "Everything the vector asks for holds: what must be, and what should be."),
    Verdict.NON_STRICT: Sign(
        "n",
        "≈",
        "non-strict",
        "A “should” was missed, or an error that the text lists as typical was another one. The host still conforms.",
    ),
    Verdict.INFO: Sign(
        "i", "i", "info", "The text leaves it open (“may”): the host's answer is recorded and not judged."
    ),
    Verdict.FAIL: Sign("f", "✗", "fail", "A “must” was missed: the answer is not what the text demands."),
    Verdict.TIMEOUT: Sign("t", "…", "timeout", "No answer within the limit, so a “must” was missed."),
    Verdict.CRASH: Sign("c", "†", "crash", "The host's process died, so a “must” was missed."),
    Verdict.UNSUPPORTED: Sign(
        "u",
        "∅",
        "unsupported",
        "The host does not offer an import, as a guest proves that does nothing but import it. Not covered, and no"
        " divergence.",
    ),
    Verdict.SKIP: Sign("s", "–", "skip", "Not run, for a reason that the case gives. Not covered, and no divergence."),
    Verdict.ERROR: Sign(
        "e",
        "?",
        "error",
        "The harness could not set the scene. That is no fault of the host's, so it is in neither number.",
    ),
}
"""In the order of the legend."""
ABSENT = Sign(".", "·", "not run", "The run of this host does not have the vector. Not covered, and no divergence.")

LEVELS: Mapping[Level, str] = {
    Level.MUST: "The text demands it. Missing it is a divergence.",
    Level.SHOULD: "The text recommends it. Missing it is shown as non-strict, and conforms.",
    Level.TYPICAL: "The text lists the error as typical. Another error is shown as non-strict, and conforms.",
    Level.MAY: "The text leaves it open. The answer is information.",
}
PROVENANCES: Mapping[Provenance, str] = {
    Provenance.WIT: "the text or the signature in the WIT",
    Provenance.PROSE: "the proposal's other documents",
    Provenance.POSIX: "the text says it is as in POSIX",
    Provenance.RFC: "the RFCs of HTTP",
    Provenance.COMPONENT_MODEL: "the component model",
    Provenance.DERIVED: "follows from several statements together",
}
DIVERGENCE = (
    "Divergence is the share of all vectors that a host fails: those with the verdict fail, timeout or crash, each of"
    " them a missed “must”."
)
COVERAGE = (
    "Coverage is the share of all vectors that could be judged on a host: those that pass, are non-strict or"
    " informative, or fail."
)
BESIDE = (
    "Both have all vectors of this page as their denominator, the same for every host. What the harness could not do"
    " stands beside them, and is in neither."
)
