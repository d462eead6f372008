"""Reading TOML strictly: every key is known, every value has its type, and an error names the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from wasicheck.host.errors import RunnerError, suggest
from wasicheck.host.template import Template, TemplateError, parse

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_UNITS = {"ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*[.=]""")


def read_toml(path: Path) -> Table:
    """Return the file's top table; raise RunnerError when it cannot be read or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunnerError(path, None, "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RunnerError(path, None, "", f"is not UTF-8 text (byte {error.start})") from None
    try:
        return Table(path, text, (), tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        line = int(where[1]) if where else None
        raise RunnerError(path, line, "", f"is not valid TOML: {error}") from None


class Table:
    """A table of the file under its dotted `key`; getters check the type and raise RunnerError."""

    def __init__(self, file: Path, text: str, key: tuple[str, ...], values: dict[str, Any]) -> None:
        self.file = file
        self._text = text
        self._key = key
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def only(self, known: Collection[str]) -> None:
        """Refuse keys that are not known."""
        for key in self._values:
            if key not in known:
                raise self.error(key, f"unknown key{suggest(key, known)}")

    def error(self, key: str, problem: str) -> RunnerError:
        """Return an error about one of the table's keys (or, with "", about the table)."""
        path = (*self._key, key) if key else self._key
        return RunnerError(self.file, _line(self._text, path), ".".join(path), problem)

    def require(self, key: str, example: str) -> None:
        """Refuse a table without the key."""
        if key not in self._values:
            raise self.error(key, f"is missing; add {example}")

    def string(self, key: str) -> str:
        """Return a string that is not empty."""
        value = self._values[key]
        if not isinstance(value, str) or not value:
            raise self.error(key, f"expected a string that is not empty, found {_kind(value)}")
        return value

    def optional_string(self, key: str) -> str | None:
        """Return a string, or None where the key is absent."""
        return self.string(key) if key in self._values else None

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; an absent key is an empty list."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"expected a list of strings, found {_kind(value)}")
        return tuple(value)

    def string_map(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a table of strings as pairs; an absent key is an empty table."""
        value = self._values.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"expected a table of strings, found {_kind(value)}")
        for name, item in value.items():
            if not isinstance(item, str):
                raise self.error(key, f"expected a string for {name}, found {_kind(item)}")
        return tuple(value.items())

    def is_table(self, key: str) -> bool:
        """Say whether the value is a table."""
        return isinstance(self._values[key], dict)

    def table(self, key: str) -> Table:
        """Return a sub-table."""
        value = self._values[key]
        if not isinstance(value, dict):
            raise self.error(key, f"expected a table, found {_kind(value)}")
        return Table(self.file, self._text, (*self._key, key), value)

    def tables(self, key: str) -> list[Table]:
        """Return an array of tables; an absent key is an empty one."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, f"expected [[{key}]] tables, found {_kind(value)}")
        return [Table(self.file, self._text, (*self._key, key), item) for item in value]

    def template(self, key: str, allowed: Collection[str]) -> Template:
        """Return an argv with placeholders, all of them among `allowed`."""
        try:
            return parse(self.strings(key), allowed)
        except TemplateError as error:
            raise self.error(key, str(error)) from None

    def templates(self, key: str, allowed: Collection[str]) -> tuple[tuple[str, Template], ...]:
        """Return a table of strings with placeholders as pairs; an absent key is an empty table."""
        try:
            return tuple((name, parse((value,), allowed)) for name, value in self.string_map(key))
        except TemplateError as error:
            raise self.error(key, str(error)) from None

    def duration(self, key: str, default: int) -> int:
        """Return a duration in nanoseconds."""
        if key not in self._values:
            return default
        value = self._values[key]
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.error(key, f'expected a duration such as "10s", "200ms" or "5m", found {_kind(value)}')
        return int(float(match[1]) * _UNITS[match[2]])


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case int() | float():
            return str(value)
        case list():
            return "a list" if all(isinstance(item, str) for item in value) else "a list of other things"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"


def _line(text: str, path: tuple[str, ...]) -> int | None:
    """Return the line where the key stands, or failing that its nearest enclosing table (None: nowhere)."""
    best: tuple[int, int] | None = None
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            header = tuple(part.strip(" \"'") for part in match[1].split("."))
            found = header
        elif match := _KEY.match(line):
            found = (*header, match[1].strip("\"'"))
        else:
            continue
        if path[: len(found)] == found and (best is None or len(found) > best[0]):
            best = (len(found), number)
    return best[1] if best else None
