"""The matrix as a value: its numbers, what differs, and runs that cannot stand side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.matrix.model import Matrix, Share, build_matrix
from wasicheck.report.results import HostInfo, Results, ResultsError
from wasicheck.report.shards import Shard
from wasicheck.vectors.model import Level

Make = Callable[..., Any]
A, B, C = (HostInfo(f"{name}@{version}", name, version) for name, version in (("w", "2"), ("w", "10"), ("j", "1")))


@pytest.fixture
def run(make_result: Make, make_results: Make) -> Make:
    """A run on one host, with the verdicts of its vectors."""

    def made(host: HostInfo, **verdicts: Verdict) -> Results:
        results = [make_result(id, host=host.label, verdict=verdict) for id, verdict in verdicts.items()]
        results_of: Results = make_results(*results, hosts=(host,))
        return results_of

    return made


def matrix_of(*runs: Results) -> Matrix:
    return build_matrix([(f"{index}.jsonl", run) for index, run in enumerate(runs)])


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(0, 0, "0"), (0, 7, "0"), (7, 7, "100"), (1, 8, "12.5"), (1, 9000, "0.1"), (8999, 9000, "99.9"), (1, 3, "33.3")],
)
def test_a_percentage_is_never_rounded_to_nothing_or_all(part: int, whole: int, percent: str) -> None:
    assert Share(part, whole).percent == percent


def test_two_numbers_with_one_denominator(run: Make) -> None:
    verdicts = {verdict.name.lower(): verdict for verdict in Verdict}
    matrix = matrix_of(run(A, **verdicts), run(C, more=Verdict.PASS))
    first, second = matrix.numbers(0), matrix.numbers(1)
    assert (first.total, second.total) == (10, 10)
    assert first.divergence == Share(3, 10)
    assert first.coverage == Share(6, 10)
    assert (first.errors, first.absent) == (1, 1)
    assert (second.divergence, second.coverage, second.errors, second.absent) == (Share(0, 10), Share(1, 10), 0, 9)


def test_an_error_of_the_harness_is_in_neither_number(run: Make) -> None:
    before = matrix_of(run(A, a=Verdict.PASS, b=Verdict.SKIP)).numbers(0)
    after = matrix_of(run(A, a=Verdict.PASS, b=Verdict.ERROR)).numbers(0)
    assert (before.divergence, before.coverage) == (after.divergence, after.coverage)
    assert (before.errors, after.errors) == (0, 1)


# --- rows and columns ----------------------------------------------------------------------------

P, F, U, E, S, T = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.UNSUPPORTED,
    Verdict.ERROR,
    Verdict.SKIP,
    Verdict.TIMEOUT,
)


@pytest.mark.parametrize(
    ("verdicts", "differing", "only"),
    [
        ((P, P, P), False, None),
        ((F, P, P), True, 0),
        ((P, P, T), True, 2),
        ((F, F, P), True, None),
        ((F, F, F), False, None),
        ((F, U, U), True, None),
        ((P, E, S), False, None),
        ((P, U, P), True, None),
        ((F, P, E), True, 0),
        ((F, E, None), False, None),
    ],
)
def test_what_differs(run: Make, verdicts: tuple[Verdict | None, ...], differing: bool, only: int | None) -> None:
    hosts = (A, B, C)
    runs = [run(h, other=P, **({"v": v} if v is not None else {})) for h, v in zip(hosts, verdicts, strict=True)]
    [row] = [row for row in matrix_of(*runs).rows if row.id == "v"]
    assert (row.differing, row.only) == (differing, only)


def test_columns_are_in_the_order_of_hosts_and_versions(run: Make) -> None:
    odd = HostInfo("w@nightly", "w", "nightly")
    matrix = matrix_of(run(B, a=P), run(C, a=P), run(A, a=P), run(odd, a=F))
    assert [c.key for c in matrix.columns] == ["w@nightly", "w@2", "w@10", "j@1"]
    assert [r.host for r in matrix.rows[0].results if r is not None] == ["w@nightly", "w@2", "w@10", "j@1"]


def test_a_host_with_other_flags_is_another_column(run: Make) -> None:
    matrix = matrix_of(run(replace(A, flags=("lift=sync",)), a=P), run(replace(A, flags=("lift=callback",)), a=F))
    assert [c.key for c in matrix.columns] == ["w@2 lift=callback", "w@2 lift=sync"]


def test_rows_are_in_the_order_of_files_and_lines(make_result: Make, make_results: Make) -> None:
    places = {"c": "b.yaml:9", "b": "b.yaml:10", "d": "a.yaml:70", "a": "nowhere"}
    results = [make_result(id, place=place) for id, place in places.items()]
    later = make_result("e", interface="wasi:cli/stdin@0.3.0", place="z.yaml:1")
    matrix = matrix_of(make_results(*results, later, hosts=(HostInfo("wasmtime@49.0.3", "wasmtime", "49.0.3"),)))
    assert [row.id for row in matrix.rows] == ["e", "d", "c", "b", "a"]


# --- what does not go together -------------------------------------------------------------------


def with_result(run: Results, **changes: Any) -> Results:
    return replace(run, results=(replace(run.results[0], **changes), *run.results[1:]))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda r: r, r"^1\.jsonl:1: j@1 with the flags \(none\) is in 0\.jsonl as well"),
        (
            lambda r: replace(r, duration_s=None),
            r"^1\.jsonl: the run was stopped before its end: it has 1 of 1 results",
        ),
        (
            lambda r: replace(r, header=replace(r.header, selected=5)),
            r"^1\.jsonl: the run was stopped before its end: it has 1 of 5",
        ),
        (
            lambda r: replace(r, header=replace(r.header, shard=Shard(2, 4))),
            r"^1\.jsonl:1: the file is shard 2/4 of a run\n  hint: join the shards of a run first: wasicheck merge",
        ),
        (
            lambda r: replace(r, header=replace(r.header, suite_version="9")),
            r"^1\.jsonl:1: the results are of wasicheck 9; 0\.jsonl has those of 0\.1\.0",
        ),
    ],
)
def test_runs_that_cannot_stand_side_by_side(run: Make, second: Any, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        matrix_of(run(C, a=P), second(run(C, a=P)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": "Another"}, "its title is 'Another', not 'Bytes written"),
        ({"interface": "wasi:cli/stdin@0.3.0"}, r"its interface is 'wasi:cli/stdin@0\.3\.0'"),
        ({"level": Level.MAY}, "its level is 'may', not 'must'"),
    ],
)
def test_a_vector_that_is_not_the_same(run: Make, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ResultsError, match=rf"^1\.jsonl: the vector a is another one than in 0\.jsonl: {message}"):
        matrix_of(run(A, a=P), with_result(run(C, a=P), **changes))


def test_one_vector_twice_on_one_host(make_result: Make, make_results: Make) -> None:
    twice: list[Result] = [make_result("a"), make_result("a", flags=("lift=callback",))]
    with pytest.raises(ResultsError, match=r"two results of a on wasmtime@49\.0\.3, with the flags \[\] and \['lift"):
        matrix_of(make_results(*twice))


def test_no_result_at_all(make_results: Make) -> None:
    with pytest.raises(ResultsError, match="there is no result in it"):
        matrix_of(make_results())
