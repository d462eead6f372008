"""What vacuity found, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from wasicheck.check.fates import KILLED, Fate
from wasicheck.check.vacuity import ENDING, EXIT, Hole, VacuityReport
from wasicheck.report.text import one_line, plural, visible
from wasicheck.vectors.model import Place

_WORDS = {
    Fate.KILLED: "killed",
    Fate.KILLED_LATER: "killed by a later step, or over all runs",
    Fate.USED_LATER: "captured, and used by a later step",
    Fate.MAY: "accepted where the answer is merely recorded",
    Fate.NAMED: "accepted as an alternative that is named",
    Fate.MISSED: "not told from an observation that is itself not quite as asked",
    Fate.NOT_ASKED: "accepted where nothing is to be asked",
    Fate.ACCEPTED: "accepted otherwise",
}
_PARTS = {"": "the outcome", ENDING: "its ending", EXIT: "the exit status"}
_IDS = 3
"""How many ids are named within a line."""


def vacuity_text(results: str, report: VacuityReport) -> Text:
    """Return the holes, the reasons that waive nothing, and the numbers."""
    lines: list[Text] = []
    for place, holes in _by_place(report.open):
        lines += _hole(place, holes)
    for waiver in report.useless:
        lines.append(
            Text(f"{waiver.place}: {waiver.id}: `unchecked` says why something is open, and nothing is: leave it out")
        )
    lines += map(Text, _numbers(results, report))
    return Text("\n").join(lines)


def _by_place(holes: Iterable[Hole]) -> Iterator[tuple[Place, list[Hole]]]:
    found: dict[Place, list[Hole]] = {}
    for hole in holes:
        found.setdefault(hole.place, []).append(hole)
    yield from found.items()


def _hole(place: Place, holes: list[Hole]) -> Iterator[Text]:
    first = holes[0]
    parts = ", ".join(dict.fromkeys(_part(hole.part) for hole in holes))
    accepted = sum(hole.accepted for hole in holes)
    examples = f"all {accepted} mutants" if accepted > 1 else "the one mutant"
    expected = one_line(first.expected or first.text)
    yield Text(f"{place}: {first.id}: {one_line(first.text)}")
    yield Text(f"  `{expected}` accepts {examples} of {parts}, e.g. {one_line(first.example)}")
    yield Text("  hint: ask for what the specification says of it, or say in `unchecked` why nothing is asked")


def _part(part: str) -> str:
    return _PARTS.get(part) or f"`{part}`"


def _numbers(results: str, report: VacuityReport) -> Iterator[str]:
    if report.changed:
        yield f"{_results(report.changed)} of vectors that have other steps now: run them again"
    if report.unknown:
        yield f"{_results(report.unknown)} of vectors that are not there"
    yield (
        f"{visible(results)}: {plural(report.observations, 'observation')} of {plural(report.vectors, 'vector')},"
        f" {report.unread:,} more that results do not keep whole, {report.failed:,} that were refused in the run;"
        f" {plural(len(report.unobserved), 'vector')} without any"
    )
    yield f"{plural(report.mutants, 'mutant')}"
    width = len(f"{report.mutants:,}")
    for fate in Fate:
        if count := report.fates.get(fate, 0):
            share = f" ({100 * count / report.mutants:.1f} %)" if fate in KILLED else ""
            yield f"  {count:>{width},}  {_WORDS[fate]}{share}"
    waived = [hole for hole in report.holes if hole.waiver]
    if waived:
        places = len({hole.place for hole in waived})
        yield f"  {report.waived:>{width},}  of these in parts left open at {plural(places, 'place')} that say why"
    yield f"{plural(len(report.open), 'part')} left open without a reason"


def _results(ids: tuple[str, ...]) -> str:
    named = ", ".join(ids[:_IDS]) + (f" and {len(ids) - _IDS:,} more" if len(ids) > _IDS else "")
    return f"{plural(len(ids), 'result')} ({visible(named)})"
