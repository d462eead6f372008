"""The syntax tree of WIT: what a text says, before any name is looked up (WIT.md, "Lexical structure" and after).

The nodes are named tuples, which Python defines ten times as fast as data classes: reading WASI's declarations is part
of every start. Compare trees by `contents`, not by `==`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from wasicheck.wit.types import FunctionKind, Position, PrimitiveType, Stability


class Name(NamedTuple):
    """An identifier, without the `%` it may have been written with."""

    text: str
    position: Position


class Path(NamedTuple):
    """`use-path`: `name`, or `namespace:package/name@version` with `package` the id `namespace:package@version`."""

    package: str | None
    name: Name


class Constructor(StrEnum):
    """A built-in type that takes types as arguments."""

    LIST = "list"
    OPTION = "option"
    RESULT = "result"
    TUPLE = "tuple"
    STREAM = "stream"
    FUTURE = "future"


class AppliedType(NamedTuple):
    """`constructor<argument, …>`: one argument, or None for none, but two for `result` and any for `tuple`."""

    constructor: Constructor
    arguments: tuple[TypeExpression | None, ...]
    length: int | None
    """`N` of `list<T, N>`."""
    position: Position


class HandleKind(StrEnum):
    """How a written-out handle type holds its resource."""

    OWN = "own"
    BORROW = "borrow"


class HandleExpression(NamedTuple):
    """`own<resource>` or `borrow<resource>`."""

    kind: HandleKind
    resource: Name


TypeExpression = PrimitiveType | Name | AppliedType | HandleExpression
"""`ty`."""


class FieldItem(NamedTuple):
    """A parameter or a record field."""

    name: Name
    type: TypeExpression


class CaseItem(NamedTuple):
    """A variant case."""

    name: Name
    type: TypeExpression | None


class AliasItem(NamedTuple):
    """`type name = target;`."""

    name: Name
    target: TypeExpression
    stability: Stability


class RecordItem(NamedTuple):
    """`record name { field: type, … }`."""

    name: Name
    fields: tuple[FieldItem, ...]
    stability: Stability


class VariantItem(NamedTuple):
    """`variant name { case(type), … }`."""

    name: Name
    cases: tuple[CaseItem, ...]
    stability: Stability


class EnumItem(NamedTuple):
    """`enum name { label, … }`."""

    name: Name
    labels: tuple[Name, ...]
    stability: Stability


class FlagsItem(NamedTuple):
    """`flags name { label, … }`."""

    name: Name
    labels: tuple[Name, ...]
    stability: Stability


class FunctionItem(NamedTuple):
    """A function of an interface, a world or a resource; a constructor's name is `constructor`."""

    name: Name
    kind: FunctionKind
    params: tuple[FieldItem, ...]
    result: TypeExpression | None
    is_async: bool
    stability: Stability


class ResourceItem(NamedTuple):
    """`resource name { function … }`."""

    name: Name
    functions: tuple[FunctionItem, ...]
    stability: Stability


TypeItem = AliasItem | RecordItem | VariantItem | EnumItem | FlagsItem | ResourceItem
"""`typedef-item`."""


class Renamed(NamedTuple):
    """`name`, or `name as alias`."""

    name: Name
    alias: Name


class UseItem(NamedTuple):
    """`use path.{name, name as alias};` within an interface or a world."""

    path: Path
    names: tuple[Renamed, ...]
    stability: Stability


class InterfaceItem(NamedTuple):
    """An interface; one that stands in a world is named by the import or export it is."""

    name: Name
    items: tuple[UseItem | TypeItem | FunctionItem, ...]
    stability: Stability


class Direction(StrEnum):
    """Which way an item of a world goes."""

    IMPORT = "import"
    EXPORT = "export"


class ExternItem(NamedTuple):
    """`import` or `export`: of a path, or, with a plain name, of a path, a function or an interface written there."""

    direction: Direction
    name: Name | None
    target: Path | FunctionItem | InterfaceItem
    stability: Stability
    position: Position


class IncludeItem(NamedTuple):
    """`include path with { name as alias, … }`."""

    path: Path
    renames: tuple[Renamed, ...]
    stability: Stability


class WorldItem(NamedTuple):
    """A world."""

    name: Name
    items: tuple[UseItem | TypeItem | ExternItem | IncludeItem, ...]
    stability: Stability


class TopLevelUse(NamedTuple):
    """`use path as alias;` at the top of a file: a name within that file."""

    path: Path
    alias: Name


class PackageHeader(NamedTuple):
    """`package namespace:name@version`."""

    name: str
    version: str | None
    position: Position

    @property
    def id(self) -> str:
        """`namespace:name@version`."""
        return self.name if self.version is None else f"{self.name}@{self.version}"


class Scope(NamedTuple):
    """The items of one file, or of one `package … { }` block: the reach of its top-level `use`s."""

    uses: tuple[TopLevelUse, ...]
    items: tuple[InterfaceItem | WorldItem, ...]
    first_gate: Position | None
    """Where the scope first has a gate: only a package with a version may."""


class NestedPackage(NamedTuple):
    """`package namespace:name@version { … }`."""

    header: PackageHeader
    scope: Scope


class File(NamedTuple):
    """A WIT file: its own package declaration and items, and the packages nested in it."""

    name: str
    header: PackageHeader | None
    scope: Scope
    nested: tuple[NestedPackage, ...]


def contents(tree: object) -> object:
    """Return a value that is equal for two trees exactly if they say the same, wherever they stand."""
    match tree:
        case tuple():
            return type(tree), *(contents(part) for part in tree if not isinstance(part, Position))
        case _:
            return tree
