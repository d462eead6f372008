"""The commands `run` and `report`."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from wasicheck.batch import start_batch
from wasicheck.checks import expectable
from wasicheck.commands.inputs import build_of, listing_of, report_problems, selected
from wasicheck.errors import complain
from wasicheck.gate import read_baselines
from wasicheck.judge.baseline import NO_BASELINE
from wasicheck.judge.expectations import NO_EXPECTATIONS, unmatched
from wasicheck.judge.model import Result
from wasicheck.judge.status import ExitStatus, status_of
from wasicheck.outputs import host_infos, open_results, provenance, run_header, write_report
from wasicheck.report.junit import junit_xml
from wasicheck.report.markdown import markdown_summary
from wasicheck.report.progress import progress
from wasicheck.report.reading import read_results
from wasicheck.report.results import Header, Results, ResultsWriter
from wasicheck.report.summary import plain_summary, summary
from wasicheck.report.text import plural
from wasicheck.session import expectations_of, find_host, open_session
from wasicheck.vectors.source import VectorError


def run_command(options: argparse.Namespace) -> ExitStatus:
    """Run vectors on hosts."""
    started = datetime.now(UTC)
    listing = listing_of(options.vectors)
    report_problems(listing)
    vectors = selected(options, listing)
    if not vectors:
        what = "no vector" if options.shard is None else f"no vector of shard {options.shard}"
        complain(f"{what} is selected; `wasicheck list` shows what there is")
        return ExitStatus.USAGE_ERROR if listing.problems else ExitStatus.NOTHING_SELECTED
    console = Console(stderr=True)
    found = [find_host(spec) for spec in dict.fromkeys(options.host)]
    hosts = list({host.label: host for host in found}.values())
    for host in hosts:
        for note in host.notes:
            complain(note)
    expectations = [NO_EXPECTATIONS if options.no_expectations else expectations_of(host) for host in hosts]
    # A folder of one's own vectors has none of those that the expectations name.
    ids = expectable(listing.vectors, expectations)
    problems = [] if options.vectors else [p for e in expectations for p in unmatched(e, ids)]
    for problem in problems:
        complain(str(problem))
    build = build_of(options)
    baselines = read_baselines(options.baseline, host_infos(hosts, build)) if options.baseline is not None else {}
    header = run_header(hosts, build, started, len(hosts) * len(vectors), options.shard)
    with ExitStack() as stack:
        writer = _writer(stack, options.json, header)
        sessions = [
            stack.enter_context(
                open_session(host, build, known, options.vectors, baselines.get(host.label, NO_BASELINE))
            )
            for host, known in zip(hosts, expectations, strict=True)
        ]
        batch = start_batch(sessions, vectors, listing.names, jobs=options.jobs)
        invalid: list[VectorError] = []
        with batch.workers, progress(console, header.selected) as bar:

            def report(result: Result) -> None:
                bar.advance(result)
                if writer is not None:
                    writer.write(result)

            results = batch.run(seed=options.random_order, report=report, problem=invalid.append)
        seconds = (datetime.now(UTC) - started).total_seconds()
        if writer is not None:
            writer.finish(seconds)
    for error in invalid:
        complain(str(error))
    outcome = Results(header, results, seconds)
    _present(options, outcome)
    if problems:
        complain(f"the run fails all the same: {plural(len(problems), 'expectation')} of no vector, see above")
    status = status_of(results, selected=header.selected, problems=len(problems))
    unusable = listing.problems or invalid
    return ExitStatus.USAGE_ERROR if unusable and status in (ExitStatus.OK, ExitStatus.INTERRUPTED) else status


def _present(options: argparse.Namespace, outcome: Results) -> None:
    """Write the reports that were asked for, and print the summary."""
    if options.junit is not None:
        write_report(options.junit, junit_xml(outcome, provenance=provenance()))
    if options.markdown is not None:
        write_report(options.markdown, markdown_summary(outcome))
    output = Console()
    if output.is_terminal:
        output.print(summary(outcome))
    else:
        sys.stdout.write(plain_summary(outcome))


def report_command(options: argparse.Namespace) -> ExitStatus:
    """Show stored results, or render them."""
    outcome = read_results(options.results)
    _present(options, outcome)
    if outcome.truncated:
        done, selected = len(outcome.results), outcome.header.selected
        complain(f"{options.results}: there is no footer: the run was stopped after {done} of {selected} results")
    return status_of(outcome.results, selected=outcome.header.selected)


def _writer(stack: ExitStack, path: Path | None, header: Header) -> ResultsWriter | None:
    return None if path is None else ResultsWriter(stack.enter_context(open_results(path)), header)
