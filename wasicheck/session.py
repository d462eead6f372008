"""Running vectors on a host: compile, execute, judge, compare with what is expected of that host."""

from __future__ import annotations

import gc
import platform
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from wasicheck.guest.compiler import Build, CompileError, Guest, compile_steps, compile_vector
from wasicheck.guest.frames import Tag
from wasicheck.host.cache import find_cache
from wasicheck.host.execute import execute
from wasicheck.host.host import Host
from wasicheck.host.locate import load_runner
from wasicheck.host.prepare import Preparer
from wasicheck.judge.baseline import NO_BASELINE, Baseline, excuse
from wasicheck.judge.expectations import NO_EXPECTATIONS, Expectations, apply, parse_expectations
from wasicheck.judge.judge import errored, judge, skipped
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.run import ExitReason, Run
from wasicheck.report.shards import Shard
from wasicheck.report.text import repro_words
from wasicheck.resources import data_folder
from wasicheck.vectors.expectations import may_end
from wasicheck.vectors.listing import Listed, Listing, list_folder
from wasicheck.vectors.loader import Suite, load
from wasicheck.vectors.model import Call, Channel, Lift, Start, Vector, World
from wasicheck.vectors.requirements import requirement_ids
from wasicheck.vectors.staging import Harness
from wasicheck.vectors.surroundings import Environment
from wasicheck.wit import wasi
from wasicheck.wit.types import Function

PROBE_DEADLINE = 10_000_000_000


def list_vectors(folder: Path | None = None) -> Listing:
    """List the project's vectors, or those of another folder, against the project's requirements."""
    with _all_that_is_made_stays():
        known = requirement_ids(data_folder("vectors") / "requirements")
        own = folder / "requirements" if folder is not None else None
        if own is not None and own.is_dir():
            known = {**known, **requirement_ids(own)}
        return list_folder(folder or data_folder("vectors"), known)


def load_vectors(folder: Path | None = None) -> Suite:
    """Load the project's vectors, or those of another folder, in full."""
    listing = list_vectors(folder)
    with _all_that_is_made_stays():
        return load(listing)


@contextmanager
def _all_that_is_made_stays() -> Iterator[None]:
    """Spare the garbage collector the search for what can be freed: it takes a third of the time, and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        gc.freeze()


def select(
    listing: Listing, patterns: Sequence[str], keyword: str | None, package: str | None, shard: Shard | None = None
) -> tuple[Listed, ...]:
    """The vectors whose id one of the patterns names (all if there are none), in the order of the listing."""
    chosen = []
    for vector in listing.vectors.values():
        if patterns and not any(fnmatchcase(vector.id, p) for p in patterns):
            continue
        if keyword and keyword not in f"{vector.id} {vector.title} {vector.interface} {' '.join(vector.tags)}":
            continue
        if package and not vector.interface.startswith(f"wasi:{package}/"):
            continue
        if shard is not None and not shard.holds(vector.id):
            continue
        chosen.append(vector)
    return tuple(chosen)


def expectations_of(host: Host) -> Expectations:
    """Read the `expectations.toml` beside a host's runner.toml; raise `ExpectationsError`."""
    path = host.runner.folder / "expectations.toml"
    if not path.is_file():
        return NO_EXPECTATIONS
    return parse_expectations(path.read_text(encoding="utf-8"), str(path))


def find_host(spec: str) -> Host:
    """Find the host that `--host` names; raise `RunnerError` and its kin."""
    return load_runner(spec, runners=data_folder("runners"), cache=find_cache())


def platform_name() -> str:
    """The platform as results record it: `linux-x86_64`."""
    return f"{sys.platform}-{platform.machine()}"


