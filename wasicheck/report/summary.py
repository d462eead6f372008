"""The terminal summary: what a reader wants to know within ten seconds of the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.digest import (
    ALARMING,
    CALM,
    COLUMNS,
    XFAIL,
    XPASS,
    Column,
    Digest,
    HostCount,
    RedGroup,
    column_of,
    digest,
)
from wasicheck.report.results import Results
from wasicheck.report.text import duration, headline, one_line, plural, repro_command

LIMIT = 10
"""How many red entries a summary shows unless told otherwise."""
_SKIP_LIMIT = 6
_BAR_WIDTH = 50

STYLES: dict[Column, Style] = {
    Verdict.PASS: Style(color="green"),
    Verdict.NON_STRICT: Style(color="yellow"),
    Verdict.INFO: Style(color="cyan"),
    XFAIL: Style(color="bright_black"),
    Verdict.SKIP: Style(dim=True),
    Verdict.FAIL: Style(color="red", bold=True),
    Verdict.UNSUPPORTED: Style(color="bright_yellow", bold=True),
    Verdict.TIMEOUT: Style(color="magenta", bold=True),
    Verdict.CRASH: Style(color="bright_red", bold=True),
    Verdict.ERROR: Style(color="bright_blue", bold=True),
    XPASS: Style(color="bright_magenta", bold=True),
}
"""One colour per column, on the bar as in the table."""
_DIM = Style(dim=True)
_BOLD = Style(bold=True)


def summary(results: Results, *, limit: int = LIMIT) -> RenderableType:
    """Return the summary as rich renderables, at most `limit` red entries in full."""
    boiled = digest(results)
    width = max((len(host.host) for host in boiled.hosts), default=0)
    version, what = title(results)
    parts: list[RenderableType] = [Text(), Text.assemble(" ", ("wasicheck", _BOLD), f" {version}  ", (what, _DIM))]
    for host in boiled.hosts:
        parts += [Text(), _host(host, width)]
    for group in boiled.red[:limit]:
        parts += [Text(), _red(group)]
    if boiled.red[limit:]:
        parts += [Text(), Text(f" {_more(boiled, limit)}", _DIM)]
    skips = _skip_lines(boiled)
    if skips:
        parts += [Text(), Text(" Skipped", _BOLD), *(Text(f"   {line}", _DIM) for line in skips)]
    green = is_green(results, boiled)
    mark = "✔" if green else "✘"
    closing_style = Style(color="green" if green else "red", bold=True)
    parts += [Text(), Text(f" {mark} {closing(results, boiled)}", closing_style)]
    parts += [Text(f" {line}", Style(color="yellow")) for line in warnings(results)]
    return Group(*parts, Text())


def plain_summary(results: Results, *, limit: int = LIMIT) -> str:
    """Return the summary for a log: no colour, no box, and a layout that does not depend on any terminal's width."""
    boiled = digest(results)
    width = max([len(host.host) for host in boiled.hosts] + [len("host")])
    version, what = title(results)
    lines = [f"wasicheck {version}: {what}", ""]
    lines.append(
        f"{'host':<{width}}" + "".join(f"  {column:>{_width(column)}}" for column in boiled.columns) + "  total"
    )
    for host in boiled.hosts:
        counts = "".join(f"  {number(host.counts[column]):>{_width(column)}}" for column in boiled.columns)
        lines.append(f"{host.host:<{width}}{counts}  {host.total:>5,}")
    for group in boiled.red[:limit]:
        lines += ["", f"{group.column:<{_TAG}}{group.labels} on {group.first.host}"]
        lines += [f"{'':{_TAG}}{line}" for line in (headline(group.first), repro_command(group.first))]
    if boiled.red[limit:]:
        lines += ["", _more(boiled, limit)]
    skips = _skip_lines(boiled)
    if skips:
        lines += ["", "skipped", *(f"  {line}" for line in skips)]
    lines += ["", closing(results, boiled), *warnings(results)]
    return "\n".join(lines) + "\n"


def checks_summary(results: Iterable[Result]) -> str:
    """How checks that are no vectors came out: a line for each host and kind, which is what their ids begin with."""
    groups: dict[tuple[str, str], Counter[Column]] = {}
    for result in results:
        groups.setdefault((result.id.partition("-")[0], result.host), Counter())[column_of(result)] += 1
    lines = []
    for (kind, host), counts in groups.items():
        columns = ", ".join(f"{counts[column]} {column}" for column in COLUMNS if counts[column])
        lines.append(f"{kind:<10}{host}: {columns}\n")
    return "".join(lines)


