"""A `Host`: a runner with its program found, and the command line that runs one guest on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasicheck.host.runner import Option, Runner, Trust
from wasicheck.host.version import Version
from wasicheck.vectors.model import Lift, World
from wasicheck.vectors.surroundings import Environment


@dataclass(frozen=True)
class Host:
    """A host that is ready to run guests.

    `origin` says where the program came from (`WASMTIME`, `PATH`, `package`), `notes` what was passed over on the
    way to it, in words.
    """

    runner: Runner
    binary: Path
    version: Version
    origin: str
    install: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The host's name in reports: `wasmtime@49.0.3`."""
        return f"{self.runner.name}@{self.version}"

    @property
    def lifts(self) -> frozenset[Lift]:
        """The forms of `canon lift` that the host accepts."""
        return frozenset(lift for lift, option in self.runner.lifts if self._has(option))

    @property
    def features(self) -> frozenset[str]:
        """The unstable WIT features that can be switched on."""
        return frozenset(name for name, option in self.runner.features if self._has(option))

    def lacks(self, environment: Environment, lift: Lift, world: World = World.COMMAND) -> tuple[str, ...]:
        """Return what the host cannot do of what the environment and the lift ask for, as reasons to skip."""
        runner = self.runner
        asked = (
            (world.value not in runner.worlds, f"the world {world.value}"),
            (lift not in self.lifts, f"guests with the {lift.value} lift"),
            (bool(environment.args) and "args" not in runner.run.argv.placeholders, "command line arguments"),
            (bool(environment.env) and not self._has(runner.env), "environment variables"),
            (bool(environment.preopens) and not self._has(runner.directory), "preopened directories"),
            (environment.cwd is not None and not self._has(runner.cwd), "an initial working directory"),
            (environment.network and not self._has(runner.network), "granting the network"),
            (environment.trust and not self._has(runner.trust), "trusting an authority that it is told of"),
        )
        reasons = [f"{self.label} does not offer {what}" for missing, what in asked if missing]
        reasons += [
            f"{self.label} does not offer the unstable feature {name}"
            for name in environment.features
            if name not in self.features
        ]
        return tuple(reasons)

    def command(
        self,
        subject: Path,
        environment: Environment,
        lift: Lift,
        *,
        directories: Sequence[tuple[Path, str]] = (),
        nonce: bytes | None = None,
        world: World = World.COMMAND,
        authority: Path | None = None,
    ) -> tuple[str, ...]:
        """Return the command line for a component file (or, with a `[prepare]`, the prepared folder).

        `directories` are (folder on this machine, name in the guest), `authority` is whom the host is to trust. What
        the host lacks is left out; see `lacks`.
        """
        values = self._values
        values |= {"component": str(subject), "prepared": str(subject), "nonce": nonce.hex() if nonce else ""}
        serve = None if world is World.COMMAND else self.runner.serve
        argv = self.runner.run.argv if serve is None else serve.argv
        options = self._options(environment, lift, directories)
        if serve is not None and not environment.shared:
            options += serve.fresh.expand(self._values)
        if environment.trust and authority is not None and self.runner.trust is not None:
            options += self.runner.trust.argv.expand(self._values | {"authority": str(authority)})
        return argv.expand(values, {"options": options, "args": environment.args})

    def trusting(self, authority: Path) -> dict[str, str]:
        """Return the variables of its process that tell the host to trust an authority."""
        values = self._values | {"authority": str(authority)}
        variables = self.runner.trust.environment if self.runner.trust is not None else ()
        return {name: template.expand(values)[0] for name, template in variables}

    def helper_command(self) -> tuple[str, ...] | None:
        """Return the command line of the `[prepare]` helper, or None for a host that has none."""
        return self.runner.prepare.argv.expand(self._values) if self.runner.prepare else None

    @property
    def _values(self) -> dict[str, str]:
        return {"binary": str(self.binary), "folder": str(self.runner.folder), "install": str(self.install)}

    def _has(self, option: Option | Trust | None) -> bool:
        return option is not None and (option.minimum is None or option.minimum <= self.version)

    def _options(self, environment: Environment, lift: Lift, directories: Sequence[tuple[Path, str]]) -> list[str]:
        runner, argv = self.runner, list[str]()

        def add(option: Option | None, **values: str) -> None:
            if option is not None and self._has(option):
                argv.extend(option.argv.expand(self._values | values))

        add(dict(runner.lifts).get(lift))
        for feature in environment.features:
            add(dict(runner.features).get(feature))
        for name, value in environment.env:
            add(runner.env, name=name, value=value)
        for folder, guest in directories:
            add(runner.directory, host=str(folder), guest=guest)
        if environment.cwd is not None:
            add(runner.cwd, cwd=environment.cwd)
        if environment.network:
            add(runner.network)
        return argv
