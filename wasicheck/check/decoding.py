"""The type of a component file: its imports and exports as WIT types.

The `wasmtime` package validates the component and tells its type. It does not say under which name a record, variant,
enum or flags type was declared: these come without `TypeId`, until `named` gives them the names under which their
instance exports them. A resource is known by the first instance that exports it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import assert_never

from wasmtime import Config, Engine, WasmtimeError, component
from wasmtime import _ffi as ffi

from wasicheck.check.stripping import without_code
from wasicheck.wit import types as wit
from wasicheck.wit.types import Function, FunctionKind, Interface, ResourceType, Type, TypeDef, TypeId

_MAGIC = b"\0asm"
_CORE_LAYER = b"\1\0\0\0"
_COMPONENT_LAYER = b"\x0d\0\1\0"
_UNTOLD = wit.PrimitiveType("a type that the wasmtime package does not describe")


class ComponentError(Exception):
    """A file that is no component; `str()` says what it is instead."""


@dataclass(frozen=True)
class Shape:
    """What a component imports and exports, by name.

    An instance is an `Interface` whose id is that name; another sort of item (`component`, `module`, a type) is a word.
    `implements` gives the interface of instances that are imported or exported under a plain name.
    """

    imports: Mapping[str, Interface | Function | str]
    exports: Mapping[str, Interface | Function | str]
    implements: Mapping[str, str]


def decode(data: bytes) -> Shape:
    """Return the shape of a component binary; raise ComponentError for anything else."""
    _check_preamble(data)
    engine = _engine()
    try:
        compiled = component.Component(engine, without_code(data))
    except WasmtimeError:
        # The original for the message: its offsets are those of the file.
        try:
            compiled = component.Component(engine, data)
        except WasmtimeError as error:
            raise ComponentError(
                f"expected a valid component, found one that wasmtime does not take: {_reason(error)}"
            ) from None
    return _Decoder(engine).shape(compiled.type)


def _check_preamble(data: bytes) -> None:
    """Binary.md, "Component Definitions": magic, version and layer."""
    if not data:
        raise ComponentError("expected a component, found an empty file")
    if data[:4] != _MAGIC:
        if data[: len(_MAGIC)] == _MAGIC[: len(data)]:
            raise ComponentError(f"expected a component, found the first {len(data)} bytes of one; copy it again")
        if _is_text(data):
            raise ComponentError(
                "expected a component binary, found text; assemble WebAssembly text first: `wasm-tools parse`"
            )
        raise ComponentError("expected a component, which begins with `\\0asm`, found another kind of file")
    if len(data) < 8:
        raise ComponentError(f"expected a component, found the first {len(data)} bytes of one; copy it again")
    if data[4:8] == _CORE_LAYER:
        raise ComponentError(
            "expected a component, found a core module; make a component of it: `wasm-tools component new`"
        )
    if data[4:8] != _COMPONENT_LAYER:
        raise ComponentError(
            f"expected the version and layer `0d 00 01 00` of a component, found `{data[4:8].hex(' ')}`;"
            " the file is damaged, or of another version of the component model"
        )


def _is_text(data: bytes) -> bool:
    try:
        return data[:4096].decode("utf-8", "strict").isprintable() or b"\0" not in data[:4096]
    except UnicodeDecodeError:
        return False


def _reason(error: WasmtimeError) -> str:
    """The causes of an error in one line: wasmtime puts each on lines of its own, numbered, and a backtrace behind."""
    text = str(error).partition("Stack backtrace:")[0].replace("Caused by:", "")
    words = " ".join(line.strip() for line in text.splitlines() if line.strip())
    return words[:300]


_PROPOSALS = (
    "component_model_async",
    "component_model_async_stackful",
    "component_model_more_async_builtins",
    "component_model_error_context",
    "component_model_gc",
    "component_model_threading",
    "component_model_implements",
    "component_model_canonical_names",
    "exceptions",
    "function_references",
    "gc",
    "memory64",
    "multi_memory",
    "relaxed_simd",
    "tail_call",
    "threads",
    "wide_arithmetic",
)
"""What a component may use without this check taking offence; the release of the package decides which it knows."""


@cache
def _engine() -> Engine:
    config = Config()
    config.cranelift_opt_level = "none"
    for proposal in _PROPOSALS:
        with suppress(AttributeError):
            getattr(ffi, f"wasmtime_config_wasm_{proposal}_set")(config.ptr(), True)
    return Engine(config)


_PRIMITIVES: Mapping[type[component.ValType], wit.PrimitiveType] = {
    component.Bool: wit.BOOL,
    component.S8: wit.S8,
    component.S16: wit.S16,
    component.S32: wit.S32,
    component.S64: wit.S64,
    component.U8: wit.U8,
    component.U16: wit.U16,
    component.U32: wit.U32,
    component.U64: wit.U64,
    component.F32: wit.F32,
    component.F64: wit.F64,
    component.Char: wit.CHAR,
    component.String: wit.STRING,
    component.ErrorContext: wit.ERROR_CONTEXT,
}


class _Decoder:
    """Turns wasmtime's types into those of `wit`; resources keep the name under which they were met first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._resources: list[tuple[component.ResourceType, ResourceType]] = []
        self._implements: dict[str, str] = {}

    def shape(self, type: component.ComponentType) -> Shape:
        imports = self._items(type.imports(self._engine))
        return Shape(imports, self._items(type.exports(self._engine)), self._implements)

    def _items(self, externs: Mapping[str, component._types.ComponentExtern]) -> dict[str, Interface | Function | str]:
        items: dict[str, Interface | Function | str] = {}
        for name, extern in externs.items():
            # Releases of the package before 47 do not know about `implements`.
            if interface := getattr(extern, "implements", None):
                self._implements[name] = interface
            items[name] = self._item(name, extern.ty)
        return items

    def _item(self, name: str, item: component.ComponentItem) -> Interface | Function | str:
        match item:
            case component.ComponentInstanceType():
                return self._interface(name, item)
            case component.FuncType():
                return self._function("", name, item)
            case component.ResourceType():
                self._resource(item, TypeId("", name))
                return "resource"
            case component.ComponentType():
                return "component"
            case component.ModuleType():
                return "core module"
            case _:
                return "type"

    def _interface(self, id: str, instance: component.ComponentInstanceType) -> Interface:
        types: dict[str, Type | ResourceType] = {}
        functions: dict[str, component.FuncType] = {}
        for name, extern in instance.exports(self._engine).items():
            match extern.ty:
                case component.FuncType() as function:
                    functions[name] = function
                case component.ResourceType() as resource:
                    types[name] = self._resource(resource, TypeId(id, name))
                case component.ValType() as type:
                    types[name] = self._type(type)
                case _:
                    pass  # WIT has no nested instances, components or modules
        names: dict[Type, TypeId] = {}
        for name, known in types.items():
            if isinstance(known, wit.RecordType | wit.VariantType | wit.EnumType | wit.FlagsType):
                names.setdefault(known, TypeId(id, name))
        naming = partial(named, names=names)
        return Interface(
            id,
            {
                name: TypeDef(name, known if isinstance(known, ResourceType) else naming(known))
                for name, known in types.items()
            },
            {
                function.local_name: function
                for function in (self._function(id, name, f, naming) for name, f in functions.items())
            },
        )

    def _resource(self, resource: component.ResourceType, id: TypeId) -> ResourceType:
        for known, type in self._resources:
            if known == resource:
                return type
        self._resources.append((resource, ResourceType(id)))
        return self._resources[-1][1]

    def _function(
        self,
        interface: str,
        name: str,
        function: component.FuncType,
        naming: Callable[[Type], Type] = lambda type: type,
    ) -> Function:
        result = function.result
        kind, resource, local = _parsed(name)
        return Function(
            interface,
            local,
            kind,
            resource,
            tuple(wit.Field(label, naming(self._type(type))) for label, type in function.params),
            None if result is None else naming(self._type(result)),
            bool(ffi.wasmtime_component_func_type_async(function.ptr())),
        )

    def _type(self, type: component.ValType) -> Type:
        def optional(part: component.ValType | None) -> Type | None:
            return None if part is None else self._type(part)

        match type:
            case component.ListType():
                return wit.ListType(self._type(type.element))
            case component.OptionType():
                return wit.OptionType(self._type(type.payload))
            case component.ResultType():
                return wit.ResultType(optional(type.ok), optional(type.err))
            case component.TupleType():
                return wit.TupleType(tuple(map(self._type, type.elements)))
            case component.RecordType():
                return wit.RecordType(None, tuple(wit.Field(name, self._type(t)) for name, t in type.fields))
            case component.VariantType():
                return wit.VariantType(None, tuple(wit.Case(name, optional(t)) for name, t in type.cases))
            case component.EnumType():
                return wit.EnumType(None, tuple(type.names))
            case component.FlagsType():
                return wit.FlagsType(None, tuple(type.names))
            case component.OwnType():
                return wit.OwnType(self._resource(type.ty, _NAMELESS))
            case component.BorrowType():
                return wit.BorrowType(self._resource(type.ty, _NAMELESS))
            case component.StreamType():
                return wit.StreamType(optional(_payload(ffi.wasmtime_component_stream_type_ty, type)))
            case component.FutureType():
                return wit.FutureType(optional(_payload(ffi.wasmtime_component_future_type_ty, type)))
            case _:
                return next((p for kind, p in _PRIMITIVES.items() if isinstance(type, kind)), _UNTOLD)


