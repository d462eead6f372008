"""The `wasicheck` command line: what it takes. What it does is in `wasicheck.commands`.

A command's module is imported when it is its turn: most of a short command's time goes into importing.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from wasicheck import __version__
from wasicheck.errors import InputError, complain
from wasicheck.judge.status import ExitStatus
from wasicheck.report.shards import Shard, parse_shard
from wasicheck.vectors.model import Lift, Lowering


class _Parser(argparse.ArgumentParser):
    """Ends with the exit status that stands for wrong usage here."""

    def error(self, message: str) -> NoReturn:
        """Complain, in one line behind the usage."""
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE_ERROR, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status (`ExitStatus`)."""
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        # A run that is told to end cleans up after itself, as one that is interrupted does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _command(options.command)(options)
    except InputError as error:
        complain(str(error))
        return ExitStatus.USAGE_ERROR
    except KeyboardInterrupt:
        complain("interrupted")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; so nothing is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK


def _command(name: str) -> Callable[[argparse.Namespace], ExitStatus]:
    """The function of `wasicheck.commands` that a name such as `check.wit_command` stands for."""
    module, _, function = name.partition(".")
    command: Callable[[argparse.Namespace], ExitStatus] = getattr(
        import_module(f"wasicheck.commands.{module}"), function
    )
    return command


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="wasicheck",
        description="A conformance suite for hosts of WASI 0.3.0.",
        epilog="Exit status: 0 all as expected, 1 red results, 2 interrupted, 3 a defect of wasicheck,"
        " 4 wrong usage or unusable input, 5 nothing selected, 10 the harness could not set a scene.",
    )
    parser.add_argument("--version", action="version", version=f"wasicheck {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run vectors on hosts")
    _add_selection(run)
    _add_host(run, many=True)
    _add_build(run)
    run.add_argument(
        "-n", "--jobs", type=_positive, default=os.cpu_count() or 1, help="vectors at once (default: cores)"
    )
    run.add_argument("--json", type=Path, metavar="FILE", help="write results as JSON lines")
    _add_reports(run)
    run.add_argument("--random-order", type=int, metavar="SEED", help="in a random order that the seed fixes")
    run.add_argument("--no-expectations", action="store_true", help="leave the hosts' expectations.toml aside")
    run.add_argument("--shard", type=_shard, metavar="N/M", help="only the Nth of M parts, which a vector's id decides")
    run.add_argument(
        "--baseline", type=Path, metavar="RESULTS", help="fail only on what got worse since this run of the same host"
    )
    run.set_defaults(command="run.run_command")

    stored = commands.add_parser("report", help="show the summary of stored results, or render them")
    stored.add_argument("results", type=Path, metavar="RESULTS", help="a file that `run --json` wrote")
    _add_reports(stored)
    stored.set_defaults(command="run.report_command")
    _add_results_commands(commands)

    listing = commands.add_parser("list", help="list vectors, or the requirements they are about")
    _add_selection(listing)
    listing.add_argument(
        "--requirements", action="store_true", help="the requirements, with the vectors that cite them"
    )
    listing.set_defaults(command="vectors.list_command")

    _add_check_commands(commands)

    show = commands.add_parser("show", help="show a vector: its steps, or the guest it becomes")
    show.add_argument("id")
    show.add_argument("--wat", action="store_true", help="the guest as WebAssembly text")
    show.add_argument("--wasm", type=Path, metavar="FILE", help="write the guest as a component")
    _add_own_vectors(show)
    _add_build(show)
    show.set_defaults(command="vectors.show_command")

    repro = commands.add_parser("repro", help="run one vector, and write a folder to attach to a bug report")
    repro.add_argument("id")
    _add_host(repro, many=False)
    _add_build(repro)
    repro.add_argument("--out", type=Path, metavar="DIR", help="the folder to write (default: repro-ID)")
    _add_own_vectors(repro)
    repro.set_defaults(command="vectors.repro_command")

    init = commands.add_parser("init-host", help="write a runner.toml for a host of your own, and prove it")
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--name", help="what reports call the host (default: the folder's name)")
    init.add_argument("--binary", metavar="PROGRAM", help="its program, a path or a name in PATH; implies --check")
    init.add_argument(
        "--check", action="store_true", help="prove the runner with a few vectors; keep one that is there"
    )
    init.set_defaults(command="hosts.init_host_command")
    return parser


def _add_results_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """The commands that work on stored results."""
    joined = commands.add_parser(
        "merge",
        help="join the shards of a run into one file of results",
        epilog="Exit status: 0, or 4 for files that are not all the shards of one run.",
    )
    joined.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="what `run --shard N/M --json` wrote")
    joined.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
    joined.set_defaults(command="stored.merge_command")

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
    diff.set_defaults(command="stored.diff_command")

    matrix = commands.add_parser(
        "matrix",
        help="write the results of several hosts side by side, as a static site",
        epilog="Exit status: 0, or 4 for files that cannot stand side by side and for a folder that is something else.",
    )
    matrix.add_argument("results", type=Path, nargs="+", metavar="RESULTS", help="what `run --json` wrote")
    matrix.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    matrix.add_argument("--vectors", type=Path, metavar="DIR", help="your own vectors, for their requirements")
    matrix.set_defaults(command="stored.matrix_command")


