"""Worlds, with their includes and the interfaces that their items need (WIT.md, "WIT Worlds")."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from wasicheck.wit.definitions import Definitions
from wasicheck.wit.errors import WitError, quote, suggest
from wasicheck.wit.expressions import Measures
from wasicheck.wit.packages import UniqueNames
from wasicheck.wit.syntax import (
    Direction,
    ExternItem,
    FunctionItem,
    IncludeItem,
    InterfaceItem,
    Path,
    ResourceItem,
    UseItem,
)
from wasicheck.wit.syntax import WorldItem as WorldSyntax
from wasicheck.wit.types import Interface, Stability, World, WorldItem


class WorldBuilder:
    """Builds the world `id` from its declaration.

    `interfaces` and `worlds` are the resolved ones by id; `interface_id` and `world_id` say what a path means in the
    world's file, `inline_id` is the id of an interface that stands in the world.
    """

    def __init__(
        self,
        id: str,
        item: WorldSyntax,
        interfaces: Mapping[str, Interface],
        worlds: Mapping[str, World],
        interface_id: Callable[[Path], str],
        world_id: Callable[[Path], str],
        inline_id: Callable[[Direction, InterfaceItem], str],
        measures: Measures,
    ) -> None:
        self._id = id
        self._item = item
        self._interfaces = interfaces
        self._worlds = worlds
        self._interface_id = interface_id
        self._world_id = world_id
        self._inline_id = inline_id
        self._measures = measures
        self._items: dict[Direction, dict[str, WorldItem]] = {d: {} for d in Direction}
        self._unique = {d: UniqueNames() for d in Direction}

    def build(self) -> World:
        """Return the world. Raises WitError."""
        scoped = [i for i in self._item.items if not isinstance(i, ExternItem | IncludeItem)]
        definitions = Definitions(
            self._id,
            scoped,
            lambda use: self._interfaces[self._interface_id(use.path)],
            self._unique[Direction.IMPORT],
            self._measures,
        )
        for item in self._item.items:
            match item:
                case UseItem():
                    id = self._interface_id(item.path)
                    self._merge(Direction.IMPORT, WorldItem(id, id, item.stability))
                case ExternItem():
                    self._extern(item, definitions)
                case IncludeItem():
                    self._include(item)
                case ResourceItem():
                    for function in definitions.resource_functions(item):
                        self._merge(Direction.IMPORT, WorldItem(function.import_name, function, function.stability))
                case _:
                    pass  # other types of a world are seen in its functions
        exports = tuple(self._items[Direction.EXPORT].values())
        return World(self._id, self._complete_imports(), exports, self._item.stability, self._item.name.position)

    def _extern(self, item: ExternItem, definitions: Definitions) -> None:
        unique = self._unique[item.direction]
        if item.name is not None:
            unique.claim(item.name.text, item.name.position)
        match item.target:
            case Path() as path:
                id = self._interface_id(path)
                if item.name is None:
                    unique.claim(id, path.name.position)
                self._merge(item.direction, WorldItem(item.name.text if item.name else id, id, item.stability))
            case FunctionItem() as syntax:
                function = definitions.function(syntax)
                self._merge(item.direction, WorldItem(function.name, function, item.stability))
            case InterfaceItem() as syntax:
                id = self._inline_id(item.direction, syntax)
                self._merge(item.direction, WorldItem(syntax.name.text, id, item.stability))
            case _:
                assert_never(item.target)

    def _include(self, item: IncludeItem) -> None:
        included = self._worlds[self._world_id(item.path)]
        given = {Direction.IMPORT: included.imports, Direction.EXPORT: included.exports}
        plain = {i.name for items in given.values() for i in items if _is_plain(i)}
        renames: dict[str, str] = {}
        unique = UniqueNames()
        for renamed in item.renames:
            name = renamed.name
            unique.claim(name.text, name.position)
            if name.text not in plain:
                message = f"expected a plain name of {quote(included.id)}, found {quote(name.text)}"
                hint = suggest(name.text, plain) or "interfaces keep their names"
                raise WitError.at(name.position, message, hint)
            renames[name.text] = renamed.alias.text
        for direction, items in given.items():
            for world_item in items:
                stability = _combined(item.stability, world_item.stability)
                name_now = renames.get(world_item.name, world_item.name)
                if _is_plain(world_item):
                    self._unique[direction].claim(name_now, item.path.name.position)
                self._merge(direction, replace(world_item, name=name_now, stability=stability))

    def _merge(self, direction: Direction, item: WorldItem) -> None:
        """Enter an item; where it is there already, the weaker of the two gates holds."""
        items = self._items[direction]
        known = items.setdefault(item.name, item)
        if _strength(item.stability) < _strength(known.stability):
            items[item.name] = item

    def _complete_imports(self) -> tuple[WorldItem, ...]:
        """Return the imports, each after the interfaces it uses, and then what the exports use.

        An interface that an exported one uses is imported unless the world exports it as well.
        """
        given = self._items[Direction.IMPORT]
        exported = self._items[Direction.EXPORT]
        needed = _NeededImports(self._interfaces, given)
        for item in given.values():
            needed.add_used(item)
            needed.add(item)
        for item in exported.values():
            needed.add_used(item, exported)
        return tuple(needed.imports.values())


class _NeededImports:
    """The imports of a world, as they are found to be needed; `given` are those that it names."""

    def __init__(self, interfaces: Mapping[str, Interface], given: Mapping[str, WorldItem]) -> None:
        self._interfaces = interfaces
        self._given = given
        self.imports: dict[str, WorldItem] = {}
        # What was walked through already, by the one thing that makes a difference to the outcome.
        self._seen: dict[str | None, set[str]] = {}

    def add(self, item: WorldItem) -> None:
        """Enter an import; where it is there already, the weaker of the two gates holds."""
        known = self.imports.setdefault(item.name, item)
        if _strength(item.stability) < _strength(known.stability):
            self.imports[item.name] = item

    def add_used(self, item: WorldItem, exported: Container[str] = ()) -> None:
        """Add the interfaces that `item` uses, directly or not, the most basic first.

        Those `exported` are left out where the item uses them directly; an import, however, can use imports only.
        """
        if not isinstance(item.target, str):
            return
        unstable = item.stability.unstable
        seen = self._seen.setdefault(unstable, set())
        # No recursion: a chain of uses may be longer than Python's stack is deep.
        pending: list[tuple[str, Iterator[str]]] = [
            (item.target, (u for u in self._used(item.target) if u not in exported))
        ]
        while pending:
            id, used = pending[-1]
            following = next((u for u in used if u not in seen), None)
            if following is not None:
                seen.add(following)
                pending.append((following, self._used(following)))
                continue
            pending.pop()
            if pending:
                stability = self._interfaces[id].stability if unstable is None else item.stability
                self.add(self._given.get(id) or WorldItem(id, id, stability))

    def _used(self, id: str) -> Iterator[str]:
        return (t.used_from for t in self._interfaces[id].types.values() if t.used_from is not None)


def _is_plain(item: WorldItem) -> bool:
    return item.name != item.target


def _strength(stability: Stability) -> int:
    """Return how much a gate holds back."""
    if stability.unstable is not None:
        return 2
    return 0 if stability.since is None else 1


def _combined(outer: Stability, inner: Stability) -> Stability:
    """Return the gate of an item within a gated one."""
    return outer if _strength(outer) > _strength(inner) else inner
