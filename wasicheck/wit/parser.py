"""The grammar of files, packages, interfaces and worlds (WIT.md, "Top-level items" and after)."""

from __future__ import annotations

from wasicheck.wit.cursor import Cursor
from wasicheck.wit.declarations import (
    TYPE_KEYWORDS,
    parse_function,
    parse_gates,
    parse_type_expression,
    parse_type_item,
)
from wasicheck.wit.errors import WitError, quote
from wasicheck.wit.syntax import (
    Direction,
    ExternItem,
    File,
    FunctionItem,
    IncludeItem,
    InterfaceItem,
    Name,
    NestedPackage,
    PackageHeader,
    Path,
    Renamed,
    Scope,
    TopLevelUse,
    TypeExpression,
    TypeItem,
    UseItem,
    WorldItem,
)
from wasicheck.wit.types import Stability

_TOP_KEYWORDS = ("interface", "world", "use", "package")
_INTERFACE_KEYWORDS = ("use", *TYPE_KEYWORDS)
_WORLD_KEYWORDS = ("import", "export", "include", "use", *TYPE_KEYWORDS)
_FUNCTION_STARTS = ("func", "async")


def parse_file(file: str, source: str) -> File:
    """Read the text of a WIT file; `file` is its name in positions and errors. Raises WitError."""
    cursor = Cursor(file, source)
    header = None
    nested: list[NestedPackage] = []
    if cursor.token == "package":
        header = _package_header(cursor)
        if not cursor.take(";"):
            nested.append(_nested_package(cursor, header))
            header = None
    return File(file, header, _scope(cursor, "", nested), tuple(nested))


def parse_expression(file: str, source: str) -> TypeExpression:
    """Read a text that is one type. Raises WitError."""
    cursor = Cursor(file, source)
    expression = parse_type_expression(cursor)
    if cursor.token:
        raise cursor.error("the end of the type")
    return expression


def _scope(cursor: Cursor, close: str, nested: list[NestedPackage] | None) -> Scope:
    """Read top-level items up to and with `close`; put nested packages into `nested`, where they are allowed."""
    uses: list[TopLevelUse] = []
    items: list[InterfaceItem | WorldItem] = []
    while cursor.token != close:
        stability = parse_gates(cursor)
        match cursor.token:
            case "interface":
                cursor.advance()
                items.append(_interface(cursor, cursor.name("an interface name"), stability))
            case "world":
                cursor.advance()
                items.append(_world(cursor, cursor.name("a world name"), stability))
            case "use" if stability == Stability():
                cursor.advance()
                uses.append(_top_level_use(cursor))
            case "package" if nested is not None and stability == Stability():
                found = _package_header(cursor)
                if cursor.ahead(0) == ";":
                    raise cursor.error("`{`", "`package …;` must be the first item of a file, and the only one")
                nested.append(_nested_package(cursor, found))
            case "use" | "package":
                hint = "packages nest only one level deep" if stability == Stability() else "it takes no feature gate"
                raise cursor.error("an interface or a world", hint)
            case _:
                raise cursor.expected_one_of("an interface, a world or `use`", _TOP_KEYWORDS)
    if close:
        cursor.advance()
    return Scope(tuple(uses), tuple(items), cursor.first_gate)


def _package_header(cursor: Cursor) -> PackageHeader:
    position = cursor.position()
    cursor.advance()
    namespace = cursor.name("a package's namespace")
    cursor.expect(":", "a package is named `namespace:package`")
    package = cursor.name("a package name")
    if cursor.token in (":", "/"):
        raise cursor.error("the end of the package's name", "nested namespaces and packages are not supported")
    version = cursor.version() if cursor.take("@") else None
    if cursor.token not in (";", "{"):
        raise cursor.error("`;` or `{`")
    return PackageHeader(f"{namespace.text}:{package.text}", version, position)


def _nested_package(cursor: Cursor, header: PackageHeader) -> NestedPackage:
    cursor.expect("{")
    outer_gate, cursor.first_gate = cursor.first_gate, None
    scope = _scope(cursor, "}", None)
    cursor.first_gate = outer_gate
    return NestedPackage(header, scope)