def _add_check_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """The commands of the spec-checker."""
    check = commands.add_parser("check", help="check vectors, components, copies of the WIT, the surface of a host")
    checks = check.add_subparsers(title="checks", required=True, metavar="CHECK")

    checked = checks.add_parser(
        "vectors",
        help="names that nothing uses, operations that nobody waits for, requirements that are misgraded",
        epilog="Exit status: 0 nothing found, 1 something found, 4 vectors or requirements that do not load,"
        " or results that cannot be used.",
    )
    _add_own_vectors(checked)
    checked.add_argument(
        "--vacuity",
        type=Path,
        metavar="RESULTS",
        help="what `run --json` recorded: say which expectations would accept other answers than those as well",
    )
    checked.add_argument("--json", action="store_true", help="as JSON, with every finding")
    checked.set_defaults(command="check.vectors_command")

    covered = checks.add_parser(
        "coverage",
        help="functions, error cases and requirements with and without vectors",
        epilog="Exit status: 0, 1 when there is an error case with neither a vector nor a reason (not with --vectors),"
        " 4 when there are vectors or requirements that do not load.",
    )
    _add_own_vectors(covered)
    covered.add_argument("--json", action="store_true", help="as JSON, with the ids of the vectors")
    covered.add_argument("--markdown", type=Path, metavar="FILE", help="write Markdown as well")
    covered.add_argument(
        "--update", type=Path, metavar="FILE", help="write the table between its markers in a page of Markdown as well"
    )
    covered.set_defaults(command="check.coverage_command")

    component = checks.add_parser(
        "component",
        help="what keeps a component from linking on a host of WASI 0.3.0, and which world it fits",
        epilog="Exit status: 0 nothing keeps it from linking, 1 something does, 4 the file is no component.",
    )
    component.add_argument("file", type=Path, metavar="FILE", help="a component binary, whoever built it")
    component.add_argument("--json", action="store_true", help="as JSON, with every import and world")
    component.set_defaults(command="check.component_command")

    wit = checks.add_parser(
        "wit",
        help="how a copy of WASI's WIT differs from 0.3.0",
        epilog="Exit status: 0 the same (but for versions in gates), 1 it differs, 4 there is no WIT of WASI,"
        " or WIT that does not parse.",
    )
    wit.add_argument("folder", type=Path, metavar="DIR", help="a folder of .wit files, packages or `deps`; or one file")
    wit.add_argument("--json", action="store_true", help="as JSON, with every difference")
    wit.set_defaults(command="check.wit_command")

    host = checks.add_parser(
        "host",
        help="which functions and types of WASI 0.3.0 a host has, by guests that only import them",
        epilog="Exit status: 0 nothing stable is missing, 1 something is, 4 there is no such host,"
        " 10 not even a guest that imports nothing starts.",
    )
    host.add_argument(
        "--host", default="wasmtime", metavar="HOST", help="wasmtime (default), wasmtime@48, jco, or a runner.toml"
    )
    host.add_argument("--json", action="store_true", help="as JSON, with every function and type")
    host.set_defaults(command="check.host_command")


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a Markdown summary")


def _add_own_vectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vectors", type=Path, metavar="DIR", help="a folder of vectors of your own")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="ids or globs; all vectors if none is given")
    parser.add_argument("-k", "--keyword", metavar="TEXT", help="only vectors with this text in id, title or interface")
    parser.add_argument("--package", metavar="NAME", help="only vectors of this WASI package: cli, clocks, random …")
    _add_own_vectors(parser)


def _add_host(parser: argparse.ArgumentParser, *, many: bool) -> None:
    parser.add_argument(
        "--host",
        required=True,
        action="append" if many else "store",
        metavar="HOST",
        help="wasmtime, wasmtime@48, jco, or the path of a runner.toml" + ("; may be repeated" if many else ""),
    )


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--abi", choices=[v.value for v in Lift], default=Lift.SYNC.value, help="how guests are lifted")
    parser.add_argument(
        "--lower", choices=[v.value for v in Lowering], default=Lowering.ASYNC.value, help="how async calls are lowered"
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _shard(text: str) -> Shard:
    try:
        return parse_shard(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
