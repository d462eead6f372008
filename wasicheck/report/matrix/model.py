"""The matrix as a value: hosts as columns, vectors as rows, a result or none where they meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from packaging.version import InvalidVersion, Version

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.results import HostInfo, Results, ResultsError
from wasicheck.vectors.model import Level

FAILED = (Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH)
"""Verdicts that count as divergence: a `must` was missed, by a wrong answer or by none."""
SUPPORTED = (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO, *FAILED)
"""Verdicts that say something about the host: the vector ran, and was judged."""
_JUDGED = (*SUPPORTED, Verdict.UNSUPPORTED)

Named = tuple[str, Results]
"""A run, and what errors call it: its file."""


@dataclass(frozen=True)
class Share:
    """A part of a whole, such as 3 of 2,000."""

    part: int
    whole: int

    @property
    def percent(self) -> str:
        """With one digit: `12.3`; `0` and `100` only where it is exactly that."""
        if not self.part:
            return "0"
        if self.part == self.whole:
            return "100"
        return f"{min(max(100 * self.part / self.whole, 0.1), 99.9):.1f}"


@dataclass(frozen=True)
class Numbers:
    """What came of all vectors on one host; `total` is that of the matrix, the same for every host."""

    counts: Mapping[Verdict, int]
    total: int

    @property
    def divergence(self) -> Share:
        """Vectors that the host fails, of all."""
        return Share(sum(self.counts[v] for v in FAILED), self.total)

    @property
    def coverage(self) -> Share:
        """Vectors that could be judged on the host, of all."""
        return Share(sum(self.counts[v] for v in SUPPORTED), self.total)

    @property
    def errors(self) -> int:
        """Vectors whose scene the harness could not set; in neither of the two shares."""
        return self.counts[Verdict.ERROR]

    @property
    def absent(self) -> int:
        """Vectors of the matrix that the host's run does not have."""
        return self.total - sum(self.counts.values())


@dataclass(frozen=True)
class Column:
    """A host with the flags of its guests; `key` names it in addresses and in files, and no other has it."""

    key: str
    host: HostInfo
    platform: str
    date: datetime
    file: str


@dataclass(frozen=True)
class Row:
    """A vector with its result on each host, in the order of the columns; None where a run does not have it."""

    id: str
    title: str
    interface: str
    level: Level
    requirements: tuple[str, ...]
    place: str
    results: tuple[Result | None, ...]

    @property
    def differing(self) -> bool:
        """Whether two hosts that were judged have different verdicts."""
        return len({r.verdict for r in self.results if r is not None and r.verdict in _JUDGED}) > 1

    @property
    def only(self) -> int | None:
        """The column of the only host that fails, where another one was judged and does not."""
        failing = [i for i, r in enumerate(self.results) if r is not None and r.verdict in FAILED]
        judged = sum(r is not None and r.verdict in SUPPORTED for r in self.results)
        return failing[0] if len(failing) == 1 and judged > 1 else None


@dataclass(frozen=True)
class Matrix:
    """Runs side by side; rows are in the order of interfaces and of the vectors' files."""

    suite_version: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def numbers(self, column: int) -> Numbers:
        """The two numbers of a host, and what stands beside them."""
        counts = Counter(r.verdict for row in self.rows if (r := row.results[column]) is not None)
        return Numbers({verdict: counts[verdict] for verdict in Verdict}, len(self.rows))