def title(results: Results) -> tuple[str, str]:
    """What ran, and on what, where and when."""
    header = results.header
    what = f"{plural(header.selected, 'run')} on {plural(len(header.hosts), 'host')}"
    return header.suite_version, f"{what}, {header.platform}, {header.date:%Y-%m-%d %H:%M} UTC"


def _host(host: HostCount, width: int) -> RenderableType:
    """The host's results as a bar, and below it the counts in the bar's colours, red ones on their own line."""
    lines = [
        Text("   ").join(Text(f"{host.counts[c]:,} {c}", STYLES[c]) for c in columns if host.counts[c])
        for columns in (CALM, ALARMING)
    ]
    name = Text.assemble((f" {host.host:<{width}}  ", _BOLD), _bar(host), (f"  {host.total:,}", _DIM))
    return Group(name, *(Padding(line, (0, 0, 0, width + 3), expand=False) for line in lines if line))


def _bar(host: HostCount) -> Text:
    """A bar of fixed width; whatever there is of a column has at least one cell."""
    present = [column for column in COLUMNS if host.counts[column]]
    cells = {column: max(1, host.counts[column] * _BAR_WIDTH // host.total) for column in present}
    if present:
        # Rounding is at the cost (or to the benefit) of whatever is widest.
        widest = max(present, key=lambda column: cells[column])
        cells[widest] += _BAR_WIDTH - sum(cells.values())
    return Text.assemble(*(("━" * cells[column], STYLES[column]) for column in present))


def _red(group: RedGroup) -> RenderableType:
    first = group.first
    heading = Text.assemble(
        " ",
        (f"✘ {group.column:<{_TAG - 2}}", STYLES[group.column]),
        (first.id, _BOLD),
        (group.labels.removeprefix(first.id), _DIM),
        (f"  {first.host}", _DIM),
    )
    body = (Text(headline(first)), Text(f"$ {repro_command(first)}", Style(color="cyan")))
    return Group(heading, *(Padding(line, (0, 0, 0, 3), expand=False) for line in body))


def _more(boiled: Digest, limit: int) -> str:
    hidden = boiled.red[limit:]
    counts: dict[Column, int] = {}
    for group in hidden:
        counts[group.column] = counts.get(group.column, 0) + len(group.results)
    what = ", ".join(f"{count:,} {column}" for column, count in counts.items())
    return f"and {sum(counts.values()):,} more red: {what}"


def _skip_lines(boiled: Digest) -> list[str]:
    lines = [f"{count:>5,}  {one_line(reason, 100)}" for reason, count in boiled.skips[:_SKIP_LIMIT]]
    rest = boiled.skips[_SKIP_LIMIT:]
    if rest:
        lines.append(f"{sum(count for _, count in rest):>5,}  for {plural(len(rest), 'other reason')}")
    return lines


def is_green(results: Results, boiled: Digest) -> bool:
    """Whether everything that was selected ran, and nothing is red."""
    return not boiled.red_count and not results.missing and bool(results.results)


def closing(results: Results, boiled: Digest) -> str:
    """The outcome of the run in one line."""
    if not results.results:
        outcome = "nothing was run"
    elif boiled.red_count:
        outcome = f"{boiled.red_count:,} red of {len(results.results):,}"
    elif results.missing:
        outcome = f"nothing red in the {len(results.results):,} that ran"
    else:
        outcome = f"all {len(results.results):,} as expected"
    parts = [outcome]
    if boiled.xfail_count:
        parts.append(plural(boiled.xfail_count, "expected failure"))
    if results.duration_s is not None:
        parts.append(duration(results.duration_s))
    return ", ".join(parts)


def warnings(results: Results) -> list[str]:
    """Why the run is not the whole truth."""
    lines = []
    if results.truncated:
        lines.append("The results are truncated: the run was stopped before its end.")
    if results.missing:
        lines.append(f"{results.missing:,} of {results.header.selected:,} selected were not run.")
    return lines


def number(count: int) -> str:
    """The count for a table, where zeros should not stand out."""
    return f"{count:,}" if count else "."


def _width(column: Column) -> int:
    return max(len(column), 5)


_TAG = max(len(column) for column in STYLES) + 3
"""Width of the verdict in front of a red entry."""
