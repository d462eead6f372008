"""Vacuity: whether expectations tell what was observed from what else could have been.

Every observation of a recorded run is replaced by other values of its type (`values/mutants.py`), and judged as the
run was. A part of an outcome all of whose mutants are accepted is a *hole*: the vector asks nothing of it, unless it
says why (`unchecked`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wasicheck.check.fates import CLOSED, Fate, Later, step_fate, told, worst
from wasicheck.check.vectors import names_by_place, references
from wasicheck.judge.ending import judge_exit, judge_output
from wasicheck.judge.findings import strictest
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.observation import Progress, StepObservation
from wasicheck.judge.recorded import RecordedStep, Recording, bare_run, moments, recording
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.judge.steps import is_silent, judge_end_in, judge_pending, weigh_value
from wasicheck.values import Value, format_value
from wasicheck.values.mutants import Hints, Mutant, hints_of, mutants, simplest
from wasicheck.vectors.expectations import can_wait
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.model import Channel, Ending, Expectation, Place, Step, Vector
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.staging import Harness, Introduce

EXAMPLE = 100
"""Characters of the example of a mutant."""
ENDING, EXIT = "(ending)", "(exit)"
"""Parts that are no parts of a value; `(stdout)` and `(stderr)` are two more."""
_MET = (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO)

_Judged = tuple[Mutant, Fate, Mapping[str, Value]]
"""A mutant, what its step makes of it, and where that accepts it, the captures that it changes."""


@dataclass(frozen=True)
class Hole:
    """A part of an outcome all of whose mutants are accepted.

    `part` are the cases that lead to it (`.ok`), empty for the outcome as a whole; `waiver` is the reason that the
    vector gives, empty if it gives none; `id` that of the first vector of a table, `example` one of the mutants.
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
    """The reason that a step or vector gives for leaving something open, where nothing is left open."""

    place: Place
    id: str
    reason: str

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {"place": str(self.place), "id": self.id, "reason": self.reason}


