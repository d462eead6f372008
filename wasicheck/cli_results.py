"""The commands that work on stored results: `merge`, `diff`, `matrix`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from wasicheck import __version__
from wasicheck.judge.status import ExitStatus
from wasicheck.outputs import write_report
from wasicheck.report.differences import difference_json, difference_markdown, difference_text, differences
from wasicheck.report.matrix.model import build_matrix
from wasicheck.report.matrix.site import write_site
from wasicheck.report.merging import merge
from wasicheck.report.reading import read_results
from wasicheck.report.results import write_results
from wasicheck.report.text import plural
from wasicheck.resources import data_folder
from wasicheck.vectors.requirements import load_requirements
from wasicheck.wit import wasi


def add_results_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to the `wasicheck` parser; each sets `command` to its function."""
    joined = commands.add_parser(
        "merge",
        help="join the shards of a run into one file of results",
        epilog="Exit status: 0, or 4 for files that are not all the shards of one run.",
    )
    joined.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="what `run --shard N/M --json` wrote")
    joined.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    joined.set_defaults(command=_merge)

    diff = commands.add_parser(
        "diff",
        help="compare two runs: newly failing, newly passing, changed answers",
        epilog="Exit status: 0 nothing got worse, 1 something did, 2 the second run was stopped before its end,"
        " 4 files that cannot be compared, 10 nothing got worse but for new errors of the harness.",
    )
    diff.add_argument("before", type=Path, metavar="A", help="results of the earlier run, or of another host")
    diff.add_argument("after", type=Path, metavar="B", help="results of the later run")
    diff.add_argument("--json", action="store_true", help="as JSON")
    diff.add_argument("--markdown", type=Path, metavar="FILE", help="write Markdown as well")
    diff.set_defaults(command=_diff)

    matrix = commands.add_parser(
        "matrix",
        help="write the results of several hosts side by side, as a static site",
        epilog="Exit status: 0, or 4 for files that cannot stand side by side and for a folder that is something else.",
    )
    matrix.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="what `run --json` wrote")
    matrix.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    matrix.add_argument("--vectors", type=Path, metavar="DIR", help="your own vectors, for their requirements")
    matrix.set_defaults(command=_matrix)


def _merge(options: argparse.Namespace) -> ExitStatus:
    run = merge([(str(path), read_results(path)) for path in options.results])
    write_results(options.out, run)
    done, selected = len(run.results), run.header.selected
    sys.stdout.write(f"{options.out}: {done:,} results of {len(options.results)} shards\n")
    if run.truncated:
        _complain(f"a shard has no footer: the run was stopped after {done:,} of {selected:,} results")
    return ExitStatus.OK


def _diff(options: argparse.Namespace) -> ExitStatus:
    before, after = read_results(options.before), read_results(options.after)
    found = differences(before, after, (str(options.before), str(options.after)))
    if options.json:
        sys.stdout.write(json.dumps(difference_json(found), indent=2) + "\n")
    else:
        sys.stdout.write(difference_text(found))
    if options.markdown is not None:
        write_report(options.markdown, difference_markdown(found))
    for path, run in ((options.before, before), (options.after, after)):
        if run.truncated:
            done = f"{len(run.results):,} of {run.header.selected:,} results"
            _complain(f"{path}: there is no footer: the run was stopped after {done}")
    if found.worse:
        return ExitStatus.RED
    if found.errors:
        return ExitStatus.HARNESS_ERROR
    return ExitStatus.INTERRUPTED if after.truncated else ExitStatus.OK


def _matrix(options: argparse.Namespace) -> ExitStatus:
    matrix = build_matrix([(str(path), read_results(path)) for path in options.results])
    if matrix.suite_version != __version__:
        _complain(f"the results are of wasicheck {matrix.suite_version}; requirements are those of {__version__}")
    requirements = dict(load_requirements(data_folder("vectors") / "requirements"))
    if options.vectors is not None:
        requirements |= load_requirements(options.vectors / "requirements")
    write_site(options.out, data_folder("reports") / "matrix", matrix, requirements, wasi())
    for index, column in enumerate(matrix.columns):
        numbers = matrix.numbers(index)
        shares = f"{numbers.divergence.percent:>5} % diverge  {numbers.coverage.percent:>5} % covered"
        sys.stdout.write(f"{column.key:30}  {shares}  {plural(numbers.errors, 'error')}\n")
    sys.stdout.write(f"{options.out / 'index.html'}: {plural(len(matrix.rows), 'vector')}\n")
    return ExitStatus.OK


def _complain(message: str) -> None:
    sys.stderr.write(f"wasicheck: {message}\n")
