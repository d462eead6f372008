"""Progress: a bar on a terminal, few lines in a log."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from wasicheck.judge.model import Verdict
from wasicheck.report.progress import BarProgress, LineProgress, progress

Make = Callable[..., Any]


def lines_of(total: int, results: list[Any]) -> list[str]:
    lines: list[str] = []
    with LineProgress(lines.append, total) as running:
        for result in results:
            running.advance(result)
    return lines


def test_a_line_for_each_tenth(make_result: Make) -> None:
    lines = lines_of(1000, [make_result(f"a{n}") for n in range(1000)])
    assert lines[0] == " 10 %  100 of 1,000, 0 red"
    assert lines[-1] == "100 %  1,000 of 1,000, 0 red"
    assert len(lines) == 10


def test_few_results_make_few_lines(make_result: Make) -> None:
    assert lines_of(3, [make_result(f"a{n}") for n in range(3)]) == [
        " 30 %  1 of 3, 0 red",
        " 60 %  2 of 3, 0 red",
        "100 %  3 of 3, 0 red",
    ]


def test_a_line_for_each_red_result(make_result: Make) -> None:
    known = make_result("k", verdict=Verdict.FAIL, expected_failure="known")
    lines = lines_of(100, [make_result("a", verdict=Verdict.FAIL), known, make_result("b", unexpected="it passes")])
    assert lines == [
        "fail  a on wasmtime@49.0.3: step 4 (vectors/cli/stdout.yaml:31): expected err(pipe), observed ok",
        "xpass  b on wasmtime@49.0.3: it passes",
    ]


def test_an_error_in_the_run_is_not_swallowed() -> None:
    with pytest.raises(KeyError), LineProgress(lambda _: None, 1):
        raise KeyError


def test_a_terminal_gets_a_bar(make_result: Make) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, _environ={"TERM": "xterm"})
    running = progress(console, 4)
    assert isinstance(running, BarProgress)
    with running:
        for index in range(3):
            running.advance(make_result(f"a{index}"))
        running.advance(make_result("bad", verdict=Verdict.TIMEOUT))
    shown = stream.getvalue()
    assert "4/4" in shown
    assert "1 red" in shown
    assert "bad on wasmtime@49.0.3: step 4" in shown


@pytest.mark.parametrize(("terminal", "term"), [(False, "xterm"), (True, "dumb")])
def test_anything_else_gets_lines(make_result: Make, terminal: bool, term: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=40, _environ={"TERM": term})
    running = progress(console, 1)
    assert isinstance(running, LineProgress)
    with running:
        running.advance(make_result("[red]a", verdict=Verdict.FAIL))
    [red, last] = stream.getvalue().splitlines()
    assert red.endswith(
        "fail  [red]a on wasmtime@49.0.3: step 4 (vectors/cli/stdout.yaml:31): expected err(pipe), observed ok"
    )
    assert last == "100 %  1 of 1, 1 red"
