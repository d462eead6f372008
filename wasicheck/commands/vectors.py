"""The commands about vectors: `list`, `show`, `repro`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wasicheck.commands.inputs import UsageError, build_of, listing_of, one, report_problems, requirements_of, selected
from wasicheck.guest.compiler import CompileError, compile_vector
from wasicheck.judge.model import Verdict
from wasicheck.judge.status import ExitStatus
from wasicheck.outputs import write_report
from wasicheck.report.listing import citations, describe
from wasicheck.report.text import headline
from wasicheck.repro import write_repro
from wasicheck.resources import data_folder
from wasicheck.session import expectations_of, find_host, open_session
from wasicheck.vectors.requirements import load_requirements
from wasicheck.wit import wasi


def list_command(options: argparse.Namespace) -> ExitStatus:
    """List vectors or requirements."""
    suite = listing_of(options.vectors)
    report_problems(suite)
    vectors = selected(options, suite)
    if options.requirements:
        sys.stdout.write(citations(requirements_of(options.vectors).values(), vectors))
    else:
        for vector in vectors:
            sys.stdout.write(f"{vector.id:44} {vector.level.value:8} {vector.title}\n")
        sys.stdout.write(f"{len(vectors)} vectors\n")
    if not vectors:
        return ExitStatus.NOTHING_SELECTED
    return ExitStatus.USAGE_ERROR if suite.problems else ExitStatus.OK


def show_command(options: argparse.Namespace) -> ExitStatus:
    """Show a vector."""
    vector = one(options)
    try:
        guest = compile_vector(vector, wasi(), build_of(options))
    except CompileError as error:
        raise UsageError(f"{vector.place}: {error}") from error
    if options.wasm is not None:
        write_report(options.wasm, guest.wasm, "the guest")
    elif options.wat:
        sys.stdout.write(guest.wat)
    else:
        sys.stdout.write(describe(vector))
    return ExitStatus.OK


def repro_command(options: argparse.Namespace) -> ExitStatus:
    """Run one vector, and write a folder about it."""
    vector = one(options)
    host = find_host(options.host)
    folder = options.out or Path(f"repro-{vector.id}")
    file = (options.vectors or data_folder("vectors")).absolute().parent / vector.place.file
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    with open_session(host, build_of(options), expectations_of(host), options.vectors) as session:
        result = write_repro(folder, session, vector, file, catalogue)
    sys.stdout.write(f"{result.verdict} {vector.id} on {host.label}: {headline(result)}\n{folder}/README.md\n")
    return ExitStatus.HARNESS_ERROR if result.verdict is Verdict.ERROR else ExitStatus.OK
