"""Vacuity: whether expectations tell what was observed from what else could have been.

Every observation of a recorded run is replaced by other values of its type (`values/mutants.py`), and judged as the run
was. A mutant that is judged otherwise is killed. A part of an outcome all of whose mutants are accepted is a *hole*: the
vector says nothing of it, unless it says why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wasicheck.check.vectors import names_by_place, references
from wasicheck.judge.ending import judge_exit, judge_output
from wasicheck.judge.findings import Finding
from wasicheck.judge.judge import weigh_across
from wasicheck.judge.model import SEVERITY, Result, Verdict
from wasicheck.judge.observation import Progress, StepObservation
from wasicheck.judge.recorded import RecordedStep, Recording, bare_run, moments, recording
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.judge.steps import is_silent, judge_end_in, judge_pending, weigh_value
from wasicheck.values import Value, format_value, same_value
from wasicheck.values.captures import named_cases
from wasicheck.values.mutants import Hints, Mutant, hints_of, mutants, simplest
from wasicheck.vectors.expectations import can_wait
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.model import Channel, Ending, Expectation, Level, Place, Start, Step, Vector
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.staging import Accept, Harness, Introduce

_CATCH_ALL = re.compile(r"\.err\.(?:other|internal-error)(?:\.some)?\Z")
"""The text in a catch-all error, on which the specification tells users not to depend."""
EXAMPLE = 100
"""Characters of the example of a mutant."""
ENDING, EXIT = "(ending)", "(exit)"
"""Parts that are no parts of a value."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    KILLED_LATER = "killed later"
    """Accepted by its step, and told by a later one, or over all runs, that compares what was captured."""
    USED_LATER = "used later"
    """Accepted; captured, and used by a later step in a way of which a result does not tell what would come of it."""
    MAY = "may"
    """Accepted where the specification leaves it open: the answer is recorded."""
    NOT_ASKED = "not asked"
    """Accepted where an `expect` can be left out, as what was started is awaited later."""
    NAMED = "named"
    """Accepted: another case, which an alternative of the expectation names."""
    MISSED = "missed already"
    """Not told from an observation that itself is not quite what is asked for."""
    ACCEPTED = "accepted"


KILLED = (Fate.KILLED, Fate.KILLED_LATER)
CLOSED = (*KILLED, Fate.USED_LATER, Fate.MAY)
"""What keeps a part from being a hole."""


@dataclass
class _Tally:
    """What became of the mutants of one part of one expectation, over all rows and results."""

    vector: Vector
    step: Step | None
    text: str
    expected: str
    fates: Counter[Fate] = field(default_factory=Counter)
    example: str = ""


@dataclass(frozen=True)
class Hole:
    """A part of an outcome all of whose mutants are accepted.

    `part` are the cases that lead to it (`.ok`), empty for the outcome as a whole; `waiver` is the reason that the
    vector gives, empty if it gives none.
    """

    place: Place
    id: str
    text: str
    expected: str
    part: str
    accepted: int
    example: str
    waiver: str

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "place": str(self.place),
            "id": self.id,
            "step": self.text,
            "expected": self.expected,
            "part": self.part,
            "accepted": self.accepted,
            "example": self.example,
            "waiver": self.waiver or None,
        }


@dataclass(frozen=True)
class UselessWaiver:
    """A waiver of a vector that leaves nothing open."""

    place: Place
    id: str
    reason: str

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {"place": str(self.place), "id": self.id, "reason": self.reason}


@dataclass(frozen=True)
class VacuityReport:
    """What vacuity found.

    `fates` counts mutants; `observations` those that were mutated, `unread` those that results do not keep whole,
    `failed` those that were refused. `changed` and `unknown` are ids of results that are of other vectors than those
    of the suite, `unobserved` ids of vectors without an observation.
    """

    vectors: int
    observations: int
    unread: int
    failed: int
    fates: Mapping[Fate, int]
    waived: int
    holes: tuple[Hole, ...]
    useless: tuple[UselessWaiver, ...]
    changed: tuple[str, ...]
    unknown: tuple[str, ...]
    unobserved: tuple[str, ...]

    @property
    def open(self) -> tuple[Hole, ...]:
        """The holes that nothing waives."""
        return tuple(hole for hole in self.holes if not hole.waiver)

    @property
    def mutants(self) -> int:
        """How many mutants were judged."""
        return sum(self.fates.values())

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "vectors": self.vectors,
            "observations": self.observations,
            "unread": self.unread,
            "failed": self.failed,
            "mutants": self.mutants,
            "fates": {fate.value: self.fates.get(fate, 0) for fate in Fate},
            "waived": self.waived,
            "holes": [hole.data() for hole in self.holes],
            "useless_waivers": [waiver.data() for waiver in self.useless],
            "changed": list(self.changed),
            "unknown": list(self.unknown),
            "unobserved": list(self.unobserved),
        }


