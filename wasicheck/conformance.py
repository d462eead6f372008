"""A run of vectors under pytest: its hosts, its items, and what becomes of its results.

Every result travels with the report of its item's set-up. So it reaches the process that reports, which under
pytest-xdist is not the one that ran it: a worker makes items and runs guests, the controller collects the results.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import pytest
from rich.console import Console

from wasicheck import __version__
from wasicheck.checks import Check, HostChecks, expectable, is_check, property_checks, surface_checks
from wasicheck.gate import read_baselines
from wasicheck.guest.compiler import Build
from wasicheck.host.errors import HostError
from wasicheck.host.host import Host
from wasicheck.items import CheckItem, ProblemItem, ResultItem, VectorItem, folder_of
from wasicheck.judge.baseline import NO_BASELINE, Baseline
from wasicheck.judge.expectations import NO_EXPECTATIONS, Expectations, ExpectationsError, Problem, unmatched
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.status import ExitStatus, status_of
from wasicheck.outputs import OutputError, host_infos, open_results, provenance, run_header, write_report
from wasicheck.report.junit import junit_xml
from wasicheck.report.reading import parse_result
from wasicheck.report.results import Results, ResultsError, ResultsWriter, result_to_json
from wasicheck.report.shards import Shard, parse_shard
from wasicheck.report.summary import checks_summary, plain_summary, summary
from wasicheck.report.text import details, headline, label
from wasicheck.resources import data_folder
from wasicheck.session import HostSession, expectations_of, find_host, list_vectors, open_session
from wasicheck.vectors.listing import Listed, Listing
from wasicheck.vectors.loader import read
from wasicheck.vectors.model import Lift, Lowering
from wasicheck.vectors.source import VectorError

_RESULT = "wasicheck_result"
"""Attribute of a report: the result of a vector, as a line of JSON."""
_CHECK = "wasicheck_check"
"""Attribute of a report: that of another check."""
_PROBLEM = "wasicheck_problem"
"""Attribute of a report: the kind of its problem."""
_VECTOR, _EXPECTATION = "vector", "expectation"


class ConformanceRun:
    """The hosts of `--host` for the length of a pytest session; registered as a plugin."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._build = Build(Lift(config.getoption("--abi")), Lowering(config.getoption("--lower")))
        own: str | None = config.getoption("--wasicheck-vectors")
        self._own = Path(own) if own is not None else None
        self._shard = _shard(config.getoption("--shard"))
        self._reports = not hasattr(config, "workerinput")
        self._hosts: tuple[Host, ...] = ()
        self._expectations: Mapping[str, Expectations] = {}
        self._baselines: Mapping[str, Baseline] = {}
        self._sessions: dict[str, HostSession] = {}
        self._stack = ExitStack()
        config.add_cleanup(self._stack.close)
        self._started = datetime.now(UTC)
        self._selected = 0
        self._results: dict[str, Result] = {}
        self._checks: dict[str, Result] = {}
        """Results of what is no vector."""
        self._host_checks: dict[str, HostChecks] = {}
        self._problems = {_VECTOR: 0, _EXPECTATION: 0}
        self._foreign = 0
        """Failures that are none of a vector's: of other tests, of collection, of a worker that died."""
        self._stream: BinaryIO | None = None
        self._writer: ResultsWriter | None = None

    # --- the run's parts -------------------------------------------------------------------------

    @cached_property
    def _listing(self) -> Listing:
        return list_vectors(self._own)

    @cached_property
    def _provenance(self) -> Mapping[str, str]:
        return provenance()

    def vector_result(self, listed: Listed, host: Host) -> Result:
        """Run a vector on a host; raise `VectorError` if it is not valid."""
        return self._session(host).run(read(listed, self._listing.names))

    def _session(self, host: Host) -> HostSession:
        """The session of a host in this process."""
        if host.label not in self._sessions:
            known = self._expectations[host.label], self._own, self._baselines.get(host.label, NO_BASELINE)
            opened = open_session(host, self._build, *known)
            self._sessions[host.label] = self._stack.enter_context(opened)
        return self._sessions[host.label]

    def checks(self, host: Host) -> HostChecks:
        """The checks of a host in this process."""
        if host.label not in self._host_checks:
            options = self._config.getoption("--wasicheck-examples"), self._config.getoption("--wasicheck-seed")
            self._host_checks[host.label] = HostChecks(self._session(host), *options)
        return self._host_checks[host.label]

    def words(self, result: Result) -> str:
        """A red result in words: why, what was expected and observed where, and how to repeat it."""
        first = headline(result)
        rest = [line for line in details(result, self._provenance).splitlines() if line != first]
        return "\n".join([first, "", *rest])

    def path(self, file: str) -> Path:
        """The path of a vector file, which places name from the folder that holds all of them on."""
        return (self._own or data_folder("vectors")).absolute().parent / file

    # --- start and collection --------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Find the hosts and open the files, before any worker starts; raise `UsageError` for what cannot be had."""
        if self._own is not None and not self._own.is_dir():
            raise pytest.UsageError(
                f"there is no folder {self._own}: --wasicheck-vectors takes a folder of vector files"
            )
        try:
            found = [find_host(spec) for spec in dict.fromkeys(self._config.getoption("--host"))]
            self._hosts = tuple({host.label: host for host in found}.values())
            # pytest's own option means the same: what is expected to fail shall fail.
            listed = not (self._config.getoption("--no-expectations") or self._config.option.runxfail)
            self._expectations = {h.label: expectations_of(h) if listed else NO_EXPECTATIONS for h in self._hosts}
            if (baseline := self._config.getoption("--baseline")) is not None:
                self._baselines = read_baselines(Path(baseline), host_infos(self._hosts, self._build))
            if self._reports and not self._config.option.collectonly:
                self._open_files()
        except (HostError, ExpectationsError, OutputError, ResultsError) as error:
            raise pytest.UsageError(str(error)) from None

    def _open_files(self) -> None:
        if (json_file := self._config.getoption("--wasicheck-json")) is not None:
            self._stream = self._stack.enter_context(open_results(Path(json_file)))
        if (junit_file := self._config.getoption("--wasicheck-junit")) is not None:
            write_report(Path(junit_file), "")

    def pytest_report_header(self) -> str:
        """Say what runs, and where each host came from."""
        hosts = ", ".join(f"{host.label} ({host.origin})" for host in self._hosts)
        shard = f", shard {self._shard}" if self._shard is not None else ""
        lines = [f"wasicheck {__version__}: {hosts}, {' '.join(self._build.flags)}{shard}"]
        return "\n".join(lines + [f"  {note}" for host in self._hosts for note in host.notes])

    def collect(self, collector: pytest.Module | pytest.Class, folder: str | None) -> list[pytest.Item]:
        """Make the items of a suite module."""
        try:
            listing = self._listing
        except VectorError as error:
            raise pytest.Collector.CollectError(str(error)) from None
        claimed = {
            path.stem.removeprefix("test_").replace("_", "-") for path in collector.path.parent.glob("test_*.py")
        }

        def is_here(file: str) -> bool:
            return folder_of(file) == folder if folder is not None else folder_of(file) not in claimed

        shard = self._shard
        vectors = [
            vector
            for vector in listing.vectors.values()
            if is_here(vector.place.file) and (shard is None or shard.holds(vector.id))
        ]
        items: list[pytest.Item] = [
            VectorItem.from_parent(collector, name=f"{vector.id}[{host.label}]", run=self, vector=vector, host=host)
            for host in self._hosts
            for vector in vectors
        ]
        for problem in listing.problems:
            if is_here(problem.file):
                items.append(self._problem(collector, _VECTOR, str(problem), self.path(problem.file), problem.line))
        return items

    def collect_surface(self, collector: pytest.Module | pytest.Class) -> list[pytest.Item]:
        """Make the items of the hosts' surfaces."""
        return [item for host in self._hosts for item in self._collect_checks(collector, host, surface_checks(host))]

    def collect_properties(self, collector: pytest.Module | pytest.Class) -> list[pytest.Item]:
        """Make the items of the properties."""
        found = property_checks()
        return [item for host in self._hosts for item in self._collect_checks(collector, host, found)]

    def _collect_checks(
        self, collector: pytest.Module | pytest.Class, host: Host, found: Sequence[Check]
    ) -> Iterator[pytest.Item]:
        if self._own is not None:
            # Who gives vectors of their own wants those, and nothing else, to be run.
            return
        for check in found:
            if self._shard is None or self._shard.holds(check.id):
                name = f"{check.id}[{host.label}]"
                yield CheckItem.from_parent(collector, name=name, run=self, host=host, check=check)

    def _problem(self, parent: pytest.Collector, kind: str, message: str, file: Path, line: int) -> pytest.Item:
        name = f"{kind}-problem[{file.name}:{line}]"
        return ProblemItem.from_parent(parent, name=name, kind=kind, message=message, file=file, line=line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Keep problems from being deselected, and add those of expectations that name no vector."""
        problems: list[pytest.Item] = [item for item in items if isinstance(item, ProblemItem)]
        # Checks alone are not worth loading all vectors for.
        ours = next((item.parent for item in items if isinstance(item, VectorItem)), None)
        if isinstance(ours, pytest.Collector):
            problems += self._expectation_problems(ours)
        items[:] = [item for item in items if not isinstance(item, ProblemItem)]
        yield
        items += problems

    def _expectation_problems(self, parent: pytest.Collector) -> list[pytest.Item]:
        if self._own is not None:
            # A folder of one's own vectors has none of those that the expectations name.
            return []
        ids = expectable(self._listing.vectors, self._expectations.values())
        found: Sequence[Problem] = [problem for one in self._expectations.values() for problem in unmatched(one, ids)]
        return [self._problem(parent, _EXPECTATION, str(p), Path(p.file).absolute(), p.line) for p in found]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what is selected."""
        self._select(sum(isinstance(item, VectorItem) for item in session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Count what is selected, in the controller, which collects nothing itself."""
        labels = tuple(f"[{host.label}]" for host in self._hosts)
        self._select(sum(id.endswith(labels) and not is_check(id.rpartition("::")[2]) for id in ids))

    def _select(self, count: int) -> None:
        self._selected = count
        if self._reports and self._stream is not None and self._writer is None:
            header = run_header(self._hosts, self._build, self._started, count, self._shard)
            self._writer = ResultsWriter(self._stream, header)

    # --- results ---------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the result on the report of the set-up, and the vector's place on a skip."""
        report = yield
        if isinstance(item, ProblemItem):
            setattr(report, _PROBLEM, item.kind)
        elif isinstance(item, VectorItem) and item.invalid:
            setattr(report, _PROBLEM, _VECTOR)
        elif isinstance(item, ResultItem) and item.result is not None:
            if call.when == "setup":
                kind = _RESULT if isinstance(item, VectorItem) else _CHECK
                setattr(report, kind, json.dumps(result_to_json(item.result)))
            elif report.skipped and item.result.verdict is Verdict.SKIP:
                path, line, _ = item.reportinfo()
                report.longrepr = (str(path), (line or 0) + 1, item.result.reason)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result off a report, in the process that reports."""
        if not self._reports:
            return
        line: str | None = getattr(report, _RESULT, None)
        if line is not None and report.nodeid not in self._results:
            result = parse_result(line, [host.label for host in self._hosts])
            self._results[report.nodeid] = result
            if self._writer is not None:
                self._writer.write(result)
        check: str | None = getattr(report, _CHECK, None)
        if check is not None:
            self._checks[report.nodeid] = parse_result(check, [host.label for host in self._hosts])
        if report.failed:
            known = self._results.get(report.nodeid) or self._checks.get(report.nodeid)
            if hasattr(report, _PROBLEM):
                self._problems[getattr(report, _PROBLEM)] += 1
            elif known is None or not known.red or report.when == "teardown":
                self._foreign += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of what could not be collected."""
        self._foreign += report.failed

    # --- the end ---------------------------------------------------------------------------------

    @cached_property
    def _outcome(self) -> Results:
        header = run_header(self._hosts, self._build, self._started, self._selected, self._shard)
        seconds = (datetime.now(UTC) - self._started).total_seconds()
        return Results(header, tuple(self._results.values()), seconds)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Finish the files and set the exit status."""
        if not self._reports or self._config.option.collectonly:
            return
        if self._writer is not None and exitstatus not in (ExitStatus.INTERRUPTED, ExitStatus.INTERNAL_ERROR):
            assert self._outcome.duration_s is not None
            self._writer.finish(self._outcome.duration_s)
        if (junit_file := self._config.getoption("--wasicheck-junit")) is not None:
            shown = replace(self._outcome, results=(*self._outcome.results, *self._checks.values()))
            write_report(Path(junit_file), junit_xml(shown, provenance=self._provenance))
        if exitstatus in (ExitStatus.OK, ExitStatus.RED):
            session.exitstatus = self._status(exitstatus)

    def _status(self, exitstatus: int) -> int:
        red = self._foreign + self._problems[_EXPECTATION]
        results = (*self._results.values(), *self._checks.values())
        if red or not (results or self._problems[_VECTOR]):
            return exitstatus
        status = status_of(results) if results else ExitStatus.OK
        return ExitStatus.USAGE_ERROR if self._problems[_VECTOR] and status is ExitStatus.OK else status

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what passed and yet has something to tell, and the summary."""
        if self._config.option.collectonly:
            return
        if self._checks:
            terminalreporter.section("surface and properties")
            terminalreporter.write(checks_summary(self._checks.values()))
        if not self._selected:
            return
        told = [r for r in self._results.values() if not r.red and r.verdict in (Verdict.NON_STRICT, Verdict.INFO)]
        if told:
            terminalreporter.section("non-strict and informative results")
        for result in told:
            terminalreporter.write_line(f"{result.verdict} {label(result)} on {result.host}: {headline(result)}")
        terminalreporter.section("wasicheck")
        if terminalreporter.hasmarkup:
            console = Console(force_terminal=True)
            with console.capture() as capture:
                console.print(summary(self._outcome))
            terminalreporter.write(capture.get())
        else:
            terminalreporter.write(plain_summary(self._outcome))


def _shard(text: str | None) -> Shard | None:
    try:
        return parse_shard(text) if text is not None else None
    except ValueError as error:
        raise pytest.UsageError(f"--shard: {error}") from None