@dataclass
class HostSession:
    """One host for the length of a run; `run` may be called from several threads at once."""

    host: Host
    build: Build
    expectations: Expectations = NO_EXPECTATIONS
    preparer: Preparer | None = None
    own: Path | None = None
    """The folder of the user's own vectors, for commands that repeat a result."""
    baseline: Baseline = NO_BASELINE
    _probes: dict[str, bool] = field(default_factory=dict)
    _probing: threading.Lock = field(default_factory=threading.Lock)

    def run(self, vector: Vector) -> Result:
        """Run one vector and judge it."""
        result = self.judged(vector)
        return self.expected(
            replace(result, command=repro_words(result, self.spec, str(self.own) if self.own is not None else None))
        )

    def judged(self, vector: Vector) -> Result:
        """Run one vector and judge it; what is expected of the host is left aside."""
        return self._judged(vector, self._build(vector))

    def expected(self, result: Result) -> Result:
        """Return the result as what is expected of the host, and the baseline, have it."""
        return excuse(self.baseline, apply(self.expectations, result, str(self.host.version)))

    def close(self) -> None:
        """End the helper process of this session, if one has been started."""
        if self.preparer is not None:
            self.preparer.close()

    @property
    def spec(self) -> str:
        """What to write after `--host` to get this host again."""
        if self.host.runner.folder.resolve().parent == data_folder("runners"):
            return self.host.label
        path = self.host.runner.file.absolute()
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def guest(self, vector: Vector) -> Guest:
        """Compile a vector as this session would; raise `CompileError`."""
        return compile_vector(vector, wasi(), self._build(vector))

    def times_out(self, id: str) -> bool:
        """Whether the host is known to let a vector wait until its limits have passed."""
        return any(Verdict.TIMEOUT in entry.verdicts for entry in self.expectations.naming(id))

    def lift(self, vector: Vector) -> Lift:
        """How the guest of a vector is lifted in this session."""
        return self._build(vector).lift

    def _build(self, vector: Vector) -> Build:
        """The build of a vector: another lift where the vector is about that."""
        lifts = vector.guest.lifts
        if vector.world is not World.COMMAND and self.build.lift is Lift.SYNC:
            # A handler goes on when it has returned its response.
            lifts = lifts or (Lift.CALLBACK, Lift.STACKFUL)
        return replace(self.build, lift=lifts[0]) if lifts and self.build.lift not in lifts else self.build

    def _judged(self, vector: Vector, build: Build) -> Result:
        label, flags = self.host.label, build.flags
        if vector.platforms and sys.platform not in vector.platforms:
            return skipped(vector, label, flags, f"the expectation holds on {', '.join(vector.platforms)} only")
        if lacking := self.host.lacks(vector.environment, build.lift, vector.world):
            return skipped(vector, label, flags, "; ".join(lacking))
        try:
            guest = compile_vector(vector, wasi(), build)
        except CompileError as error:
            return errored(vector, label, flags, str(error))
        steps = {i: s.action for i, s in enumerate(vector.steps) if isinstance(s.action, Harness)}
        runs = [
            self._execute(
                guest,
                vector.environment,
                steps,
                vector.deadline,
                build.lift,
                vector.guest.channel,
                vector.world,
                traps=any(map(may_end, vector.steps)),
            )
            for _ in range(vector.runs)
        ]
        first = runs[0]
        missing: tuple[str, ...] = ()
        staged = first.failure is None and first.unavailable is None and vector.guest.channel is not Channel.NONE
        if staged and first.exit.reason is ExitReason.EXITED and not _started(first):
            missing = self._missing(vector, build)
        return judge(
            vector,
            guest.layouts,
            runs,
            host=label,
            flags=flags,
            missing=missing,
            internal_errors=[_internal_error(run, self.host.runner.run.panic) for run in runs],
        )

    def _execute(
        self,
        guest: Guest,
        environment: Environment,
        steps: Mapping[int, Harness],
        deadline: int,
        lift: Lift,
        channel: Channel = Channel.STDERR,
        world: World = World.COMMAND,
        *,
        traps: bool = False,
    ) -> Run:
        return execute(
            self.host,
            guest.wasm,
            environment,
            steps,
            deadline_ns=deadline,
            layouts=guest.layouts,
            lift=lift,
            world=world,
            traps=traps,
            preparer=self.preparer,
            channel=channel,
        )

    def _missing(self, vector: Vector, build: Build) -> tuple[str, ...]:
        """The imports that the host lacks: a guest that only imports them does not start, though an empty one does."""
        if not self._links(None, build):
            return ()
        functions = {f.item: f for f in _functions(vector)}
        return tuple(item for item, function in functions.items() if not self._links(function, build))

    def _links(self, function: Function | None, build: Build) -> bool:
        key = f"{build.lift}:{function.item if function else ''}"
        with self._probing:
            if key not in self._probes:
                guest = compile_steps((), wasi(), build, link=(function,) if function else (), limits=False)
                run = self._execute(guest, Environment(), {}, PROBE_DEADLINE, build.lift)
                # A probe that hangs or crashes proves nothing.
                proved = run.failure is None and run.exit.reason is ExitReason.EXITED
                self._probes[key] = _started(run) or (function is not None and not proved)
            return self._probes[key]


def _functions(vector: Vector) -> Iterator[Function]:
    """Every function that a vector imports."""
    for step in vector.steps:
        action = step.action.action if isinstance(step.action, Start) else step.action
        if isinstance(action, Call):
            yield action.function
    for id in vector.imports:
        yield from wasi().interface(id).functions.values()


def _started(run: Run) -> bool:
    return any(frame.tag is Tag.HELLO for frame in run.frames)


def _internal_error(run: Run, panic: re.Pattern[str] | None) -> str | None:
    """The line in which the host says that it failed by itself, as its runner defines it."""
    if panic is None:
        return None
    lines = run.stderr.decode("utf-8", "replace").splitlines()
    return next((line.strip()[:300] for line in lines if panic.search(line)), None)


@contextmanager
def open_session(
    host: Host,
    build: Build,
    expectations: Expectations,
    own: Path | None = None,
    baseline: Baseline = NO_BASELINE,
) -> Iterator[HostSession]:
    """A session whose helper processes end with it; `own` is the folder of the user's own vectors."""
    preparer = Preparer(host) if host.runner.prepare is not None else None
    session = HostSession(host, build, expectations, preparer, own, baseline)
    try:
        yield session
    finally:
        session.close()
