"""Component-model types, functions, interfaces and worlds as immutable data.

The names are those of the component model's `definitions.py`. Types are fully resolved: a `use` or a
`type a = b` leaves no trace in a type, so that two types are equal exactly if they are the same type.
Records, variants, enums, flags and resources carry the `TypeId` under which they were declared, because the
component model treats them as nominal when an interface is imported; everything else is anonymous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any


def _cached_hash(self: Any) -> int:
    """Hash of a frozen dataclass, computed once: types are dictionary keys all over the compiler."""
    try:
        return self._hash  # type: ignore[no-any-return]
    except AttributeError:
        value = hash((type(self).__name__, *(getattr(self, f.name) for f in fields(self))))
        object.__setattr__(self, "_hash", value)
        return value


@dataclass(frozen=True)
class TypeId:
    """Where a named type is declared: interface `wasi:cli/types@0.3.0` and name `error-code`."""

    interface: str
    name: str

    __hash__ = _cached_hash

    def __str__(self) -> str:
        return f"{self.interface}#{self.name}"


@dataclass(frozen=True)
class PrimitiveType:
    """`bool`, `s8` … `u64`, `f32`, `f64`, `char`, `string` or `error-context`."""

    name: str

    __hash__ = _cached_hash


@dataclass(frozen=True)
class ListType:
    """`list<T>`, or `list<T, N>` where `length` is given."""

    element: Type
    length: int | None = None

    __hash__ = _cached_hash


@dataclass(frozen=True)
class OptionType:
    """`option<T>`."""

    element: Type

    __hash__ = _cached_hash


@dataclass(frozen=True)
class ResultType:
    """`result<ok, error>`; None stands for an absent payload (`_`)."""

    ok: Type | None
    error: Type | None

    __hash__ = _cached_hash


@dataclass(frozen=True)
class TupleType:
    """`tuple<A, B, …>`."""

    elements: tuple[Type, ...]

    __hash__ = _cached_hash


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    name: str
    type: Type

    __hash__ = _cached_hash


@dataclass(frozen=True)
class RecordType:
    """`record name { field: type, … }`."""

    id: TypeId | None
    fields: tuple[Field, ...]

    __hash__ = _cached_hash


@dataclass(frozen=True)
class Case:
    """A case of a variant, with its payload type if it has one."""

    name: str
    type: Type | None

    __hash__ = _cached_hash


@dataclass(frozen=True)
class VariantType:
    """`variant name { case(type), … }`."""

    id: TypeId | None
    cases: tuple[Case, ...]

    __hash__ = _cached_hash


@dataclass(frozen=True)
class EnumType:
    """`enum name { label, … }`."""

    id: TypeId | None
    labels: tuple[str, ...]

    __hash__ = _cached_hash


@dataclass(frozen=True)
class FlagsType:
    """`flags name { label, … }`."""

    id: TypeId | None
    labels: tuple[str, ...]

    __hash__ = _cached_hash


@dataclass(frozen=True)
class ResourceType:
    """`resource name`: only ever met behind `OwnType` and `BorrowType`."""

    id: TypeId

    __hash__ = _cached_hash


@dataclass(frozen=True)
class OwnType:
    """`own<resource>`; a resource's bare name in a WIT signature means this."""

    resource: ResourceType

    __hash__ = _cached_hash


@dataclass(frozen=True)
class BorrowType:
    """`borrow<resource>`."""

    resource: ResourceType

    __hash__ = _cached_hash


@dataclass(frozen=True)
class StreamType:
    """`stream<T>`, or `stream` without a payload."""

    element: Type | None

    __hash__ = _cached_hash


@dataclass(frozen=True)
class FutureType:
    """`future<T>`, or `future` without a payload."""

    element: Type | None

    __hash__ = _cached_hash


Type = (
    PrimitiveType
    | ListType
    | OptionType
    | ResultType
    | TupleType
    | RecordType
    | VariantType
    | EnumType
    | FlagsType
    | OwnType
    | BorrowType
    | StreamType
    | FutureType
)
"""A value type: what a parameter, result, field, element or payload can have."""

NamedType = RecordType | VariantType | EnumType | FlagsType | ResourceType
"""A type with a declaration of its own."""

BOOL = PrimitiveType("bool")
S8, S16, S32, S64 = (PrimitiveType(n) for n in ("s8", "s16", "s32", "s64"))
U8, U16, U32, U64 = (PrimitiveType(n) for n in ("u8", "u16", "u32", "u64"))
F32, F64 = PrimitiveType("f32"), PrimitiveType("f64")
CHAR, STRING = PrimitiveType("char"), PrimitiveType("string")
ERROR_CONTEXT = PrimitiveType("error-context")
PRIMITIVES: Mapping[str, PrimitiveType] = MappingProxyType(
    {t.name: t for t in (BOOL, S8, S16, S32, S64, U8, U16, U32, U64, F32, F64, CHAR, STRING, ERROR_CONTEXT)}
)


