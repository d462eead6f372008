"""Files to packages: which files make up a package, which names it declares, and what a path stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wasicheck.wit.errors import WitError, quote, suggest
from wasicheck.wit.syntax import File, InterfaceItem, PackageHeader, Path, Scope, WorldItem, contents
from wasicheck.wit.types import Position, Wit

Aliases = Mapping[str, Path]
"""The names that top-level `use`s give within one file."""


class UniqueNames:
    """Names that must differ by more than case (Explainer.md, "Import and Export Definitions": strongly-unique)."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, Position]] = {}

    def claim(self, name: str, position: Position) -> None:
        """Enter a name. Raises WitError where it is taken."""
        first = self._names.get(name.lower())
        if first is not None:
            first_name, first_position = first
            message = f"expected a new name, found {quote(name)} a second time"
            hint = f"{quote(first_name)} is declared at {first_position}"
            if name != first_name:
                hint += ", and names may not differ by case alone"
            raise WitError.at(position, message, hint)
        self._names[name.lower()] = name, position


@dataclass(frozen=True)
class Declared:
    """A top-level item with the aliases that hold in its file."""

    item: InterfaceItem | WorldItem
    aliases: Aliases


@dataclass(frozen=True)
class PackageSyntax:
    """A package, put together from its files but not resolved."""

    header: PackageHeader
    aliases: tuple[Aliases, ...]
    items: Mapping[str, Declared]
    """Interfaces and worlds by name."""

    def same_contents(self, other: PackageSyntax) -> bool:
        """Whether two copies of a package say the same, however they are split into files."""
        return self._contents() == other._contents()

    def _contents(self) -> object:
        return {name: (contents(d.item), contents(tuple(d.aliases.items()))) for name, d in self.items.items()}


def item_id(package_id: str, name: str) -> str:
    """Return the id of a package's interface or world: `wasi:cli/stdin@0.3.0`."""
    package, at, version = package_id.partition("@")
    return f"{package}/{name}{at}{version}"


def gather(groups: Iterable[Sequence[File]]) -> dict[str, PackageSyntax]:
    """Return all packages by id; the files of a group make up one package, and may nest others.

    A package may occur more than once as long as its contents are the same (WIT.md, "Root Package: A Directory").
    Raises WitError.
    """
    packages: dict[str, PackageSyntax] = {}

    def add(header: PackageHeader, scopes: Iterable[Scope]) -> None:
        package = _package(header, scopes)
        known = packages.setdefault(header.id, package)
        if known is not package and not known.same_contents(package):
            message = f"expected the same contents as before, found another package {quote(header.id)}"
            raise WitError.at(header.position, message, f"the first one is declared at {known.header.position}")

    for files in groups:
        header = _common_header(files)
        if header is not None:
            add(header, [f.scope for f in files])
        for file in files:
            for nested in file.nested:
                add(nested.header, [nested.scope])
    return packages


def _common_header(files: Sequence[File]) -> PackageHeader | None:
    """Return the package declaration of a group's files, or None for a group of nested packages only."""
    headers = [f.header for f in files if f.header is not None]
    if headers:
        for header in headers:
            if header.id != headers[0].id:
                message = f"expected the package {quote(headers[0].id)}, found {quote(header.id)}"
                raise WitError.at(header.position, message, f"see {headers[0].position}: a folder holds one package")
        return headers[0]
    for file in files:
        for item in file.scope.items:
            hint = f"begin with `package namespace:name;` before declaring {quote(item.name.text)}"
            raise WitError(file.name, 1, 1, "expected a package declaration in one of the folder's files", hint)
    return None


def _package(header: PackageHeader, scopes: Iterable[Scope]) -> PackageSyntax:
    items: dict[str, Declared] = {}
    all_aliases: list[Aliases] = []
    unique = UniqueNames()
    for scope in scopes:
        if header.version is None and scope.first_gate is not None:
            message = f"expected a package with a version around a feature gate, found {quote(header.id)}"
            raise WitError.at(scope.first_gate, message, f"give it one: {quote(f'package {header.id}@0.1.0;')}")
        in_file = UniqueNames()
        for use in scope.uses:
            in_file.claim(use.alias.text, use.alias.position)
        aliases = {use.alias.text: use.path for use in scope.uses}
        all_aliases.append(aliases)
        for item in scope.items:
            in_file.claim(item.name.text, item.name.position)
            unique.claim(item.name.text, item.name.position)
            items[item.name.text] = Declared(item, aliases)
    return PackageSyntax(header, tuple(all_aliases), items)


class PathLookup:
    """What a path stands for, in packages being resolved and in ones that already are."""

    def __init__(self, packages: Mapping[str, PackageSyntax], known: Wit) -> None:
        self._kinds: dict[str, dict[str, str]] = {}
        for id, resolved in known.packages.items():
            self._kinds[id] = dict.fromkeys(resolved.interfaces, "interface") | dict.fromkeys(resolved.worlds, "world")
        for id, package in packages.items():
            items = package.items.items()
            self._kinds[id] = {n: "world" if isinstance(d.item, WorldItem) else "interface" for n, d in items}

    def interface(self, path: Path, package: PackageSyntax, aliases: Aliases) -> str:
        """Return the id of the interface that `path` means in a file of `package`. Raises WitError."""
        return self._find(path, package, aliases, "interface")

    def world(self, path: Path, package: PackageSyntax, aliases: Aliases) -> str:
        """Return the id of the world that `path` means in a file of `package`. Raises WitError."""
        return self._find(path, package, aliases, "world")

    def check(self, path: Path, package: PackageSyntax) -> None:
        """Raise WitError if the path of a top-level `use` means neither an interface nor a world."""
        self._find(path, package, {}, None)

    def _find(self, path: Path, package: PackageSyntax, aliases: Aliases, wanted: str | None) -> str:
        position = path.name.position
        candidates: tuple[str, ...] = ()
        if path.package is None:
            candidates = tuple(aliases)
            path = aliases.get(path.name.text, path)
        package_id = path.package or package.header.id
        kinds = self._kinds.get(package_id)
        if kinds is None:
            message = f"expected a package that is at hand, found {quote(package_id)}"
            hint = suggest(package_id, self._kinds) or "put it into the `deps` folder"
            raise WitError.at(position, message, hint)
        name = path.name.text
        kind = kinds.get(name)
        if kind is None:
            message = f"expected an interface or a world of {quote(package_id)}, found the unknown name {quote(name)}"
            if wanted is not None:
                message = message.replace("an interface or a world", _ARTICLES[wanted])
                candidates += tuple(n for n, k in kinds.items() if k == wanted)
            hint = (
                suggest(name, candidates or kinds)
                or f"declare it, or name its package: {quote('namespace:package/' + name)}"
            )
            raise WitError.at(position, message, hint)
        if wanted not in (None, kind):
            message = f"expected {_ARTICLES[wanted or kind]}, found the {kind} {quote(name)}"
            raise WitError.at(position, message, "a world is taken with `include`, an interface with `use` or `import`")
        return item_id(package_id, name)


_ARTICLES = {"interface": "an interface", "world": "a world"}