def build_matrix(runs: Sequence[Named]) -> Matrix:
    """Put runs side by side.

    Raises ResultsError for runs that cannot be: of different versions of wasicheck, with one host twice, with vectors
    that are not the same in both, stopped before their end, or only a shard.
    """
    columns: list[Column] = []
    found: list[dict[str, Result]] = []
    for name, run in runs:
        _usable(name, run, runs[0])
        for info in run.header.hosts:
            same = next((c for c in columns if (c.host.label, c.host.flags) == (info.label, info.flags)), None)
            if same is not None:
                what = f"{info.label} with the flags {' '.join(info.flags) or '(none)'} is in {same.file} as well"
                raise ResultsError(name, 1, what, "give one run of each host, or other --abi and --lower")
            columns.append(Column(info.label, info, run.header.platform, run.header.date, name))
            found.append(_by_id(name, info.label, run.results))
    order = sorted(range(len(columns)), key=lambda i: _column_order(columns[i], [c.host.name for c in columns]))
    columns = [columns[i] for i in order]
    rows = _rows(columns, [found[i] for i in order])
    if not rows:
        raise ResultsError(runs[0][0], 0, "there is no result in it, nor in any other file", "give results of a run")
    return Matrix(runs[0][1].header.suite_version, tuple(_distinct(columns)), tuple(rows))


def _usable(name: str, run: Results, first: Named) -> None:
    """Raise ResultsError for a run that the matrix cannot show, by itself or beside the first one."""
    if run.header.shard is not None:
        hint = "join the shards of a run first: wasicheck merge"
        raise ResultsError(name, 1, f"the file is shard {run.header.shard} of a run", hint)
    if run.truncated or run.missing:
        done = f"{len(run.results)} of {run.header.selected} results"
        raise ResultsError(name, 0, f"the run was stopped before its end: it has {done}", "repeat the run")
    version, other = run.header.suite_version, first[1].header.suite_version
    if version != other:
        what = f"the results are of wasicheck {version}; {first[0]} has those of {other}"
        raise ResultsError(name, 1, what, "repeat one of the runs: vectors of different releases are not the same")


def _by_id(name: str, host: str, results: Iterable[Result]) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for result in results:
        if result.host != host:
            continue
        if result.id in found:
            what = f"two results of {result.id} on {host}, with the flags {list(found[result.id].flags)} and "
            raise ResultsError(name, 0, what + str(list(result.flags)), "one file is one run with one set of flags")
        found[result.id] = result
    return found


def _rows(columns: Sequence[Column], found: Sequence[Mapping[str, Result]]) -> list[Row]:
    rows: dict[str, Row] = {}
    origin: dict[str, str] = {}
    for column, results in zip(columns, found, strict=True):
        for result in results.values():
            row = Row(
                result.id,
                result.title,
                result.interface,
                result.level,
                result.requirements,
                result.place,
                tuple(each.get(result.id) for each in found),
            )
            first = rows.setdefault(result.id, row)
            if first is row:
                origin[result.id] = column.file
            elif (first.title, first.interface, first.level) != (row.title, row.interface, row.level):
                what = f"the vector {row.id} is another one than in {origin[row.id]}: {_other(first, row)}"
                raise ResultsError(column.file, 0, what, "repeat one of the runs: both are to have the same vectors")
    return sorted(rows.values(), key=lambda row: (row.interface, *_place_order(row.place), row.id))


def _other(first: Row, row: Row) -> str:
    parts = (
        ("title", first.title, row.title),
        ("interface", first.interface, row.interface),
        ("level", first.level.value, row.level.value),
    )
    what, one, another = next(part for part in parts if part[1] != part[2])
    return f"its {what} is {another!r}, not {one!r}"


def _place_order(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isascii() and line.isdigit() else (place, 0)


def _column_order(column: Column, names: Sequence[str]) -> tuple[int, int, Version, str, tuple[str, ...]]:
    """Hosts in the order they were given, their versions from old to new; what is no version comes first."""
    try:
        known, version = 1, Version(column.host.version or "")
    except InvalidVersion:
        known, version = 0, Version("0")
    return names.index(column.host.name), known, version, column.host.label, column.host.flags


def _distinct(columns: Sequence[Column]) -> Iterable[Column]:
    """The columns, with flags in the keys of those whose label alone does not tell them apart."""
    labels = Counter(column.host.label for column in columns)
    for column in columns:
        several = labels[column.host.label] > 1
        yield replace(column, key=f"{column.key} {' '.join(column.host.flags)}".strip()) if several else column
