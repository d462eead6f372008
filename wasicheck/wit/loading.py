"""WIT from folders and texts, and the project's own declarations of WASI 0.3.0."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePath

from wasicheck.wit.errors import WitError, quote
from wasicheck.wit.expressions import Measures, TypeResolver, names_in
from wasicheck.wit.packages import gather
from wasicheck.wit.parser import parse_expression, parse_file
from wasicheck.wit.resolver import resolve
from wasicheck.wit.types import Interface, Type, Wit

_NOTHING = Wit({})
_WASI = Path(__file__).parent / "wasi-0.3.0"
_DEPS = "deps"


def parse_sources(sources: Mapping[str, str], *, packages: Wit = _NOTHING) -> Wit:
    """Return the packages that WIT texts declare, by file name (with `/` between folders).

    The files of one folder make up one package, but in a folder `deps` each file is a package of its own. The texts
    may refer to `packages`, which are part of the result; a package of the same id among the texts comes first.
    Raises WitError.
    """
    groups: dict[str, list[str]] = {}
    for file in sources:
        folder = PurePath(file).parent
        groups.setdefault(file if folder.name == _DEPS else str(folder), []).append(file)
    parsed = ([parse_file(file, sources[file]) for file in files] for files in groups.values())
    return resolve(gather(parsed), packages)


def parse_folder(path: Path, *, packages: Wit = _NOTHING) -> Wit:
    """Return the packages of a folder (or of one file); file names in positions begin with `path`.

    The folder holds either the files of one package, or package folders, or is itself a `deps` folder. Wherever a
    package is, `deps/*.wit` and `deps/*/*.wit` beside it hold the packages it depends on (WIT.md, "Root Package: A
    Directory"). They may refer to `packages` as well, as in `parse_sources`. Raises WitError.
    """
    files = [path] if path.is_file() else _package_files(path)
    if not files:
        # One more level: a folder of package folders, such as a checkout that holds `wit/`.
        files = [file for folder in _folders(path) for file in _package_files(folder)]
    if not files:
        raise WitError(
            str(path), 1, 1, "expected a folder with .wit files, found none", "give the folder that has them"
        )
    return parse_sources({file.as_posix(): _read(file) for file in files}, packages=packages)


def _package_files(folder: Path) -> list[Path]:
    deps = folder if folder.name == _DEPS else folder / _DEPS
    return [
        *sorted(folder.glob("*.wit")),
        *(sorted(deps.glob("*.wit")) if deps is not folder else ()),
        *(file for package in _folders(deps) for file in sorted(package.glob("*.wit"))),
    ]


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WitError(file.as_posix(), 1, 1, f"expected a readable file, found: {error.strerror}") from None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"expected UTF-8, found the byte 0x{data[error.start]:02x}"
        raise WitError(file.as_posix(), line, column, message, "save the file as UTF-8") from None


@cache
def wasi() -> Wit:
    """Return WASI 0.3.0: the packages cli, clocks, filesystem, http, random and sockets."""
    return resolve(
        gather([parse_file(f"wasi-0.3.0/{f.name}", _read(f))] for f in sorted(_WASI.glob("*.wit"))), _NOTHING
    )


def parse_type(text: str, interface: Interface, wit: Wit) -> Type:
    """Return the type that a WIT expression means among the names of `interface`, such as `result<_, error-code>`.

    A resource's bare name means `own`. `wit` is searched for a name that the interface does not have, to say in the
    error where it is. Raises WitError, with the file `<type>`.
    """
    expression = parse_expression("<type>", text)
    for name in names_in(expression):
        elsewhere = [] if name.text in interface.types else _declaring(name.text, wit)
        if elsewhere:
            message = f"expected a type in the scope of {quote(interface.id)}, found {quote(name.text)}"
            raise WitError.at(name.position, message, f"it belongs to {', '.join(elsewhere)}")
    return TypeResolver(interface.types, Measures()).resolve(expression)


def _declaring(name: str, wit: Wit) -> list[str]:
    """Return the ids of the interfaces that declare a type of that name."""
    interfaces = (i for p in wit.packages.values() for i in p.interfaces.values())
    return [i.id for i in interfaces if name in i.types and i.types[name].used_from is None]
