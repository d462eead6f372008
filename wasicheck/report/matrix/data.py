"""The matrix as data: compact for the page, which has to be there at once, and plain for other programs.

The page gets what its tables need (one letter for each result) with the document. What a case has to tell lies in
parts, and so does the specification; each is a script, because a page that was opened from a file may load nothing
else.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.report.links import source_link
from wasicheck.report.matrix.model import Column, Matrix
from wasicheck.report.matrix.specification import Chapter, item_of, package_of
from wasicheck.report.matrix.words import ABSENT, LEVELS, PROVENANCES, SIGNS
from wasicheck.report.text import repro_command, visible
from wasicheck.vectors.requirements import Requirement

PART = 60
"""Vectors of one part: a few hundred kilobytes at twelve hosts."""
_OUTPUT = 4_000
"""Characters of each of a host's outputs that a case shows."""

_T = TypeVar("_T", bound=Hashable)


class _Table(dict[_T, int]):
    """Values by the order in which they came, each once."""

    def at(self, value: _T) -> int:
        return self.setdefault(value, len(self))


def index_data(
    matrix: Matrix, requirements: Mapping[str, Requirement], chapters: Sequence[Chapter]
) -> dict[str, object]:
    """What the tables need.

    A vector is (id, title, item, level, part, letters of its results, differing, only, requirements): `item` is the
    place in `items`, whose entries are (interface, name); `only` that of a host, or -1; `requirements` are places in
    the list of the specification's part.
    """
    items: _Table[tuple[str, str]] = _Table()
    for chapter in chapters:
        for item in chapter.items:
            items.at((chapter.id, item.name))
    numbers = _requirement_numbers(chapters)
    vectors = [
        (
            row.id,
            visible(row.title),
            items.at((row.interface, item_of(row, requirements))),
            row.level.value,
            index // PART,
            "".join(letter(result) for result in row.results),
            int(row.differing),
            -1 if row.only is None else row.only,
            [numbers[id] for id in row.requirements if id in numbers],
        )
        for index, row in enumerate(matrix.rows)
    ]
    used = dict.fromkeys(package_of(row.interface) for row in matrix.rows)
    return {
        "suite": matrix.suite_version,
        "hosts": [_host(column) for column in matrix.columns],
        "signs": {s.letter: [s.symbol, s.word, s.meaning] for s in (*SIGNS.values(), ABSENT)},
        "levels": {level.value: meaning for level, meaning in LEVELS.items()},
        "packages": [p for p in dict.fromkeys(c.package for c in chapters) if p in used]
        + [p for p in used if p not in {c.package for c in chapters}],
        "items": list(items),
        "vectors": vectors,
    }


def case_parts(matrix: Matrix) -> Iterator[dict[str, object]]:
    """What the cases have to tell, in parts of `PART` vectors.

    `cases` is by id: the place in the file, and for each host None or (body, seconds, command). Bodies and steps are
    told once for all cases that have them in common.
    """
    for start in range(0, len(matrix.rows), PART):
        steps: _Table[StepResult] = _Table()
        bodies: _Table[tuple[object, ...]] = _Table()
        cases = {
            row.id: [visible(row.place), [_case(result, steps, bodies) for result in row.results]]
            for row in matrix.rows[start : start + PART]
        }
        yield {"steps": [_step(step) for step in steps], "bodies": list(bodies), "cases": cases}


def specification_data(chapters: Sequence[Chapter], requirements: Mapping[str, Requirement]) -> dict[str, object]:
    """The annotated specification: chapters with items, and the requirements they number."""
    numbers = _requirement_numbers(chapters)
    return {
        "chapters": [
            {
                "id": chapter.id,
                "package": chapter.package,
                "items": [
                    [i.id, i.name, i.signature, int(i.unstable), [numbers[id] for id in i.requirements]]
                    for i in chapter.items
                ],
            }
            for chapter in chapters
        ],
        "requirements": [_requirement(id, requirements.get(id)) for id in numbers],
        "provenances": {p.value: words for p, words in PROVENANCES.items()},
    }


def matrix_json(matrix: Matrix, requirements: Mapping[str, Requirement]) -> dict[str, object]:
    """Everything but the single cases, for other programs."""
    return {
        "suite": matrix.suite_version,
        "vectors": len(matrix.rows),
        "hosts": [_host(c) | _numbers(matrix, index) for index, c in enumerate(matrix.columns)],
        "results": [
            {
                "id": row.id,
                "title": row.title,
                "interface": row.interface,
                "item": item_of(row, requirements),
                "level": row.level.value,
                "requirements": list(row.requirements),
                "differing": row.differing,
                "only": None if row.only is None else matrix.columns[row.only].key,
                "verdicts": {
                    column.key: result.verdict.value
                    for column, result in zip(matrix.columns, row.results, strict=True)
                    if result is not None
                },
            }
            for row in matrix.rows
        ],
    }


def dumped(data: object) -> str:
    """JSON in ASCII that may stand in a script and within a page."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def letter(result: Result | None) -> str:
    """The letter of a result."""
    return (ABSENT if result is None else SIGNS[result.verdict]).letter


def _host(column: Column) -> dict[str, object]:
    return {
        "key": column.key,
        "name": column.host.name,
        "version": column.host.version or "",
        "flags": list(column.host.flags),
        "platform": column.platform,
        "date": f"{column.date:%Y-%m-%d}",
    }


def _numbers(matrix: Matrix, column: int) -> dict[str, object]:
    numbers = matrix.numbers(column)
    return {
        "divergence": {"failed": numbers.divergence.part, "all": numbers.total, "percent": numbers.divergence.percent},
        "coverage": {"supported": numbers.coverage.part, "all": numbers.total, "percent": numbers.coverage.percent},
        "errors": numbers.errors,
        "not-run": numbers.absent,
        "verdicts": {verdict.value: numbers.counts[verdict] for verdict in Verdict},
    }


def _requirement_numbers(chapters: Sequence[Chapter]) -> dict[str, int]:
    ids = [id for chapter in chapters for item in chapter.items for id in item.requirements]
    return {id: number for number, id in enumerate(ids)}


def _requirement(id: str, known: Requirement | None) -> list[object]:
    if known is None:
        return [id, "", "", "", "", "", []]
    links = [[source, link] for source in known.source if (link := source_link(source)) is not None]
    return [id, known.level.value, known.provenance.value, known.text, known.testable.value, known.note, links]


def _case(
    result: Result | None, steps: _Table[StepResult], bodies: _Table[tuple[object, ...]]
) -> tuple[int, float, str] | None:
    if result is None:
        return None
    body = (
        letter(result),
        result.flags,
        tuple(steps.at(step) for step in result.steps),
        visible(result.reason),
        visible(result.exit),
        _shortened(result.stdout),
        _shortened(result.stderr),
        _text(result.expected_failure),
        _link(result.expected_link),
        _text(result.unexpected),
    )
    return bodies.at(body), round(result.duration_s, 3), visible(repro_command(result))


def _step(step: StepResult) -> list[object]:
    texts = (step.place, step.text, step.expected, step.observed, step.message)
    return [step.index, *map(visible, texts), SIGNS[step.verdict].letter, step.level.value]


def _text(text: str | None) -> str:
    return visible(text) if text is not None else ""


def _link(link: str | None) -> str:
    """The address, if it is one of the web; what else a file may hold is nothing to click on."""
    return link if link is not None and link.startswith(("https://", "http://")) else ""


def _shortened(output: str) -> str:
    """The end of an output, which is where a host complains."""
    text = visible(output)
    return text if len(text) <= _OUTPUT else f"…{text[-_OUTPUT:]}"
