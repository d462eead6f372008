"""The commands that work on stored results: `merge`, `diff`, `matrix`."""

from __future__ import annotations

import argparse
import json
import sys

from wasicheck import __version__
from wasicheck.errors import complain
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


def merge_command(options: argparse.Namespace) -> ExitStatus:
    """Join shards."""
    run = merge([(str(path), read_results(path)) for path in options.results])
    write_results(options.out, run)
    done, selected = len(run.results), run.header.selected
    sys.stdout.write(f"{options.out}: {done:,} results of {len(options.results)} shards\n")
    if run.truncated:
        complain(f"a shard has no footer: the run was stopped after {done:,} of {selected:,} results")
    return ExitStatus.OK


def diff_command(options: argparse.Namespace) -> ExitStatus:
    """Compare two runs."""
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
            complain(f"{path}: there is no footer: the run was stopped after {done}")
    if found.worse:
        return ExitStatus.RED
    if found.errors:
        return ExitStatus.HARNESS_ERROR
    return ExitStatus.INTERRUPTED if after.truncated else ExitStatus.OK


def matrix_command(options: argparse.Namespace) -> ExitStatus:
    """Write the site of several runs."""
    matrix = build_matrix([(str(path), read_results(path)) for path in options.results])
    if matrix.suite_version != __version__:
        complain(f"the results are of wasicheck {matrix.suite_version}; requirements are those of {__version__}")
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
