"""The project's own vectors and requirements have nothing that lint finds.

That they pass `--vacuity` takes the results of a run: `make conformance vacuity`.
"""

from __future__ import annotations

from wasicheck.check.vectors import lint, lint_requirements
from wasicheck.resources import data_folder
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.requirements import load_requirements
from wasicheck.wit import wasi


def test_nothing_is_suspicious(project_suite: Suite) -> None:
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    found = (*lint_requirements(catalogue, wasi()), *lint(project_suite, catalogue))
    assert [str(problem) for problem in found] == []


def test_reasons_for_what_is_left_open_say_something(project_suite: Suite) -> None:
    steps = {step.place: step.unchecked for vector in project_suite.vectors.values() for step in vector.steps}
    reasons = {*steps.values(), *(vector.unchecked for vector in project_suite.vectors.values())} - {""}
    assert reasons
    assert [reason for reason in reasons if not (reason.endswith(".") and len(reason.split()) >= 4)] == []
