"""Packages to resolved packages (WIT.md, "Name resolution")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wasicheck.wit.definitions import Definitions
from wasicheck.wit.expressions import Measures
from wasicheck.wit.graph import in_order
from wasicheck.wit.packages import Aliases, PackageSyntax, PathLookup, UniqueNames, item_id
from wasicheck.wit.syntax import (
    Direction,
    ExternItem,
    FunctionItem,
    IncludeItem,
    InterfaceItem,
    Path,
    ResourceItem,
    UseItem,
    WorldItem,
)
from wasicheck.wit.types import Function, Interface, Package, Position, Wit, World
from wasicheck.wit.worlds import WorldBuilder


@dataclass(frozen=True)
class _Place:
    """Where an item stands, which is where its names are looked up."""

    package: PackageSyntax
    aliases: Aliases


def resolve(packages: Mapping[str, PackageSyntax], known: Wit) -> Wit:
    """Return `packages` resolved, together with those of `known`, which they may refer to. Raises WitError."""
    return _Resolver(packages, known).resolve()


class _Resolver:
    def __init__(self, packages: Mapping[str, PackageSyntax], known: Wit) -> None:
        self._packages = packages
        self._known = known
        self._lookup = PathLookup(packages, known)
        self._measures = Measures()
        self._interface_items: dict[str, tuple[InterfaceItem, _Place]] = {}
        self._world_items: dict[str, tuple[WorldItem, _Place]] = {}
        self._interfaces: dict[str, Interface] = {}
        self._worlds: dict[str, World] = {}
        for package in known.packages.values():
            self._interfaces.update((i.id, i) for i in package.interfaces.values())
            self._worlds.update((w.id, w) for w in package.worlds.values())

    def resolve(self) -> Wit:
        for package in self._packages.values():
            self._enter(package)
        self._resolve_interfaces()
        self._resolve_worlds()
        resolved = {id: self._package(id, package) for id, package in self._packages.items()}
        return Wit(MappingProxyType({**self._known.packages, **resolved}))

    def _enter(self, package: PackageSyntax) -> None:
        for aliases in package.aliases:
            for path in aliases.values():
                self._lookup.check(path, package)
        for name, declared in package.items.items():
            place = _Place(package, declared.aliases)
            id = item_id(package.header.id, name)
            if isinstance(declared.item, InterfaceItem):
                self._interface_items[id] = declared.item, place
                continue
            self._world_items[id] = declared.item, place
            for item in declared.item.items:
                if isinstance(item, ExternItem) and isinstance(item.target, InterfaceItem):
                    inline_id = _inline_id(package, declared.item, item.direction, item.target)
                    self._interface_items[inline_id] = item.target, place

    def _resolve_interfaces(self) -> None:
        references: dict[str, dict[str, Position]] = {}
        for id, (item, place) in self._interface_items.items():
            uses = (i for i in item.items if isinstance(i, UseItem))
            used = {self._interface_id(u.path, place): u.path.name.position for u in uses}
            references[id] = {i: position for i, position in used.items() if i in self._interface_items}
        for id in in_order(references, "interfaces"):
            self._interfaces[id] = self._interface(id, *self._interface_items[id])

    def _interface(self, id: str, item: InterfaceItem, place: _Place) -> Interface:
        unique = UniqueNames()
        definitions = Definitions(
            id,
            (i for i in item.items if not isinstance(i, FunctionItem)),
            lambda use: self._interfaces[self._interface_id(use.path, place)],
            unique,
            self._measures,
        )
        functions: dict[str, Function] = {}
        for member in item.items:
            if isinstance(member, FunctionItem):
                unique.claim(member.name.text, member.name.position)
                functions[member.name.text] = definitions.function(member)
            elif isinstance(member, ResourceItem):
                functions.update((f.local_name, f) for f in definitions.resource_functions(member))
        return Interface(
            id,
            MappingProxyType(definitions.types),
            MappingProxyType(functions),
            item.stability,
            item.name.position,
        )

    def _resolve_worlds(self) -> None:
        references: dict[str, dict[str, Position]] = {}
        for id, (world, place) in self._world_items.items():
            includes = (i for i in world.items if isinstance(i, IncludeItem))
            included = {self._world_id(i.path, place): i.path.name.position for i in includes}
            references[id] = {i: position for i, position in included.items() if i in self._world_items}
        for id in in_order(references, "worlds"):
            self._worlds[id] = self._world(id, *self._world_items[id])

    def _world(self, id: str, item: WorldItem, place: _Place) -> World:
        return WorldBuilder(
            id,
            item,
            self._interfaces,
            self._worlds,
            lambda path: self._interface_id(path, place),
            lambda path: self._world_id(path, place),
            lambda direction, interface: _inline_id(place.package, item, direction, interface),
            self._measures,
        ).build()

    def _package(self, id: str, package: PackageSyntax) -> Package:
        own = [self._interfaces[i] for i, (_, place) in self._interface_items.items() if place.package is package]
        interfaces = MappingProxyType({i.name: i for i in own})
        own_worlds = {
            n: self._worlds[item_id(id, n)] for n, d in package.items.items() if isinstance(d.item, WorldItem)
        }
        return Package(package.header.name, package.header.version, interfaces, MappingProxyType(own_worlds))

    def _interface_id(self, path: Path, place: _Place) -> str:
        return self._lookup.interface(path, place.package, place.aliases)

    def _world_id(self, path: Path, place: _Place) -> str:
        return self._lookup.world(path, place.package, place.aliases)


def _inline_id(package: PackageSyntax, world: WorldItem, direction: Direction, interface: InterfaceItem) -> str:
    """Return the id of an interface that stands in a world.

    The component model gives it none. The dots keep it apart from every name that WIT can declare.
    """
    return item_id(package.header.id, f"{world.name.text}.{direction.value}.{interface.name.text}")