@dataclass(frozen=True)
class VacuityReport:
    """What was found.

    `observations` counts those that were mutated, `unread` those that results do not keep whole, `failed` those that
    were refused in the run; `fates` counts mutants, `waived` those in holes for which vectors give a reason. `changed`
    and `unknown` are ids of results of other vectors than the suite has, `unobserved` vectors without an observation.
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


@dataclass
class _Tally:
    """What became of the mutants of one part under one expectation, over all rows and results."""

    vector: Vector
    step: Step | None
    fates: Counter[Fate] = field(default_factory=Counter)
    example: str = ""


class _Examiner:
    """Goes through recordings, and tallies what became of the mutants of each part."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        self._used = names_by_place(vectors)
        self._tallies: dict[tuple[Place, str, str], _Tally] = {}
        self._known: dict[object, Sequence[_Judged]] = {}
        """What has been judged, but where it depends on earlier steps: tables repeat most steps hundreds of times."""
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
                self._examine_ending(vector, step)
                continue
            before = dict(captured)
            seen = _as_it_was(step, before)
            if seen is None:
                self._unread += 1
                continue
            weigh_value(step.step, seen, captured)
            weighed.append((step, seen, before))
        behind = [(s.step, seen, frozenset(references(s.step.expectations))) for s, seen, _ in weighed]
        for position, (step, seen, before) in enumerate(weighed):
            if isinstance(step.step.action, Harness) and isinstance(step.step.action.action, Introduce):
                continue
            later = Later(vector, step.index, self._used[step.step.place], behind[position + 1 :], captured, recorded)
            self._note(vector, step)
            self._examine_complete(vector, step)
            for mutant, accepted, changed in self._judged(step, seen, before, recorded.across.get(step.index, ())):
                fate = accepted
                if changed:
                    fate = later.fate(changed)
                if fate is Fate.ACCEPTED and step.step.across and seen.value is not None:
                    fate = later.across(step.step, seen.value, mutant)
                self._tally(vector, step.step, mutant.part, fate, mutant.value)
        self._examine_outside(vector, recorded, captured)

    def _note(self, vector: Vector, recorded: RecordedStep) -> None:
        self._seen[vector.id] = vector
        self._places.add(recorded.step.place)
        self._observations += 1

    def _judged(
        self, recorded: RecordedStep, seen: StepObservation, before: Mapping[str, Value], runs: tuple[Value, ...]
    ) -> Sequence[_Judged]:
        """What the step makes of mutants of its value."""
        step = recorded.step
        if step.yields is None or seen.value is None:
            return ()
        if step.across or seen.received_at or any(references(step.expectations)):
            return tuple(_judge_mutants(step, seen, before, runs))
        key = (_expected(step), step.yields, type(step.action), seen.value, recorded.verdict)
        if key not in self._known:
            self._known[key] = tuple(_judge_mutants(step, seen, {}, runs))
        return self._known[key]

    def _examine_complete(self, vector: Vector, recorded: RecordedStep) -> None:
        """What if a step that is complete had not come to its end?"""
        step, index = recorded.step, recorded.index
        if vector.guest.channel is Channel.NONE or is_silent(step):
            return
        if can_wait(step.action):
            self._ending(vector, recorded, judge_pending(index, step).verdict, "pending")
        ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 1)), None)
        self._ending(vector, recorded, ended.verdict, "trap")

    def _examine_ending(self, vector: Vector, recorded: RecordedStep) -> None:
        """What if a step that trapped, exited or kept waiting had come to its end, or ended otherwise?"""
        step, index = recorded.step, recorded.index
        self._note(vector, recorded)
        value = None if step.yields is None else simplest(step.yields)
        complete = weigh_value(step, StepObservation(Progress.DONE, value), {})
        self._ending(vector, recorded, worst(complete), "completed" if value is None else _shown(value, step))
        if recorded.ending is Ending.TRAP:
            ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 0)), None)
            self._ending(vector, recorded, ended.verdict, "exit status 0")
        elif recorded.ending is Ending.PENDING:
            ended = judge_end_in(vector, index, bare_run(Exit(ExitReason.EXITED, 1)), None)
            self._ending(vector, recorded, ended.verdict, "trap")

    def _ending(self, vector: Vector, recorded: RecordedStep, verdict: Verdict, example: str) -> None:
        fate = told(strictest(recorded.step), recorded.verdict, verdict)
        self._tally(vector, recorded.step, ENDING, fate, example)

    def _examine_outside(self, vector: Vector, recorded: Recording, captured: dict[str, Value]) -> None:
        """Mutate how the host ended, and what it printed."""
        after = vector.after
        if after.exit is not None and recorded.exit is not None:
            base = judge_exit(vector, bare_run(recorded.exit), None).verdict
            for code in sorted({0, 1, recorded.exit.code + 1} - {recorded.exit.code} if base in _MET else ()):
                found = judge_exit(vector, bare_run(Exit(ExitReason.EXITED, code)), None).verdict
                self._tally(vector, None, EXIT, told(after.exit.level, base, found), f"exit status {code}")
        for name, expectations, data in (
            ("stdout", after.stdout, recorded.stdout),
            ("stderr", after.stderr, recorded.stderr),
        ):
            for expectation in expectations:
                self._examine_output(vector, name, expectation, data, captured)

    def _examine_output(
        self, vector: Vector, name: str, expectation: Expectation, data: bytes | None, captured: dict[str, Value]
    ) -> None:
        base = judge_output(vector, name, expectation, data or b"", captured, cut=False).verdict
        if data is None or base not in _MET:
            self._unread += 1
            return
        self._observations += 1
        for mutant in mutants(data, BYTES, hints_of([expectation.outcome], captured)):
            assert isinstance(mutant.value, bytes)
            found = judge_output(vector, name, expectation, mutant.value, captured, cut=False).verdict
            example = format_value(mutant.value, BYTES, max_length=EXAMPLE)
            self._tally(vector, None, f"({name})", told(expectation.level, base, found), example, expectation.text)

    def _tally(
        self, vector: Vector, step: Step | None, part: str, fate: Fate, mutant: Value, expected: str = ""
    ) -> None:
        """Count a mutant; one that is no value of the step's type, but an ending, comes in words."""
        place = vector.after.place if step is None else step.place
        key = (place, part, expected if step is None else _expected(step))
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(vector, step)
        tally.fates[fate] += 1
        if fate is Fate.ACCEPTED and not tally.example:
            tally.example = str(mutant) if step is None or part == ENDING else _shown(mutant, step)

    def report(self, suite: Suite, changed: tuple[str, ...], unknown: tuple[str, ...]) -> VacuityReport:
        """Put together what was found."""
        fates: Counter[Fate] = Counter()
        for tally in self._tallies.values():
            fates += tally.fates
        holes = tuple(self._holes())
        return VacuityReport(
            vectors=len(self._seen),
            observations=self._observations,
            unread=self._unread,
            failed=self._failed,
            fates=fates,
            waived=sum(hole.accepted for hole in holes if hole.waiver),
            holes=holes,
            useless=tuple(self._useless(holes)),
            changed=changed,
            unknown=unknown,
            unobserved=tuple(id for id in suite.vectors if id not in self._seen),
        )

    def _holes(self) -> Iterator[Hole]:
        for (place, part, expected), tally in self._tallies.items():
            accepted = tally.fates[Fate.ACCEPTED]
            if not accepted or not CLOSED.isdisjoint(tally.fates):
                continue
            step = tally.step
            waiver = (step.unchecked if step is not None else "") or tally.vector.unchecked
            text = "after" if step is None else step.text
            yield Hole(place, tally.vector.id, text, expected, part, accepted, tally.example, waiver)

    def _useless(self, holes: Sequence[Hole]) -> Iterator[UselessWaiver]:
        """The reasons of steps and vectors that were observed, and leave nothing open."""
        told: dict[Place, UselessWaiver] = {}
        waived = {hole.place for hole in holes}
        by_place: dict[Place, list[Vector]] = {}
        for vector in self._seen.values():
            by_place.setdefault(vector.place, []).append(vector)
            for step in vector.steps:
                if step.unchecked and step.place in self._places and step.place not in waived:
                    told.setdefault(step.place, UselessWaiver(step.place, vector.id, step.unchecked))
        for place, rows in by_place.items():
            places = {vector.after.place for vector in rows} | {step.place for vector in rows for step in vector.steps}
            if rows[0].unchecked and waived.isdisjoint(places):
                told[place] = UselessWaiver(place, rows[0].id, rows[0].unchecked)
        yield from told.values()