def check_vacuity(suite: Suite, results: Iterable[Result]) -> VacuityReport:
    """Mutate what results of the suite's vectors observed, and say which expectations would accept the mutants."""
    examiner = _Examiner(suite.vectors.values())
    changed: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for result in results:
        vector = suite.vectors.get(result.id)
        if vector is None:
            unknown[result.id] = None
        elif result.steps:
            recorded = recording(vector, result)
            if recorded is None:
                changed[result.id] = None
            else:
                examiner.examine(vector, recorded)
    return examiner.report(suite, tuple(changed), tuple(unknown))


class _Examiner:
    """Goes through recordings, and tallies what became of the mutants of each part."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        self._used = names_by_place(vectors)
        self._tallies: dict[tuple[Place, str, str], _Tally] = {}
        self._seen: dict[str, Vector] = {}
        self._places: set[Place] = set()
        self._observations = self._unread = self._failed = 0

    def examine(self, vector: Vector, recorded: Recording) -> None:
        """Mutate every observation of a recording."""
        self._unread += recorded.unread
        self._failed += recorded.failed
        captured: dict[str, Value] = {}
        weighed: list[tuple[RecordedStep, StepObservation, dict[str, Value]]] = []
        for step in recorded.steps:
            if step.seen is None:
                self._examine_ending(vector, step, recorded)
                continue
            before = dict(captured) if step.step.expectations else captured
            seen = _as_it_was(step, before)
            if seen is None:
                self._unread += 1
                continue
            weigh_value(step.step, seen, captured)
            weighed.append((step, seen, before))
        for position, (step, seen, before) in enumerate(weighed):
            later = _Later(
                vector, used, step.index, [(s.step, o) for s, o, _ in weighed[position + 1 :]], captured, recorded
            )
            self._examine_value(vector, step, seen, before, later)
        if weighed or recorded.steps:
            self._seen[vector.id] = vector
        self._examine_outside(vector, recorded, captured)

    def _examine_value(
        self, vector: Vector, recorded: RecordedStep, seen: StepObservation, before: dict[str, Value], later: _Later
    ) -> None:
        step = recorded.step
        if isinstance(step.action, Harness) and isinstance(step.action.action, Introduce):
            return
        self._observations += 1
        self._places.add(step.place)
        self._endings(vector, recorded)
        if step.yields is None or seen.value is None:
            return
        after = dict(before)
        base = weigh_value(step, seen, after)
        hints = hints_of([e.outcome for e in step.expectations], before)
        if runs := later.recorded.across.get(recorded.index):
            hints = Hints({**hints.values, step.yields: runs}, hints.affixes)
        for mutant in mutants(seen.value, step.yields, hints):
            trial = dict(before)
            found = weigh_value(step, StepObservation(Progress.DONE, mutant.value, seen.received_at), trial)
            fate = _fate(step, base, found, mutant)
            if fate is Fate.ACCEPTED:
                changed = {n: v for n, v in trial.items() if v is not after.get(n) and v != after.get(n)}
                fate = later.fate(changed) if changed else fate
            if fate is Fate.ACCEPTED and step.across:
                fate = later.across(step, seen.value, mutant.value)
            self._count(vector, step, mutant, fate)

    def _endings(self, vector: Vector, recorded: RecordedStep) -> None:
        """What if the step had not come to its end?"""
        step, index = recorded.step, recorded.index
        if vector.guest.channel is Channel.NONE or is_silent(step):
            return
        if can_wait(step.action):
            self._ending(vector, step, recorded.verdict, judge_pending(index, step).verdict, "pending")
        ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 1)), None)
        self._ending(vector, step, recorded.verdict, ended.verdict, "trap")

    def _examine_ending(self, vector: Vector, recorded: RecordedStep, whole: Recording) -> None:
        """What if a step that trapped, exited or kept waiting had come to its end, or ended otherwise?"""
        step, index, base = recorded.step, recorded.index, recorded.verdict
        self._observations += 1
        self._places.add(step.place)
        value = None if step.yields is None else simplest(step.yields)
        completed = _worst(weigh_value(step, StepObservation(Progress.DONE, value), {}))
        shown = "completed" if value is None or step.yields is None else _example(value, step)
        self._ending(vector, step, base, completed, shown)
        if recorded.ending is Ending.TRAP:
            ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 0)), None)
            self._ending(vector, step, base, ended.verdict, "success (exit status 0)")
        elif recorded.ending is Ending.PENDING:
            ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 1)), None)
            self._ending(vector, step, base, ended.verdict, "trap")

    def _ending(self, vector: Vector, step: Step, base: Verdict, found: Verdict, example: str) -> None:
        only_may = all(e.level is Level.MAY for e in step.expectations)
        fate = Fate.KILLED if found is not base else Fate.MAY if only_may else Fate.ACCEPTED
        if fate is Fate.ACCEPTED and base is Verdict.NON_STRICT:
            fate = Fate.MISSED
        self._tally(vector, step, step.place, ENDING, fate, example)

    def _examine_outside(self, vector: Vector, recorded: Recording, captured: dict[str, Value]) -> None:
        """Mutate how the host ended, and what it printed."""
        after = vector.after
        if after.exit is not None and recorded.exit is not None:
            base = judge_exit(vector, bare_run(recorded.exit), None)
            if base.verdict in (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO):
                for code in sorted({0, 1, recorded.exit.code + 1} - {recorded.exit.code}):
                    found = judge_exit(vector, bare_run(Exit(ExitReason.EXITED, code)), None)
                    fate = _told(after.exit.level, base, found)
                    self._tally(vector, None, after.place, EXIT, fate, f"exit status {code}")
        for name, expectations, data in (
            ("stdout", after.stdout, recorded.stdout),
            ("stderr", after.stderr, recorded.stderr),
        ):
            for expectation in expectations:
                self._examine_output(vector, name, expectation, data, captured)

    def _examine_output(
        self, vector: Vector, name: str, expectation: Expectation, data: bytes | None, captured: dict[str, Value]
    ) -> None:
        if data is None:
            self._unread += 1
            return
        base = judge_output(vector, name, expectation, data, captured, cut=False)
        if base.verdict not in (Verdict.PASS, Verdict.INFO):
            self._unread += 1
            return
        self._observations += 1
        for mutant in mutants(data, BYTES):
            assert isinstance(mutant.value, bytes)
            found = judge_output(vector, name, expectation, mutant.value, captured, cut=False)
            fate = _told(expectation.level, base, found)
            example = format_value(mutant.value, BYTES, max_length=EXAMPLE)
            self._tally(vector, None, vector.after.place, f"({name})", fate, example, expectation.text)

    def _count(self, vector: Vector, step: Step, mutant: Mutant, fate: Fate) -> None:
        example = _example(mutant.value, step) if fate is Fate.ACCEPTED else ""
        self._tally(vector, step, step.place, mutant.part, fate, example)

    def _tally(
        self, vector: Vector, step: Step | None, place: Place, part: str, fate: Fate, example: str, expected: str = ""
    ) -> None:
        if step is not None:
            expected = ", ".join(e.text for e in (*step.expectations, *step.across))
        key = (place, part, expected)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(vector, step, "after" if step is None else step.text, expected)
        tally.fates[fate] += 1
        if fate is Fate.ACCEPTED and not tally.example:
            tally.example = example

    def report(self, suite: Suite, changed: tuple[str, ...], unknown: tuple[str, ...]) -> VacuityReport:
        """Put together what was found."""
        fates: Counter[Fate] = Counter()
        holes: list[Hole] = []
        for (place, part, expected), tally in self._tallies.items():
            fates += tally.fates
            if tally.fates[Fate.ACCEPTED] and not any(tally.fates[fate] for fate in CLOSED):
                waiver = (tally.step.unchecked if tally.step is not None else "") or tally.vector.unchecked
                accepted = tally.fates[Fate.ACCEPTED]
                holes.append(Hole(place, tally.vector.id, tally.text, expected, part, accepted, tally.example, waiver))
        useless = tuple(_useless(self._seen.values(), self._places, holes))
        return VacuityReport(
            vectors=len(self._seen),
            observations=self._observations,
            unread=self._unread,
            failed=self._failed,
            fates=fates,
            waived=sum(hole.accepted for hole in holes if hole.waiver),
            holes=tuple(holes),
            useless=useless,
            changed=changed,
            unknown=unknown,
            unobserved=tuple(id for id in suite.vectors if id not in self._seen),
        )


@dataclass(frozen=True)
class _Later:
    """What comes behind a step: what it captured may show there."""

    vector: Vector
    used: Container[str]
    """The names that this vector uses, or another one with the same step."""
    index: int
    steps: Sequence[tuple[Step, StepObservation]]
    captured: Mapping[str, Value]
    recorded: Recording

    def fate(self, changed: Mapping[str, Value]) -> Fate:
        """The fate of a mutant that changes these captures."""
        values = {**self.captured, **changed}
        for step, seen in self.steps:
            if _mention(step.expectations, changed):
                base = _worst(weigh_value(step, seen, dict(self.captured)))
                if _worst(weigh_value(step, seen, dict(values))) is not base:
                    return Fate.KILLED_LATER
        after = self.vector.after
        for name, expectations, data in (
            ("stdout", after.stdout, self.recorded.stdout),
            ("stderr", after.stderr, self.recorded.stderr),
        ):
            for expectation in expectations:
                if data is not None and _mention(expectation, changed):
                    base = judge_output(self.vector, name, expectation, data, dict(self.captured), cut=False).verdict
                    if judge_output(self.vector, name, expectation, data, values, cut=False).verdict is not base:
                        return Fate.KILLED_LATER
        return Fate.USED_LATER if any(name in self.used for name in changed) else Fate.ACCEPTED

    def across(self, step: Step, value: Value, other: Value) -> Fate:
        """The fate of a mutant of a step whose values are compared over all runs."""
        values = self.recorded.across.get(self.index, ())
        at = next((i for i, one in enumerate(values) if same_value(one, value)), None)
        if at is None:
            return Fate.ACCEPTED
        base = weigh_across(step, values)
        found = weigh_across(step, (*values[:at], other, *values[at + 1 :]))
        if _worst(base) is not _worst(found):
            return Fate.KILLED_LATER
        return _fate(step, base, found, Mutant(other, ""))


def _as_it_was(recorded: RecordedStep, captured: Mapping[str, Value]) -> StepObservation | None:
    """The observation of a step as it was judged; None if it is not judged so any more.

    When it was received is not recorded: where that counts, it is taken for the time that the value itself tells.
    """
    seen = recorded.seen
    assert seen is not None
    if seen.value is None or not any("near-now" in e.text for e in recorded.step.expectations):
        times: tuple[int, ...] = (0,)
    else:
        times = moments(seen.value)
    for time in times:
        at = StepObservation(Progress.DONE, seen.value, time)
        if _worst(weigh_value(recorded.step, at, dict(captured))) is recorded.verdict:
            return at
    return None


def _fate(
    step: Step,
    base: list[tuple[Expectation, Finding]],
    found: list[tuple[Expectation, Finding]],
    mutant: Mutant,
) -> Fate:
    if _worst(base) is not _worst(found):
        return Fate.KILLED
    if all(e.outcome is None for e in step.expectations) and not step.across:
        action = step.action.action if isinstance(step.action, Harness) else step.action
        return Fate.NOT_ASKED if isinstance(action, Start | Accept) else Fate.ACCEPTED
    for (expectation, before), (_, after) in zip(base, found, strict=True):
        if expectation.level is Level.MAY and bool(before.message) is not bool(after.message):
            return Fate.MAY
    if all(e.level is Level.MAY for e, _ in base):
        return Fate.MAY
    if _worst(base) is Verdict.NON_STRICT:
        return Fate.MISSED
    if _CATCH_ALL.search(mutant.part):
        return Fate.NOT_ASKED
    return Fate.NAMED if _is_named(step, mutant) else Fate.ACCEPTED


def _is_named(step: Step, mutant: Mutant) -> bool:
    """Whether the other case is one that an expectation names beside further ones."""
    if mutant.case is None:
        return False
    part = tuple(mutant.part.split(".")[1:])
    outcomes = (e.outcome for e in step.expectations)
    return any(
        mutant.case in named_cases(outcome, part)
        for outcome in outcomes
        if outcome is not None and not isinstance(outcome, Ending)
    )


def _told(level: Level, base: Finding, found: Finding) -> Fate:
    if level is Level.MAY:
        return Fate.MAY
    return Fate.KILLED if base.verdict is not found.verdict else Fate.ACCEPTED


def _worst(findings: Sequence[tuple[Expectation, Finding]]) -> Verdict:
    return min((f.verdict for _, f in findings), key=SEVERITY.index, default=Verdict.PASS)


def _mention(part: object, names: Mapping[str, Value]) -> bool:
    return any(name in names for name in references(part))


def _example(value: Value, step: Step) -> str:
    assert step.yields is not None
    return format_value(value, step.yields, max_length=EXAMPLE)


def _useless(vectors: Iterable[Vector], observed: set[Place], holes: Sequence[Hole]) -> Iterator[UselessWaiver]:
    """The waivers of vectors that were observed, and that waive nothing."""
    waived = {hole.place for hole in holes}
    waiving = {hole.id for hole in holes}
    told: set[Place] = set()
    by_place: dict[Place, list[Vector]] = {}
    for vector in vectors:
        by_place.setdefault(vector.place, []).append(vector)
        for step in vector.steps:
            if step.unchecked and step.place in observed and step.place not in waived | told:
                told.add(step.place)
                yield UselessWaiver(step.place, vector.id, step.unchecked)
    for place, rows in by_place.items():
        vector = rows[0]
        if vector.unchecked and not any(row.id in waiving for row in rows):
            yield UselessWaiver(place, vector.id, vector.unchecked)
