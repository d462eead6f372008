"""The items of a run under pytest: vectors and checks on hosts, and what keeps vectors from being run.

Guests are run in the set-up of an item, where what the harness could not do is an error; the call only says what the
result means to pytest.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wasicheck.host.host import Host
from wasicheck.judge.model import Result, Verdict
from wasicheck.report.text import visible
from wasicheck.vectors.listing import SURFACE, Listed
from wasicheck.vectors.model import Level
from wasicheck.vectors.source import VectorError

if TYPE_CHECKING:
    from wasicheck.checks import Check
    from wasicheck.conformance import ConformanceRun

_OUTPUT_LIMIT = 2_000
"""Characters of each of the host's outputs that a failure shows."""


class ResultItem(pytest.Item):
    """One result on one host; `find` makes it."""

    def __init__(self, *, run: ConformanceRun, host: Host, **rest: Any) -> None:
        super().__init__(**rest)
        self.run = run
        self.host = host
        self.result: Result | None = None
        """What came of it, once it was set up."""

    def find(self) -> Result:
        """Do what it takes, and return what came of it."""
        raise NotImplementedError

    def setup(self) -> None:
        """Find the result."""
        result = self.result = self.find()
        self.user_properties.append(("verdict", result.verdict.value))
        if result.red:
            for name, output in (("stdout", result.stdout), ("stderr", result.stderr)):
                if output:
                    self.add_report_section("setup", f"host's {name}", shortened(output))
        if result.red and result.verdict is Verdict.ERROR:
            pytest.fail(self.run.words(result), pytrace=False)

    def runtest(self) -> None:
        """Say what the result means to pytest."""
        assert self.result is not None
        result = self.result
        if result.red:
            pytest.fail(self.run.words(result), pytrace=False)
        if result.verdict is Verdict.SKIP:
            pytest.skip(result.reason)
        if result.expected_failure is not None:
            link = f" ({result.expected_link})" if result.expected_link else ""
            pytest.xfail(result.expected_failure + link)

    def about(self, level: Level, interface: str, requirements: tuple[str, ...], *words: str) -> None:
        """Say what it is about, to `-k` and to the reports of pytest."""
        self.add_marker(level.value)
        self.extra_keyword_matches |= {interface, *requirements, *words}
        self.user_properties += [("requirement", id) for id in requirements]
        self.user_properties += [("level", level.value), ("interface", interface)]


class VectorItem(ResultItem):
    """One vector on one host."""

    def __init__(self, *, vector: Listed, **rest: Any) -> None:
        super().__init__(**rest)
        self._vector = vector
        self.invalid = False
        """Whether the vector turned out not to be valid when it was set up."""
        if folder := folder_of(vector.place.file):
            self.add_marker(folder.replace("-", "_"))
        if vector.unstable:
            self.add_marker("unstable")
        self.about(vector.level, vector.interface, vector.requirements, vector.title, *vector.tags)

    def find(self) -> Result:
        """Run the guest."""
        try:
            return self.run.vector_result(self._vector, self.host)
        except VectorError as error:
            self.invalid = True
            pytest.fail(str(error), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The vector's file and line, counted from 0."""
        place = self._vector.place
        return self.run.path(place.file), place.line - 1, self.name


class CheckItem(ResultItem):
    """One check of a host that is no vector: of an interface of its surface, or of a property."""

    def __init__(self, *, check: Check, **rest: Any) -> None:
        super().__init__(**rest)
        self._check = check
        self.add_marker("surface" if check.id.startswith(SURFACE) else "properties")
        self.add_marker(check.interface.partition(":")[2].partition("/")[0])
        self.about(Level.MUST, check.interface, check.requirements, check.title)

    def find(self) -> Result:
        """Have it checked."""
        return self.run.checks(self.host).result(self._check.id)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The suite module: what it is about stands in no file."""
        return self.path, None, self.name


class ProblemItem(pytest.Item):
    """Something that keeps vectors from being run or judged, and so must not go unnoticed."""

    def __init__(self, *, kind: str, message: str, file: Path, line: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.kind = kind
        self._message = message
        self._file = file
        self._line = line

    def setup(self) -> None:
        """Say what is wrong."""
        pytest.fail(self._message, pytrace=False)

    def runtest(self) -> None:
        """Nothing: an item whose set-up fails is not called."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the problem is, its line counted from 0."""
        return self._file, self._line - 1, self.name


def shortened(output: str) -> str:
    """What a failure shows of an output: its end, which is where a host complains."""
    text = visible(output)
    return text if len(text) <= _OUTPUT_LIMIT else f"…{text[-_OUTPUT_LIMIT:]}"


def folder_of(file: str) -> str:
    """The folder that groups a vector file: `cli` of `vectors/cli/stdout.yaml`, nothing of `vectors/own.yaml`."""
    parts = file.split("/")
    return parts[1] if len(parts) > 2 else ""
