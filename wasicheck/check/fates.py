"""What becomes of a mutant: whether the expectations that accepted an observation tell it from that."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wasicheck.check.vectors import references
from wasicheck.judge.ending import judge_output
from wasicheck.judge.findings import Finding
from wasicheck.judge.judge import weigh_across
from wasicheck.judge.model import SEVERITY, Verdict
from wasicheck.judge.observation import StepObservation
from wasicheck.judge.recorded import Recording
from wasicheck.judge.steps import weigh_value
from wasicheck.values import Value, same_value
from wasicheck.values.captures import named_cases
from wasicheck.values.mutants import Mutant
from wasicheck.vectors.model import Ending, Expectation, Level, Start, Step, Vector
from wasicheck.vectors.staging import Accept, Harness

_CATCH_ALL = re.compile(r"\.err\.(?:other|internal-error)(?:\.some)?\Z")
"""The text in a catch-all error, which the specification does not define, or tells users not to depend on."""

Weighed = Sequence[tuple[Expectation, Finding]]
"""What each expectation makes of an observation."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    """Judged otherwise than what was observed."""
    KILLED_LATER = "killed later"
    """Accepted by its step, and told by a later one, or over all runs, that compares what was captured."""
    USED_LATER = "used later"
    """Accepted; captured, and used by a later step in a way of which a result does not tell what would come of it."""
    MAY = "may"
    """Accepted where the answer is merely recorded."""
    NAMED = "named"
    """Accepted: another case, which an alternative of the expectation names."""
    MISSED = "missed already"
    """Not told from an observation that is itself not quite what is asked for."""
    NOT_ASKED = "not asked"
    """Accepted where nothing is to be asked: what was started is awaited later, and the text in a catch-all error."""
    ACCEPTED = "accepted"
    """Accepted, and nothing says that it should be."""


KILLED = frozenset({Fate.KILLED, Fate.KILLED_LATER})
CLOSED = KILLED | {Fate.USED_LATER, Fate.MAY}
"""Fates of which one is enough that the part is not left open."""


def worst(weighed: Weighed) -> Verdict:
    """The verdict of a step by that of its expectations."""
    return min((finding.verdict for _, finding in weighed), key=SEVERITY.index, default=Verdict.PASS)


def told(level: Level, before: Verdict, after: Verdict) -> Fate:
    """The fate of a mutant of something that a single expectation of that level is about."""
    if before is not after:
        return Fate.KILLED
    if level is Level.MAY:
        return Fate.MAY
    return Fate.MISSED if before is Verdict.NON_STRICT else Fate.ACCEPTED


def step_fate(step: Step, mutant: Mutant, before: Weighed, after: Weighed) -> Fate:
    """The fate of a mutant by what the step's expectations made of the observation, and make of the mutant."""
    if worst(before) is not worst(after):
        return Fate.KILLED
    if all(expectation.outcome is None for expectation in step.expectations) and not step.across:
        action = step.action.action if isinstance(step.action, Harness) else step.action
        return Fate.NOT_ASKED if isinstance(action, Start | Accept) else Fate.ACCEPTED
    levels = {expectation.level for expectation, _ in before}
    answers = ((e.level, bool(f.message), bool(g.message)) for (e, f), (_, g) in zip(before, after, strict=True))
    if levels == {Level.MAY} or any(level is Level.MAY and one is not other for level, one, other in answers):
        return Fate.MAY
    if worst(before) is Verdict.NON_STRICT:
        return Fate.MISSED
    if _CATCH_ALL.search(mutant.part):
        return Fate.NOT_ASKED
    return Fate.NAMED if _is_named(step, mutant) else Fate.ACCEPTED


def _is_named(step: Step, mutant: Mutant) -> bool:
    """Whether the other case is one that an expectation names beside further ones."""
    part = tuple(mutant.part.split(".")[1:])
    return mutant.case is not None and any(
        mutant.case in named_cases(expectation.outcome, part)
        for expectation in step.expectations
        if expectation.outcome is not None and not isinstance(expectation.outcome, Ending)
    )


@dataclass(frozen=True)
class Later:
    """What comes behind a step, where it may show what the step captured.

    `used`: the names that are used at all; `steps`: the later steps, with what was observed of them and what their
    expectations refer to; `captured`: what the whole run captured; `index`: that of the step itself.
    """

    vector: Vector
    index: int
    used: Container[str]
    steps: Sequence[tuple[Step, StepObservation, frozenset[str]]]
    captured: Mapping[str, Value]
    recorded: Recording

    def fate(self, changed: Mapping[str, Value]) -> Fate:
        """The fate of a mutant that its step accepts, and that changes what these names stand for."""
        values = {**self.captured, **changed}
        for step, seen, names in self.steps:
            if not names.isdisjoint(changed):
                before = worst(weigh_value(step, seen, dict(self.captured)))
                if worst(weigh_value(step, seen, dict(values))) is not before:
                    return Fate.KILLED_LATER
        for name, expectations, data in (
            ("stdout", self.vector.after.stdout, self.recorded.stdout),
            ("stderr", self.vector.after.stderr, self.recorded.stderr),
        ):
            for expectation in expectations:
                if data is not None and _mention(expectation, changed):
                    pair = [
                        judge_output(self.vector, name, expectation, data, dict(captured), cut=False).verdict
                        for captured in (self.captured, values)
                    ]
                    if pair[0] is not pair[1]:
                        return Fate.KILLED_LATER
        # As an argument, of something that lies on disk, or in a comparison that this mutant does not touch.
        return Fate.USED_LATER if any(name in self.used for name in changed) else Fate.ACCEPTED

    def across(self, step: Step, value: Value, mutant: Mutant) -> Fate:
        """The fate of a mutant of a step whose values are compared over all runs."""
        values = self.recorded.across.get(self.index, ())
        at = next((i for i, one in enumerate(values) if same_value(one, value)), None)
        if at is None:
            return Fate.ACCEPTED
        before = weigh_across(step, values)
        after = weigh_across(step, (*values[:at], mutant.value, *values[at + 1 :]))
        if worst(before) is not worst(after):
            return Fate.KILLED_LATER
        return Fate.MAY if all(e.level is Level.MAY for e, _ in before) else Fate.ACCEPTED


def _mention(part: object, names: Mapping[str, Value]) -> bool:
    return any(name in names for name in references(part))
