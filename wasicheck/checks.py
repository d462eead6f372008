"""What is checked of a host besides vectors, under pytest: its surface interface by interface, and properties.

They have results as vectors have, and known failures in `expectations.toml`. They are not in results files, which hold
the vectors of a run and nothing else, so that runs can be compared whatever they were started with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wasicheck.check.interfaces import interface_ids, interface_results
from wasicheck.host.cache import find_cache
from wasicheck.host.host import Host
from wasicheck.judge.expectations import Expectations
from wasicheck.judge.model import Result
from wasicheck.resources import data_folder
from wasicheck.session import HostSession
from wasicheck.surface import WORLDS, probed_worlds, survey_host
from wasicheck.vectors.listing import PROPERTY, SURFACE
from wasicheck.vectors.model import Level
from wasicheck.vectors.requirements import requirement_ids
from wasicheck.wit import wasi


@dataclass(frozen=True)
class Check:
    """One check: its id, and what it is about."""

    id: str
    title: str
    interface: str
    requirements: tuple[str, ...] = ()


def is_check(id: str) -> bool:
    """Whether that is the id of a check, and of no vector."""
    return id.startswith((SURFACE, PROPERTY))


def surface_checks(host: Host) -> tuple[Check, ...]:
    """The checks of a host's surface: one for each interface of the worlds that it runs."""
    found = interface_ids(wasi(), probed_worlds(host).values())
    return tuple(
        Check(id, f"A guest of {world} can import all of {interface}", interface)
        for id, (world, interface) in found.items()
    )


def property_checks() -> tuple[Check, ...]:
    """The properties."""
    # Hypothesis takes a third of a second to import.
    from wasicheck.properties.catalogue import PROPERTIES

    return tuple(Check(id, p.title, p.interface, p.requirements) for id, p in PROPERTIES.items())


def expectable(vectors: Iterable[str], expectations: Iterable[Expectations]) -> Collection[str]:
    """The ids that an expectation may name: those of vectors, and of the checks that any host may have."""
    ids = [*vectors, *interface_ids(wasi(), WORLDS.values())]
    if any(entry.id.startswith(PROPERTY) for one in expectations for entry in one.entries):
        ids += [check.id for check in property_checks()]
    return ids


@dataclass
class HostChecks:
    """The checks of one host for the length of a run; `examples` and `seed` are those of properties."""

    session: HostSession
    examples: int
    seed: int

    def result(self, id: str) -> Result:
        """What comes of a check; the surface is surveyed once, when its first interface is asked for."""
        result = self._property(id) if id.startswith(PROPERTY) else self._surface[id]
        return self.session.expected(result)

    @cached_property
    def _surface(self) -> Mapping[str, Result]:
        return interface_results(survey_host(self.session, beyond=False), wasi(), self.session.spec)

    def _property(self, id: str) -> Result:
        from wasicheck.properties.catalogue import PROPERTIES
        from wasicheck.properties.search import examine

        with _tables_in(find_cache() / "hypothesis"):
            return examine(
                PROPERTIES[id],
                self.session.judged,
                self._levels,
                examples=self.examples,
                number=self.seed,
                command=f"wasicheck run --host {self.session.spec} --vectors DIR, with the vector in a file in DIR",
            )

    @cached_property
    def _levels(self) -> Mapping[str, Level]:
        return requirement_ids(data_folder("vectors") / "requirements")


@contextmanager
def _tables_in(folder: Path) -> Iterator[None]:
    """Have Hypothesis keep its tables of characters in a folder, and not in the one that the user happens to be in."""
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(folder)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)