def _judge_mutants(
    step: Step, seen: StepObservation, before: Mapping[str, Value], runs: tuple[Value, ...]
) -> Iterator[_Judged]:
    """Judge the mutants of a step's value; `runs`: what it yielded in all runs, where that is compared."""
    assert step.yields is not None
    assert seen.value is not None
    after = dict(before)
    base = weigh_value(step, seen, after)
    hints = hints_of([e.outcome for e in step.expectations], before)
    if runs:
        hints = Hints({**hints.values, step.yields: runs}, hints.affixes)
    for mutant in mutants(seen.value, step.yields, hints):
        trial = dict(before)
        found = weigh_value(step, StepObservation(Progress.DONE, mutant.value, seen.received_at), trial)
        fate = step_fate(step, mutant, base, found)
        changed = {}
        if fate is Fate.ACCEPTED:
            changed = {n: v for n, v in trial.items() if v is not after.get(n) and v != after.get(n)}
        yield mutant, fate, changed


def _as_it_was(recorded: RecordedStep, captured: Mapping[str, Value]) -> StepObservation | None:
    """The observation of a step as it was judged; None if it is not judged so any more.

    When it was received is not recorded: where that counts, it is taken for the time that the value itself tells.
    """
    seen = recorded.seen
    assert seen is not None
    times: tuple[int, ...] = (0,)
    if seen.value is not None and any("near-now" in e.text for e in recorded.step.expectations):
        times = moments(seen.value)
    for time in times:
        at = StepObservation(Progress.DONE, seen.value, time)
        if worst(weigh_value(recorded.step, at, dict(captured))) is recorded.verdict:
            return at
    return None


def _expected(step: Step) -> str:
    return ", ".join(f"{e.level.value}: {e.text}" for e in (*step.expectations, *step.across))


def _shown(value: Value, step: Step) -> str:
    assert step.yields is not None
    return format_value(value, step.yields, max_length=EXAMPLE)
