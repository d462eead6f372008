"""What the spec-checker found, as text for a terminal; styles show severity, words do as well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.text import Text

from wasicheck.check.component import ComponentReport
from wasicheck.check.findings import Finding, Severity, count
from wasicheck.check.host import Entry, HostSurvey, Status, Tells, WorldSurvey
from wasicheck.check.wit import WitReport
from wasicheck.report.text import one_line, visible

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_SHOWN = {Severity.ERROR: 40, Severity.WARNING: 12, Severity.NOTE: 5}
"""How many items of one group are listed; `--json` has all."""
_NAMES = 4
"""How many names are listed within a line."""


def component_text(file: str, report: ComponentReport) -> Text:
    """Return the report on a component."""
    verdict = (
        "nothing keeps it from linking on a host of WASI 0.3.0"
        if report.links
        else "would not link on a host of WASI 0.3.0"
    )
    lines = [_headline(f"{visible(file)}: {verdict}", report.findings)]
    lines.append(Text(f"{_number(report.imports, 'import')}, {_number(report.exports, 'export')}"))
    lines += [Text(f"  {line}") for line in _worlds(report)]
    if report.foreign:
        lines.append(Text("not of WASI 0.3.0's packages, so not judged; a host has to offer these imports too"))
        lines += [Text(f"  {name}") for name in report.foreign]
    if report.own:
        lines.append(Text(f"exports of its own: {_some(report.own)}"))
    return _joined([*lines, *_groups(report.findings)])


def wit_text(folder: str, report: WitReport) -> Text:
    """Return how a copy of the WIT differs."""
    verdict = "says what WASI 0.3.0 says" if report.same else "differs from WASI 0.3.0"
    if not report.compared:
        verdict = "has no package of WASI 0.3.0"
    lines = [_headline(f"{visible(folder)}: {verdict}", report.findings)]
    if report.compared:
        lines.append(Text(f"compared: {', '.join(report.compared)}"))
    if report.absent:
        lines.append(Text(f"not in the copy: {', '.join(report.absent)}"))
    if report.foreign:
        lines.append(Text(f"not WASI's, not compared: {_some(report.foreign)}"))
    return _joined([*lines, *_groups(report.findings)])


def host_text(surveys: HostSurvey) -> Text:
    """Return the surface of a host: a table, what is not there, and what linking tells of this host."""
    guests = f"{surveys.guests} guests that only import, in {surveys.seconds:.1f} s"
    lines = [Text(f"{visible(surveys.host)}: {guests}", style="bold")]
    probed = [world for world in surveys.worlds if world.problem is None]
    for world in surveys.worlds:
        if world.problem is not None:
            lines.append(Text(f"{world.world}: nothing found out: {one_line(world.problem)}", style="bold red"))
    if probed:
        lines += [Text(), *map(Text, _table(probed))]
    for world in probed:
        lines += [Text(), *_survey(world)]
    return _joined(lines)


# --- findings --------------------------------------------------------------------------------------


def _headline(text: str, findings: Sequence[Finding]) -> Text:
    numbers = [_number_of(n, severity.value) for severity in Severity if (n := count(findings, severity))]
    return Text(f"{text} ({', '.join(numbers)})" if numbers else text, style="bold")


def _groups(findings: Iterable[Finding]) -> Iterator[Text]:
    """The findings, those with the same words under one heading."""
    groups: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.message), []).append(finding)
    singles: dict[tuple[Severity, str], list[Finding]] = {}
    for (severity, _), group in groups.items():
        if len(group) == 1:
            title = f"{_place(group[0])}{_item(group[0])}"
            singles.setdefault((severity, title), []).append(group[0])
    for (severity, message), group in groups.items():
        if len(group) > 1:
            yield from _several(severity, message, group)
        else:
            title = f"{_place(group[0])}{_item(group[0])}"
            yield from _single(severity, title, singles.pop((severity, title), []))


def _several(severity: Severity, message: str, group: Sequence[Finding]) -> Iterator[Text]:
    yield Text()
    yield _labelled(severity, f"{len(group)} items: {visible(message)}")
    for finding in group[: _SHOWN[severity]]:
        hint = f"  {finding.hint}" if finding.hint else ""
        yield Text(f"    {_place(finding)}{_item(finding)}{hint}")
    if len(group) > _SHOWN[severity]:
        yield Text(f"    … and {len(group) - _SHOWN[severity]} more, see --json")


def _single(severity: Severity, title: str, findings: Sequence[Finding]) -> Iterator[Text]:
    """What was found of one item; nothing if it was told before."""
    if findings:
        yield Text()
        yield _labelled(severity, title)
    for finding in findings:
        yield Text(f"    {visible(finding.message)}")
        if finding.via:
            yield Text(f"    in the type of {_some(finding.via)}")
        if finding.hint:
            yield Text(f"    {visible(finding.hint)}")


def _labelled(severity: Severity, text: str) -> Text:
    return Text.assemble((severity.value, _STYLES[severity]), " ", text)


def _item(finding: Finding) -> str:
    return visible(f"{finding.item}, {finding.path}" if finding.path else finding.item)


def _place(finding: Finding) -> str:
    return "" if finding.place is None else f"{visible(finding.place)}: "


def _worlds(report: ComponentReport) -> Iterator[str]:
    if report.closest:
        yield f"fits {', '.join(report.closest)}"
        return
    started = [fit for fit in report.fits if fit.starts and not fit.lacking]
    yield "fits no world of WASI 0.3.0" + ("" if started else ", and exports nothing that a host of one starts")
    fewest = min((len(fit.beyond) for fit in started), default=0)
    nearest = [fit for fit in started if len(fit.beyond) == fewest]
    if nearest:
        beyond = nearest[0].beyond
        worlds = " and ".join(fit.world for fit in nearest)
        yield f"but for {_number(beyond, 'import')} it would fit {worlds}: {_some(beyond)}"
    if report.needs_earlier:
        yield "leftovers of WASI 0.2 are all that is in the way: a host that offers 0.2 as well links it"


# --- hosts -----------------------------------------------------------------------------------------


def _table(worlds: Sequence[WorldSurvey]) -> Iterator[str]:
    """Numbers by interface; in parentheses what a world does not have, so that a host need not offer it there."""
    head = ["interface"]
    for world in worlds:
        head += [f"{_short(world.world)}: functions", "types"]
    columns = [_by_interface(part) for world in worlds for part in (world.functions, world.types)]
    interfaces = sorted({id: None for column in columns for id in column}, key=lambda id: id.partition("/")[0])
    rows = [head, *([id, *(_share(column.get(id, [])) for column in columns)] for id in interfaces)]
    rows.append(
        [
            "all that the world has",
            *(_share([e for part in column.values() for e in part], beyond=False) for column in columns),
        ]
    )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _by_interface(entries: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.item.partition("#")[0], []).append(entry)
    return found


def _share(entries: Sequence[Entry], *, beyond: bool = True) -> str:
    entries = [e for e in entries if beyond or not e.beyond]
    if not entries:
        return "-"
    unknown = sum(e.status is Status.UNKNOWN for e in entries)
    share = f"{sum(e.status is Status.LINKED for e in entries)}/{len(entries)}" + (f" ?{unknown}" if unknown else "")
    return f"({share})" if all(e.beyond for e in entries) else share


def _short(world: str) -> str:
    return world.rpartition("/")[2].partition("@")[0]


def _survey(world: WorldSurvey) -> Iterator[Text]:
    yield Text(world.world, style="bold")
    lacking = [e for e in (*world.functions, *world.types) if e.status not in (Status.LINKED, Status.UNKNOWN)]
    yield from _entries([e for e in lacking if e.lacking], "red")
    yield from _entries([e for e in lacking if e.unstable and not e.beyond], "yellow")
    beyond = _by_interface(e for e in lacking if e.beyond)
    if beyond:
        names = (f"{id} ({len(entries)})" for id, entries in beyond.items())
        yield Text(f"  not offered, nor asked for by this world: {', '.join(names)}")
    if not lacking:
        yield Text("  nothing was refused")
    assert world.tells is not None
    yield from (Text(f"  {sentence}") for sentence in _told(world.tells))


def _entries(entries: Iterable[Entry], style: str) -> Iterator[Text]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        feature = f", unstable ({entry.unstable})" if entry.unstable else ""
        groups.setdefault((f"{entry.status}{feature}", _words(entry)), []).append(entry)
    for (status, words), group in groups.items():
        yield Text.assemble("  ", (status, style), f": {words}")
        yield from (Text(f"    {entry.item}") for entry in group)


def _told(tells: Tells) -> Iterator[str]:
    """What the controls showed, in sentences."""
    if not tells.functions:
        yield "this host starts a guest that imports a function it has not: linking tells nothing"
        return
    if not tells.methods:
        yield "this host links a method that it does not have: whether it has one shows only when it is called"
    if not tells.resources:
        yield "this host links a resource that it does not have"
    if tells.types:
        yield "this host refuses a function with another type: `linked` means that the type is the right one too"
    else:
        yield "this host links a function with another type: `linked` means that the name is there, no more"


def _words(entry: Entry) -> str:
    """The end of what the host said, without its numbering and without the frames of a stack."""
    lines = [re.sub(r"^\d+: ", "", line.strip()) for line in entry.message.splitlines()]
    lines = [line for line in lines if line and not line.startswith("at ")]
    # That something is missing is said in one line; what is wrong with a type takes two.
    return one_line(": ".join(lines[-1:] if entry.status is Status.MISSING else lines[-2:]), 200)


# --- words -----------------------------------------------------------------------------------------


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(visible(name) for name in names[:_NAMES])
    return shown if len(names) <= _NAMES else f"{shown} and {len(names) - _NAMES} more"


def _number(items: Sequence[object], what: str) -> str:
    return _number_of(len(items), what)


def _number_of(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _joined(lines: Iterable[Text]) -> Text:
    return Text("\n").join(lines)
