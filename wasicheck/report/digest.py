"""A run boiled down to what a summary shows, whatever form the summary has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.results import Results
from wasicheck.report.text import cause, label, severity

Column = Verdict | str
XFAIL = "xfail"
"""Column of the expected failures, which are counted there and not under their verdict (pytest's word)."""
XPASS = "xpass"
"""Column of the expected failures that pass."""
CALM: tuple[Column, ...] = (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO, XFAIL, Verdict.SKIP)
"""Columns of results that fail no run (unless an expectation says otherwise of a `non-strict`)."""
ALARMING: tuple[Column, ...] = (
    Verdict.FAIL,
    Verdict.UNSUPPORTED,
    Verdict.TIMEOUT,
    Verdict.CRASH,
    Verdict.ERROR,
    XPASS,
)
"""Columns of red results."""
COLUMNS = (*CALM, *ALARMING)
"""In the order they are shown."""


@dataclass(frozen=True)
class HostCount:
    """Results of one host by column, the sum of which is `total`; `red` is how many fail the run."""

    host: str
    counts: Mapping[Column, int]
    total: int
    red: int


@dataclass(frozen=True)
class RedGroup:
    """Red results of one host with one verdict and one cause, the first of which stands for all."""

    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """The result that is shown."""
        return self.results[0]

    @property
    def column(self) -> Column:
        """The verdict, or `xpass`."""
        return column_of(self.first)

    @property
    def labels(self) -> str:
        """The first id and how many more there are."""
        more = len(self.results) - 1
        return label(self.first) + (f" and {more:,} more" if more else "")


@dataclass(frozen=True)
class Digest:
    """`columns` are those of `COLUMNS` that some host has results in, and always `pass` and `fail`.

    `red` is in the order of the hosts, worst verdict first; `skips` are (reason, count), most frequent first.
    """

    hosts: tuple[HostCount, ...]
    columns: tuple[Column, ...]
    red: tuple[RedGroup, ...]
    skips: tuple[tuple[str, int], ...]

    @property
    def red_count(self) -> int:
        """How many results fail the run."""
        return sum(host.red for host in self.hosts)

    @property
    def xfail_count(self) -> int:
        """How many failures were expected."""
        return sum(host.counts[XFAIL] for host in self.hosts)


def column_of(result: Result) -> Column:
    """Return the column that counts the result."""
    if not result.red and result.expected_failure is not None:
        return XFAIL
    if result.unexpected is not None and result.verdict in (Verdict.PASS, Verdict.INFO):
        return XPASS
    return result.verdict


def digest(results: Results) -> Digest:
    """Boil down a run."""
    hosts = tuple(
        _count(info.label, [result for result in results.results if result.host == info.label])
        for info in results.header.hosts
    )
    shown = {Verdict.PASS, Verdict.FAIL}
    columns = tuple(column for column in COLUMNS if column in shown or any(host.counts[column] for host in hosts))
    order = {info.label: index for index, info in enumerate(results.header.hosts)}
    red = sorted(
        (result for result in results.results if result.red),
        key=lambda result: (order[result.host], severity(result), result.id, result.flags),
    )
    skips = Counter(result.reason for result in results.results if result.verdict is Verdict.SKIP)
    return Digest(hosts, columns, _groups(red), tuple(sorted(skips.items(), key=lambda item: (-item[1], item[0]))))


def _count(host: str, results: list[Result]) -> HostCount:
    counts = Counter(column_of(result) for result in results)
    red = sum(result.red for result in results)
    return HostCount(host, {column: counts[column] for column in COLUMNS}, len(results), red)


def _groups(red: Iterable[Result]) -> tuple[RedGroup, ...]:
    groups: dict[tuple[str, Column, str], list[Result]] = {}
    for result in red:
        groups.setdefault((result.host, column_of(result), cause(result)), []).append(result)
    return tuple(RedGroup(tuple(results)) for results in groups.values())