_NAMELESS = TypeId("", "a resource without a name")


def _payload(read: Callable[[object, object], bool], type: component.ValType) -> component.ValType | None:
    """The payload of a stream or future; the package's own property does not tell that there is none."""
    found = ffi.wasmtime_component_valtype_t()
    if not read(type.ptr(), ctypes.byref(found)):  # type: ignore[attr-defined]
        return None
    return component._types.valtype_from_ptr(found)


_KINDS = {f"[{kind.value}]": kind for kind in FunctionKind}


def _parsed(name: str) -> tuple[FunctionKind, str | None, str]:
    """Return kind, resource and WIT name of `[method]tcp-socket.connect` and its like."""
    prefix, bracket, rest = name.partition("]")
    kind = _KINDS.get(prefix + bracket, FunctionKind.FREESTANDING)
    if kind is FunctionKind.FREESTANDING:
        return kind, None, name
    resource, _, local = rest.partition(".")
    return kind, resource, local or "constructor"


def named(type: Type, names: Mapping[Type, TypeId]) -> Type:
    """Return the type with the ids that `names` has for the records, variants, enums and flags in it."""

    def optional(part: Type | None) -> Type | None:
        return None if part is None else named(part, names)

    match type:
        case wit.ListType(element) | wit.OptionType(element):
            return replace(type, element=named(element, names))
        case wit.StreamType(element) | wit.FutureType(element):
            return replace(type, element=optional(element))
        case wit.ResultType(ok, error):
            return wit.ResultType(optional(ok), optional(error))
        case wit.TupleType(elements):
            return wit.TupleType(tuple(named(e, names) for e in elements))
        case wit.RecordType(_, fields):
            return wit.RecordType(names.get(type), tuple(replace(f, type=named(f.type, names)) for f in fields))
        case wit.VariantType(_, cases):
            return wit.VariantType(names.get(type), tuple(replace(c, type=optional(c.type)) for c in cases))
        case wit.EnumType() | wit.FlagsType():
            return replace(type, id=names.get(type))
        case wit.PrimitiveType() | wit.OwnType() | wit.BorrowType():
            return type
        case _:
            assert_never(type)
