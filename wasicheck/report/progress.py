"""Progress of a run: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from wasicheck.judge.model import Result
from wasicheck.report.digest import column_of
from wasicheck.report.summary import STYLES
from wasicheck.report.text import headline, label


class RunProgress(AbstractContextManager["RunProgress"], Protocol):
    """What a run tells its results to, one by one, while it is entered."""

    def advance(self, result: Result) -> None:
        """Take note of one more result."""


class BarProgress(RunProgress):
    """A bar with counts and elapsed time; red results are printed above it as they come."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._red = 0
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("running", total=total, state="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, result: Result) -> None:
        if result.red:
            self._red += 1
            column = column_of(result)
            self._console.print(
                Text.assemble(
                    (f"✘ {column} ", STYLES[column]), f"{label(result)} on {result.host}: {headline(result)}"
                ),
                soft_wrap=True,
            )
        state = f"[red]{self._red} red" if self._red else ""
        self._progress.update(self._task, advance=1, state=state)


class LineProgress(RunProgress):
    """One line for each tenth of the run and for each red result, given to `emit` without line end."""

    def __init__(self, emit: Callable[[str], None], total: int) -> None:
        self._emit = emit
        self._total = total
        self._done = 0
        self._red = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def advance(self, result: Result) -> None:
        if result.red:
            self._red += 1
            self._emit(f"{column_of(result)}  {label(result)} on {result.host}: {headline(result)}")
        before = self._done * 10 // self._total
        self._done += 1
        tenths = self._done * 10 // self._total
        if tenths > before:
            self._emit(f"{tenths * 10:>3} %  {self._done:,} of {self._total:,}, {self._red:,} red")


def progress(console: Console, total: int) -> RunProgress:
    """Return the progress that fits the console: a bar on a terminal, else lines printed to it."""
    if console.is_terminal and not console.is_dumb_terminal:
        return BarProgress(console, total)
    return LineProgress(lambda line: console.out(line, highlight=False), total)
