"""Exit statuses: pytest's numbers, and which of several reasons wins."""

from __future__ import annotations

import pytest

from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.status import ExitStatus, status_of
from wasicheck.vectors.model import Level


def result(verdict: Verdict, *, expected: str | None = None, unexpected: str | None = None) -> Result:
    return Result(
        "id", "title", "wasi:cli/run@0.3.0", "host", verdict, Level.MUST, (), "v.yaml:1", (), (), "", "", "", "", 0.1,
        expected_failure=expected, unexpected=unexpected,
    )  # fmt: skip


PASS, SKIP, FAIL, ERROR = (result(v) for v in (Verdict.PASS, Verdict.SKIP, Verdict.FAIL, Verdict.ERROR))


@pytest.mark.parametrize(
    ("results", "options", "status"),
    [
        ([PASS], {}, ExitStatus.OK),
        ([PASS, SKIP], {"selected": 2}, ExitStatus.OK),
        ([SKIP], {}, ExitStatus.OK),
        ([result(v) for v in (Verdict.NON_STRICT, Verdict.INFO)], {}, ExitStatus.OK),
        ([result(Verdict.FAIL, expected="known")], {}, ExitStatus.OK),
        ([], {}, ExitStatus.NOTHING_SELECTED),
        ([], {"selected": 0}, ExitStatus.NOTHING_SELECTED),
        ([], {"selected": 3}, ExitStatus.INTERRUPTED),
        ([PASS], {"selected": 2}, ExitStatus.INTERRUPTED),
        ([FAIL], {"selected": 2}, ExitStatus.RED),
        ([PASS, FAIL, ERROR], {}, ExitStatus.RED),
        ([PASS, ERROR], {}, ExitStatus.HARNESS_ERROR),
        ([ERROR], {"selected": 2}, ExitStatus.HARNESS_ERROR),
        ([result(Verdict.PASS, unexpected="passes")], {}, ExitStatus.RED),
        ([PASS], {"problems": 1}, ExitStatus.RED),
        *[([result(v)], {}, ExitStatus.RED) for v in (Verdict.TIMEOUT, Verdict.CRASH, Verdict.UNSUPPORTED)],
    ],
)
def test_status(results: list[Result], options: dict[str, int], status: ExitStatus) -> None:
    assert status_of(results, **options) is status


def test_results_may_be_an_iterator() -> None:
    assert status_of(iter([PASS, FAIL])) is ExitStatus.RED


@pytest.mark.parametrize(
    ("ours", "pytests"),
    [
        (ExitStatus.OK, pytest.ExitCode.OK),
        (ExitStatus.RED, pytest.ExitCode.TESTS_FAILED),
        (ExitStatus.INTERRUPTED, pytest.ExitCode.INTERRUPTED),
        (ExitStatus.INTERNAL_ERROR, pytest.ExitCode.INTERNAL_ERROR),
        (ExitStatus.USAGE_ERROR, pytest.ExitCode.USAGE_ERROR),
        (ExitStatus.NOTHING_SELECTED, pytest.ExitCode.NO_TESTS_COLLECTED),
    ],
)
def test_numbers_are_those_of_pytest(ours: ExitStatus, pytests: pytest.ExitCode) -> None:
    assert int(ours) == int(pytests)


def test_the_harness_error_keeps_clear_of_pytest() -> None:
    assert ExitStatus.HARNESS_ERROR not in {int(code) for code in pytest.ExitCode}