def _top_level_use(cursor: Cursor) -> TopLevelUse:
    path = cursor.path("an interface")
    alias = cursor.name("a new name") if cursor.take("as") else path.name
    cursor.expect(";")
    return TopLevelUse(path, alias)


def _use(cursor: Cursor, stability: Stability) -> UseItem:
    cursor.advance()
    path = cursor.path("an interface")
    cursor.expect(".", "an interface's types are taken with `.{name, …}`")
    cursor.expect("{")
    names = cursor.listed_some("}", "a type name", lambda: cursor.renamed("a type name"))
    cursor.expect(";")
    return UseItem(path, names, stability)


def _interface(cursor: Cursor, name: Name, stability: Stability) -> InterfaceItem:
    items: list[UseItem | TypeItem | FunctionItem] = []
    cursor.expect("{")
    while not cursor.take("}"):
        gates = parse_gates(cursor)
        if cursor.token == "use":
            items.append(_use(cursor, gates))
        elif (type_item := parse_type_item(cursor, gates)) is not None:
            items.append(type_item)
        else:
            if cursor.ahead(1) != ":":
                raise cursor.expected_one_of("a function, a type, `use` or `}`", _INTERFACE_KEYWORDS)
            function = cursor.name("a function name")
            cursor.advance()
            items.append(parse_function(cursor, function, gates))
    return InterfaceItem(name, tuple(items), stability)


def _world(cursor: Cursor, name: Name, stability: Stability) -> WorldItem:
    items: list[UseItem | TypeItem | ExternItem | IncludeItem] = []
    cursor.expect("{")
    while not cursor.take("}"):
        gates = parse_gates(cursor)
        match cursor.token:
            case "import" | "export":
                items.append(_extern(cursor, gates))
            case "include":
                items.append(_include(cursor, gates))
            case "use":
                items.append(_use(cursor, gates))
            case _:
                type_item = parse_type_item(cursor, gates)
                if type_item is None:
                    raise cursor.expected_one_of("`import`, `export`, `include`, `use`, a type or `}`", _WORLD_KEYWORDS)
                items.append(type_item)
    return WorldItem(name, tuple(items), stability)


def _extern(cursor: Cursor, stability: Stability) -> ExternItem:
    position = cursor.position()
    direction = Direction(cursor.advance())
    if cursor.ahead(1) != ":" or cursor.ahead(3) == "/":
        path = cursor.path("an interface")
        cursor.expect(";")
        return ExternItem(direction, None, path, stability, position)
    if cursor.touches(1) and cursor.touches(2) and cursor.ahead(3) == ";":
        # WIT.md, "Item: `world`": without white space this is the package `a:b`.
        package = cursor.ahead(0) + ":" + cursor.ahead(2)
        message = f"expected an interface, found the package {quote(package)}"
        hint = f"write {quote(package + '/…')}, or white space after the colon to give a plain name"
        raise WitError.at(cursor.position(), message, hint)
    name = cursor.name("a name")
    cursor.advance()
    target: Path | FunctionItem | InterfaceItem
    if cursor.token in _FUNCTION_STARTS:
        target = parse_function(cursor, name, stability)
    elif cursor.take("interface"):
        target = _interface(cursor, name, stability)
    else:
        target = cursor.path("a function or an interface")
        cursor.expect(";")
    return ExternItem(direction, name, target, stability, position)


def _include(cursor: Cursor, stability: Stability) -> IncludeItem:
    cursor.advance()
    path = cursor.path("a world")
    renames: tuple[Renamed, ...] = ()
    if cursor.take("with"):
        cursor.expect("{")
        renames = cursor.listed_some("}", "a name", lambda: _with(cursor))
        cursor.take(";")  # the grammar has none here, its example has
    else:
        cursor.expect(";")
    return IncludeItem(path, renames, stability)


def _with(cursor: Cursor) -> Renamed:
    name = cursor.name("a name")
    cursor.expect("as")
    return Renamed(name, cursor.name("a new name"))