class FunctionKind(StrEnum):
    """How a function hangs on a resource, if it does."""

    FREESTANDING = "freestanding"
    METHOD = "method"
    STATIC = "static"
    CONSTRUCTOR = "constructor"


@dataclass(frozen=True)
class Stability:
    """The `@since`, `@unstable` and `@deprecated` gates of an item; all None where it has none."""

    since: str | None = None
    unstable: str | None = None
    deprecated: str | None = None


@dataclass(frozen=True)
class Position:
    """A place in a WIT file: 1-based line and column."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Function:
    """A function of an interface (or a world), its `self` parameter of methods included in `params`.

    A constructor has the result `own<resource>`; `name` is the WIT name without the resource
    (`connect`; `constructor` for a constructor).
    """

    interface: str
    name: str
    kind: FunctionKind
    resource: str | None
    params: tuple[Field, ...]
    result: Type | None
    is_async: bool
    stability: Stability = Stability()
    position: Position | None = None

    @property
    def import_name(self) -> str:
        """The name in a component's instance type: `[method]tcp-socket.connect`, `[constructor]fields`, `now`."""
        match self.kind:
            case FunctionKind.FREESTANDING:
                return self.name
            case FunctionKind.CONSTRUCTOR:
                return f"[constructor]{self.resource}"
            case FunctionKind.METHOD | FunctionKind.STATIC:
                return f"[{self.kind.value}]{self.resource}.{self.name}"

    @property
    def local_name(self) -> str:
        """The name within its interface: `tcp-socket.connect`, `fields.constructor`, `now`."""
        return self.name if self.resource is None else f"{self.resource}.{self.name}"

    @property
    def item(self) -> str:
        """The WIT item, as requirements cite it: `wasi:sockets/types@0.3.0#tcp-socket.connect`."""
        return f"{self.interface}#{self.local_name}"


@dataclass(frozen=True)
class TypeDef:
    """A name an interface offers for a type: its own declaration, an alias, or something it `use`s.

    `type` is resolved: the alias `mark` has `u64`, the alias `headers` the resource `fields`, and a used
    `error-code` the variant with the `TypeId` of the interface that declares it.
    """

    name: str
    type: Type | ResourceType
    used_from: str | None = None
    """Interface id that a `use` took it from; None for a declaration or alias of the interface itself."""
    stability: Stability = Stability()
    position: Position | None = None


@dataclass(frozen=True)
class Interface:
    """An interface of a package; `id` is `wasi:cli/stdin@0.3.0` (without version if the package has none)."""

    id: str
    types: Mapping[str, TypeDef]
    functions: Mapping[str, Function]
    """By `local_name`, in the order of declaration."""
    stability: Stability = Stability()
    position: Position | None = None

    @property
    def name(self) -> str:
        """`stdin` of `wasi:cli/stdin@0.3.0`."""
        return self.id.rpartition("/")[2].partition("@")[0]


@dataclass(frozen=True)
class WorldItem:
    """An import or export of a world: an interface by its id, or a function of the world's own."""

    name: str
    target: str | Function
    stability: Stability = Stability()


@dataclass(frozen=True)
class World:
    """A world with its includes already expanded; items in order, each once."""

    id: str
    imports: tuple[WorldItem, ...]
    exports: tuple[WorldItem, ...]
    stability: Stability = Stability()
    position: Position | None = None


@dataclass(frozen=True)
class Package:
    """A package: `name` is `wasi:cli`, `version` `0.3.0` or None."""

    name: str
    version: str | None
    interfaces: Mapping[str, Interface]
    """By short name."""
    worlds: Mapping[str, World]
    """By short name."""

    @property
    def id(self) -> str:
        """`wasi:cli@0.3.0`."""
        return self.name if self.version is None else f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Wit:
    """A closed set of resolved packages, by package id."""

    packages: Mapping[str, Package]

    def interface(self, id: str) -> Interface:
        """Return the interface with that id, or raise KeyError."""
        path, _, version = id.partition("@")
        package, _, name = path.partition("/")
        return self.packages[f"{package}@{version}" if version else package].interfaces[name]

    def world(self, id: str) -> World:
        """Return the world with that id, or raise KeyError."""
        path, _, version = id.partition("@")
        package, _, name = path.partition("/")
        return self.packages[f"{package}@{version}" if version else package].worlds[name]
