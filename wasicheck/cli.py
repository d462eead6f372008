"""The `wasicheck` command: thin, everything it does is elsewhere."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from wasicheck import __version__
from wasicheck.batch import start_batch
from wasicheck.checks import expectable
from wasicheck.cli_check import add_check_commands
from wasicheck.cli_inputs import UsageError, complain, listing_of, report_problems, requirements_of
from wasicheck.cli_results import add_results_commands
from wasicheck.gate import read_baselines
from wasicheck.guest.compiler import Build, CompileError, compile_vector
from wasicheck.host.errors import HostError
from wasicheck.init_host import prove, write_runner
from wasicheck.judge.baseline import NO_BASELINE
from wasicheck.judge.expectations import NO_EXPECTATIONS, ExpectationsError, unmatched
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.status import ExitStatus, status_of
from wasicheck.outputs import OutputError, host_infos, open_results, provenance, run_header, write_report
from wasicheck.report.junit import junit_xml
from wasicheck.report.listing import citations, describe
from wasicheck.report.markdown import markdown_summary
from wasicheck.report.progress import progress
from wasicheck.report.reading import read_results
from wasicheck.report.results import Header, Results, ResultsError, ResultsWriter
from wasicheck.report.shards import Shard, parse_shard
from wasicheck.report.summary import plain_summary, summary
from wasicheck.report.text import headline, plural
from wasicheck.repro import ReproError, write_repro
from wasicheck.resources import data_folder
from wasicheck.session import expectations_of, find_host, open_session, select
from wasicheck.vectors.listing import Listed, Listing
from wasicheck.vectors.loader import read
from wasicheck.vectors.model import Lift, Lowering, Vector
from wasicheck.vectors.requirements import load_requirements
from wasicheck.vectors.source import VectorError, suggest
from wasicheck.wit import wasi


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
    command: Callable[[argparse.Namespace], ExitStatus] = options.command
    try:
        return command(options)
    except (UsageError, HostError, ExpectationsError, OutputError, ReproError, ResultsError, VectorError) as error:
        complain(str(error))
        return ExitStatus.USAGE_ERROR
    except KeyboardInterrupt:
        complain("interrupted")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; so nothing is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK


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
    run.set_defaults(command=_run)

    stored = commands.add_parser("report", help="show the summary of stored results, or render them")
    stored.add_argument("results", type=Path, metavar="RESULTS", help="a file that `run --json` wrote")
    _add_reports(stored)
    stored.set_defaults(command=_report)
    add_results_commands(commands)

    listing = commands.add_parser("list", help="list vectors, or the requirements they are about")
    _add_selection(listing)
    listing.add_argument(
        "--requirements", action="store_true", help="the requirements, with the vectors that cite them"
    )
    listing.set_defaults(command=_list)

    add_check_commands(commands)

    show = commands.add_parser("show", help="show a vector: its steps, or the guest it becomes")
    show.add_argument("id")
    show.add_argument("--wat", action="store_true", help="the guest as WebAssembly text")
    show.add_argument("--wasm", type=Path, metavar="FILE", help="write the guest as a component")
    show.add_argument("--vectors", type=Path, metavar="DIR", help="a folder of vectors of your own")
    _add_build(show)
    show.set_defaults(command=_show)

    repro = commands.add_parser("repro", help="run one vector, and write a folder to attach to a bug report")
    repro.add_argument("id")
    _add_host(repro, many=False)
    _add_build(repro)
    repro.add_argument("--out", type=Path, metavar="DIR", help="the folder to write (default: repro-ID)")
    repro.add_argument("--vectors", type=Path, metavar="DIR", help="a folder of vectors of your own")
    repro.set_defaults(command=_repro)

    init = commands.add_parser("init-host", help="write a runner.toml for a host of your own, and prove it")
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--name", help="what reports call the host (default: the folder's name)")
    init.add_argument("--binary", metavar="PROGRAM", help="its program, a path or a name in PATH; implies --check")
    init.add_argument(
        "--check", action="store_true", help="prove the runner with a few vectors; keep one that is there"
    )
    init.set_defaults(command=_init_host)
    return parser


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a Markdown summary")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="ids or globs; all vectors if none is given")
    parser.add_argument("-k", "--keyword", metavar="TEXT", help="only vectors with this text in id, title or interface")
    parser.add_argument("--package", metavar="NAME", help="only vectors of this WASI package: cli, clocks, random …")
    parser.add_argument("--vectors", type=Path, metavar="DIR", help="a folder of vectors of your own")


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


def _build(options: argparse.Namespace) -> Build:
    return Build(Lift(options.abi), Lowering(options.lower))


def _selected(options: argparse.Namespace, listing: Listing) -> tuple[Listed, ...]:
    for pattern in options.ids:
        if not any(c in pattern for c in "*?[") and pattern not in listing.vectors:
            raise _no_vector(pattern, listing)
    return select(listing, options.ids, options.keyword, options.package, getattr(options, "shard", None))


def _no_vector(id: str, listing: Listing) -> UsageError:
    return UsageError(f"there is no vector `{id}`; {suggest(id, listing.vectors) or 'see `wasicheck list`'}")


def _one(options: argparse.Namespace) -> Vector:
    """Read the vector that a command is about; raise `VectorError` if it is not valid."""
    listing = listing_of(options.vectors)
    listed = listing.vectors.get(options.id)
    if listed is None:
        report_problems(listing)
        raise _no_vector(options.id, listing)
    return read(listed, listing.names)


def _run(options: argparse.Namespace) -> ExitStatus:
    started = datetime.now(UTC)
    listing = listing_of(options.vectors)
    report_problems(listing)
    vectors = _selected(options, listing)
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
    build = _build(options)
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
        found = plural(len(problems), "expectation")
        complain(f"the run fails all the same: {found} of no vector, see above")
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


def _report(options: argparse.Namespace) -> ExitStatus:
    outcome = read_results(options.results)
    _present(options, outcome)
    if outcome.truncated:
        done, selected = len(outcome.results), outcome.header.selected
        complain(f"{options.results}: there is no footer: the run was stopped after {done} of {selected} results")
    return status_of(outcome.results, selected=outcome.header.selected)


def _writer(stack: ExitStack, path: Path | None, header: Header) -> ResultsWriter | None:
    return None if path is None else ResultsWriter(stack.enter_context(open_results(path)), header)


def _list(options: argparse.Namespace) -> ExitStatus:
    suite = listing_of(options.vectors)
    report_problems(suite)
    vectors = _selected(options, suite)
    if options.requirements:
        sys.stdout.write(citations(requirements_of(options.vectors).values(), vectors))
    else:
        for vector in vectors:
            sys.stdout.write(f"{vector.id:44} {vector.level.value:8} {vector.title}\n")
        sys.stdout.write(f"{len(vectors)} vectors\n")
    if not vectors:
        return ExitStatus.NOTHING_SELECTED
    return ExitStatus.USAGE_ERROR if suite.problems else ExitStatus.OK


def _show(options: argparse.Namespace) -> ExitStatus:
    vector = _one(options)
    try:
        guest = compile_vector(vector, wasi(), _build(options))
    except CompileError as error:
        raise UsageError(f"{vector.place}: {error}") from error
    if options.wasm is not None:
        write_report(options.wasm, guest.wasm, "the guest")
    elif options.wat:
        sys.stdout.write(guest.wat)
    else:
        sys.stdout.write(describe(vector))
    return ExitStatus.OK


def _repro(options: argparse.Namespace) -> ExitStatus:
    vector = _one(options)
    host = find_host(options.host)
    folder = options.out or Path(f"repro-{vector.id}")
    file = (options.vectors or data_folder("vectors")).absolute().parent / vector.place.file
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    with open_session(host, _build(options), expectations_of(host), options.vectors) as session:
        result = write_repro(folder, session, vector, file, catalogue)
    sys.stdout.write(f"{result.verdict} {vector.id} on {host.label}: {headline(result)}\n{folder}/README.md\n")
    return ExitStatus.HARNESS_ERROR if result.verdict is Verdict.ERROR else ExitStatus.OK


def _init_host(options: argparse.Namespace) -> ExitStatus:
    made = write_runner(options.folder, options.name, options.binary, again=options.check)
    for path in made:
        sys.stdout.write(f"wrote {path}\n")
    if not (options.check or options.binary):
        sys.stdout.write(
            f"fill in {options.folder}/runner.toml, then prove it: wasicheck init-host {options.folder} --check\n"
        )
        return ExitStatus.OK
    host = find_host(str(options.folder / "runner.toml"))
    sys.stdout.write(f"{host.label}: {host.binary}\n")
    proven = True
    for proof in prove(host):
        proven = proven and proof.holds
        sys.stdout.write(f"  {proof}\n")
    if not proven:
        sys.stdout.write("the runner is not proven: see above\n")
        return ExitStatus.RED
    sys.stdout.write(f"the runner works: wasicheck run --host {options.folder}/runner.toml\n")
    return ExitStatus.OK
