"""The commands `wasicheck check …`: the spec-checker."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wasicheck.check.component import check_component_file
from wasicheck.check.coverage import PackageCoverage, coverage, coverage_data, unexplained
from wasicheck.check.decoding import ComponentError
from wasicheck.check.vacuity import VacuityReport, check_vacuity
from wasicheck.check.vectors import lint, lint_requirements
from wasicheck.check.wit import NoWasiError, check_wit
from wasicheck.commands.inputs import UsageError, report_problems, requirements_of, suite_of
from wasicheck.errors import complain
from wasicheck.guest.compiler import Build
from wasicheck.judge.expectations import NO_EXPECTATIONS
from wasicheck.judge.status import ExitStatus
from wasicheck.outputs import write_report
from wasicheck.report.checks import component_text, host_text, wit_text
from wasicheck.report.coverage import MarkersError, coverage_markdown, coverage_text, with_coverage
from wasicheck.report.reading import read_results
from wasicheck.report.text import plural
from wasicheck.report.vacuity import vacuity_text
from wasicheck.session import find_host, open_session
from wasicheck.surface import survey_host
from wasicheck.vectors.loader import Suite
from wasicheck.wit import WitError, parse_folder, wasi


def vectors_command(options: argparse.Namespace) -> ExitStatus:
    """Look for what vectors should not be like, and for what they would not notice."""
    suite = suite_of(options.vectors)
    report_problems(suite)
    requirements = requirements_of(options.vectors)
    found = (*lint_requirements(requirements, wasi()), *lint(suite, requirements))
    vacuity = None if options.vacuity is None else _vacuity(options.vacuity, suite)
    if options.json:
        data = {
            "vectors": len(suite.vectors),
            "requirements": len(requirements),
            "problems": [problem.data() for problem in suite.problems],
            "findings": [problem.data() for problem in found],
            "vacuity": None if vacuity is None else vacuity.data(),
        }
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        for problem in found:
            sys.stdout.write(f"{problem}\n")
        numbers = (plural(len(suite.vectors), "vector"), plural(len(requirements), "requirement"))
        sys.stdout.write(f"{', '.join(numbers)}, {plural(len(found), 'finding')}\n")
        if vacuity is not None:
            _print_text(vacuity_text(str(options.vacuity), vacuity))
    if suite.problems:
        return ExitStatus.USAGE_ERROR
    vacuous = vacuity is not None and bool(vacuity.open or vacuity.useless)
    return ExitStatus.RED if found or vacuous else ExitStatus.OK


def _vacuity(path: Path, suite: Suite) -> VacuityReport:
    """Check recorded results; raise UsageError if they are of none of the vectors."""
    report = check_vacuity(suite, read_results(path).results)
    if not report.observations:
        raise UsageError(
            f"{path}: holds no observation of these {plural(len(suite.vectors), 'vector')}: run them first"
        )
    return report


def coverage_command(options: argparse.Namespace) -> ExitStatus:
    """Count what vectors cover."""
    suite = suite_of(options.vectors)
    report_problems(suite)
    requirements = requirements_of(options.vectors)
    packages = coverage(wasi(), suite.vectors.values(), requirements)
    if options.json:
        sys.stdout.write(json.dumps(coverage_data(packages), indent=2) + "\n")
    else:
        sys.stdout.write(coverage_text(packages))
    if options.markdown is not None:
        write_report(options.markdown, coverage_markdown(packages))
    if options.update is not None:
        _update(options.update, packages)
    if suite.problems:
        return ExitStatus.USAGE_ERROR
    # A folder of one's own vectors is about what its owner likes.
    return ExitStatus.RED if options.vectors is None and unexplained(packages) else ExitStatus.OK


def _update(page: Path, packages: tuple[PackageCoverage, ...]) -> None:
    try:
        text = with_coverage(page.read_text(encoding="utf-8"), packages)
    except MarkersError as error:
        raise UsageError(f"{page}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{page}: cannot be read: {error}") from None
    write_report(page, text, "the page")


def component_command(options: argparse.Namespace) -> ExitStatus:
    """Say what keeps a component from linking."""
    try:
        report = check_component_file(options.file, wasi())
    except ComponentError as error:
        raise UsageError(f"{options.file}: {error}") from None
    _print(options, {"file": str(options.file), **report.data()}, component_text(str(options.file), report))
    return ExitStatus.OK if report.links else ExitStatus.RED


def wit_command(options: argparse.Namespace) -> ExitStatus:
    """Say how a copy of the WIT differs."""
    try:
        # A copy of one package may leave out those that it uses.
        report = check_wit(parse_folder(options.folder, packages=wasi()), wasi())
    except NoWasiError as error:
        raise UsageError(f"{options.folder}: {error}") from None
    except WitError as error:
        raise UsageError(str(error)) from None
    _print(options, {"folder": str(options.folder), **report.data()}, wit_text(str(options.folder), report))
    return ExitStatus.OK if report.same else ExitStatus.RED


def host_command(options: argparse.Namespace) -> ExitStatus:
    """Say which functions and types a host has."""
    host = find_host(options.host)
    for note in host.notes:
        complain(note)
    with open_session(host, Build(), NO_EXPECTATIONS) as session:
        surveys = survey_host(session)
    _print(options, surveys.data(), host_text(surveys))
    if surveys.lacking:
        return ExitStatus.RED
    return ExitStatus.HARNESS_ERROR if surveys.problems else ExitStatus.OK


def _print(options: argparse.Namespace, data: dict[str, object], text: Text) -> None:
    if options.json:
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        _print_text(text)


def _print_text(text: Text) -> None:
    """Print a text; lines are left to the terminal to break, so that what is piped elsewhere has its own."""
    Console(highlight=False).print(text, soft_wrap=True)
