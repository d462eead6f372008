"""The survey of a host's surface: guests that only import, run on it."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from wasicheck.check.host import Attempt, HostSurvey, Item, survey
from wasicheck.guest.compiler import Build, compile_steps
from wasicheck.host.execute import execute
from wasicheck.host.host import Host
from wasicheck.judge.observation import observe
from wasicheck.judge.run import ExitReason, Run
from wasicheck.session import PROBE_DEADLINE, HostSession
from wasicheck.vectors.model import Lift, World
from wasicheck.vectors.surroundings import Environment
from wasicheck.wit import wasi
from wasicheck.wit.types import Function, Wit

WORLDS = {World.COMMAND: "wasi:cli/command@0.3.0", World.SERVICE: "wasi:http/service@0.3.0"}
"""The worlds that are probed, and what WIT calls them."""
_LIFTS = {
    World.COMMAND: (Lift.SYNC, Lift.CALLBACK, Lift.STACKFUL),
    World.SERVICE: (Lift.CALLBACK, Lift.STACKFUL),
}
"""How a guest of a world may be lifted, the plainest first."""
_WORDS_LIMIT = 2_000


def survey_host(session: HostSession, wit: Wit | None = None, *, beyond: bool = True) -> HostSurvey:
    """Probe every function and type of `wit`, WASI 0.3.0 unless given, on a host; `beyond` what its worlds have too."""
    began = monotonic()
    surveys, guests = [], 0
    for world, id in probed_worlds(session.host).items():
        lifts = _LIFTS[world]
        probe = _Probe(session, world, next((lift for lift in lifts if lift in session.host.lifts), lifts[0]))
        surveys.append(survey(wit or wasi(), id, probe, beyond=beyond))
        guests += probe.guests
    return HostSurvey(session.host.label, tuple(surveys), guests, monotonic() - began)


def probed_worlds(host: Host) -> dict[World, str]:
    """Return the worlds that can be probed on a host, and what WIT calls them."""
    return {world: id for world, id in WORLDS.items() if world.value in host.runner.worlds}


class _Probe:
    """Runs a guest of one world that imports some functions and types; `guests` counts them."""

    def __init__(self, session: HostSession, world: World, lift: Lift) -> None:
        self._session = session
        self._world = world
        self._lift = lift
        self.guests = 0

    def __call__(self, items: Sequence[Item]) -> Attempt:
        self.guests += 1
        guest = compile_steps((), wasi(), Build(self._lift), link=tuple(items), limits=False, world=self._world)
        run = execute(
            self._session.host,
            guest.wasm,
            Environment(features=self._features(items)),
            {},
            deadline_ns=PROBE_DEADLINE,
            layouts=guest.layouts,
            lift=self._lift,
            world=self._world,
            # No request will come: it is over when the host says that it serves.
            traps=True,
            preparer=self._session.preparer,
        )
        if run.failure is not None:
            return Attempt(False, run.failure)
        return Attempt(observe((), (), run).started or self._serves(run), _words(run))

    def _features(self, items: Sequence[Item]) -> tuple[str, ...]:
        """The unstable features that the items hang on, of those that the host can switch on."""
        functions = [item for item in items if isinstance(item, Function)]
        found = {f.stability.unstable or wasi().interface(f.interface).stability.unstable for f in functions}
        return tuple(sorted(feature for feature in found if feature in self._session.host.features))

    def _serves(self, run: Run) -> bool:
        serve = self._session.host.runner.serve
        if self._world is World.COMMAND or serve is None or run.exit.reason is ExitReason.EXITED:
            return False
        return serve.ready.search(run.stderr.decode("utf-8", "replace")) is not None


def _words(run: Run) -> str:
    """What the host said, the end of it; else how it ended."""
    said = run.stderr.decode("utf-8", "replace").strip() or run.stdout.decode("utf-8", "replace").strip()
    return said[-_WORDS_LIMIT:] or str(run.exit)
