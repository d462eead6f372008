"""Which worlds of WASI 0.3.0 a component fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wasicheck.wit.types import Wit, World


@dataclass(frozen=True)
class Fit:
    """How a component stands to a world.

    `starts` says whether the world has exports, which a host calls; `beyond` are imports that the world does not have,
    `lacking` exports that it asks for.
    """

    world: str
    starts: bool
    beyond: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether a host of that world can run the component, if the types agree."""
        return not self.beyond and not self.lacking


def fits(wit: Wit, imports: Iterable[str], exports: Iterable[str]) -> tuple[Fit, ...]:
    """Return how imports and exports, interface ids at 0.3.0 or other names, stand to each world.

    A component fits if the world offers all that it imports and it exports all that the world asks for; more exports
    do no harm (Explainer.md, "Subtyping").
    """
    imported, exported = dict.fromkeys(imports), set(exports)
    found = []
    for world in _worlds(wit):
        offered = {item.name for item in world.imports}
        found.append(
            Fit(
                world.id,
                bool(world.exports),
                tuple(name for name in imported if name not in offered),
                tuple(item.name for item in world.exports if item.name not in exported),
            )
        )
    return tuple(found)


def closest(wit: Wit, found: Iterable[Fit]) -> tuple[str, ...]:
    """Return those of the worlds that fit which say most: with exports if there is one, and with the fewest imports."""
    worlds = [wit.world(fit.world) for fit in found if fit.fits]
    worlds = [w for w in worlds if w.exports] or worlds
    return tuple(w.id for w in worlds if not any(_narrower(other, w) for other in worlds))


def _narrower(a: World, b: World) -> bool:
    imports = {i.name for i in a.imports}, {i.name for i in b.imports}
    exports = {i.name for i in a.exports}, {i.name for i in b.exports}
    return (
        imports[0] <= imports[1] and exports[0] >= exports[1] and (imports[0] < imports[1] or exports[0] > exports[1])
    )


def _worlds(wit: Wit) -> list[World]:
    return [world for package in wit.packages.values() for world in package.worlds.values()]
