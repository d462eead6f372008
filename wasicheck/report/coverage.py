"""What of WASI has vectors, as text for a terminal and as Markdown, also within a page that has other things in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from wasicheck.check.coverage import Entry, PackageCoverage, unexplained
from wasicheck.report.markdown import literal
from wasicheck.vectors.requirements import Testable

BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
"""What stands around the table in a page of Markdown."""
_HEAD = ("functions", "error cases", "error cases explained", *(f"testable: {kind.value}" for kind in Testable))
_LISTED = ("functions", *(f"testable: {kind.value}" for kind in Testable if kind is not Testable.NO))
"""The groups of which those without vectors are listed by name."""


class MarkersError(Exception):
    """A page that has no place for the table; `str()` says what was expected."""


def coverage_text(packages: Iterable[PackageCoverage]) -> str:
    """The numbers as a text table, and below it what has no vector; of error cases, why."""
    packages = tuple(packages)
    rows = [("package", *_HEAD), *_rows(packages)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", _sentence(packages)]
    if untested := _untested(packages):
        lines += ["", "error cases without vectors", *(f"  {case.name}: {_reason(case)}" for case in untested)]
    for what, missing in _missing(packages):
        lines += ["", f"{what} without vectors", *(f"  {name}" for name in missing)]
    return "\n".join(lines) + "\n"


def coverage_markdown(packages: Iterable[PackageCoverage]) -> str:
    """The same as GitHub-flavoured Markdown."""
    packages = tuple(packages)
    lines = ["## What is covered", "", *_markdown_table(packages), "", f"{_sentence(packages)}.", ""]
    if untested := _untested(packages):
        lines += ["### Error cases without vectors", "", *_markdown_cases(untested), ""]
    for what, missing in _missing(packages):
        lines += [f"### {what} without vectors", "", *(f"* `{name}`" for name in missing), ""]
    return "\n".join(lines)


def with_coverage(page: str, packages: Iterable[PackageCoverage]) -> str:
    """Return a page of Markdown with the table, and the reasons for error cases, between its markers as they are now.

    Raises MarkersError.
    """
    packages = tuple(packages)
    for marker in (BEGIN, END):
        if page.count(marker) != 1:
            raise MarkersError(f"expected `{marker}` once, found it {page.count(marker)} times")
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise MarkersError(f"expected `{BEGIN}` before `{END}`")
    lines = [BEGIN, *_markdown_table(packages), "", f"{_sentence(packages)}.", ""]
    if untested := _untested(packages):
        lines += ["<details><summary>Error cases without vectors, and why</summary>", ""]
        lines += [*_markdown_cases(untested), "", "</details>", ""]
    return before + "\n".join([*lines, END]) + after


def _rows(packages: Sequence[PackageCoverage]) -> Iterator[tuple[str, ...]]:
    for package in packages:
        yield (package.name, *_cells(package.groups))
    together = zip(*(package.groups for package in packages), strict=True)
    yield ("all", *_cells([[entry for part in parts for entry in part] for parts in together]))


def _cells(groups: Sequence[Sequence[Entry]]) -> Iterator[str]:
    functions, cases, *requirements = groups
    yield _share([e.covered for e in functions])
    yield _share([e.covered for e in cases])
    yield _share([e.explained for e in cases])
    yield from (_share([e.covered for e in part]) for part in requirements)


def _share(covered: Sequence[bool]) -> str:
    return f"{sum(covered)}/{len(covered)}" if covered else "-"


def _sentence(packages: Sequence[PackageCoverage]) -> str:
    """`108 of 108 error cases have a vector, or a reason why they cannot be provoked`."""
    cases = [case for package in packages for case in package.error_cases]
    explained = len(cases) - len(unexplained(packages))
    return f"{explained} of {len(cases)} error cases have a vector, or a reason why they cannot be provoked"


def _untested(packages: Sequence[PackageCoverage]) -> list[Entry]:
    return [case for package in packages for case in package.error_cases if not case.covered]


def _reason(case: Entry) -> str:
    return case.reason if case.reason is not None else "NEITHER A VECTOR NOR A REASON"


def _missing(packages: Sequence[PackageCoverage]) -> Iterator[tuple[str, list[str]]]:
    for index, what in enumerate(("functions", None, *(f"testable: {kind.value}" for kind in Testable))):
        missing = [entry.name for package in packages for entry in package.groups[index] if not entry.covered]
        if what in _LISTED and missing:
            yield what, missing


# --- Markdown --------------------------------------------------------------------------------------


def _markdown_table(packages: Sequence[PackageCoverage]) -> Iterator[str]:
    """The table; packages with their full names, requirements by whether they can be tested from outside."""
    yield "| package | functions | error cases | with a vector or a reason | testable | hard to test | not testable |"
    yield "|---|---|---|---|---|---|---|"
    wasi = {package.name for package in packages if package.functions}
    for name, *cells in _rows(packages):
        title = f"`wasi:{name}`" if name in wasi else name.replace("-", " ")
        yield f"| {' | '.join((title, *cells))} |"


def _markdown_cases(cases: Iterable[Entry]) -> Iterator[str]:
    yield "| error case | why there is no vector |"
    yield "|---|---|"
    for case in cases:
        type, _, name = re.sub(r"@[^#]*", "", case.name).partition(" ")
        yield f"| `{type}` `{name}` | {literal(_reason(case))} |"
