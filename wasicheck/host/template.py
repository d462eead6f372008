"""Command lines with placeholders: `["{binary}", "run", "{options}", "{component}", "{args}"]`.

`{name}` stands for a value and `{{`, `}}` for braces. The names in `LISTS` stand for lists: they have to be whole
items, and expand in place. Nothing is ever passed through a shell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wasicheck.host.errors import suggest

LISTS = frozenset({"options", "args"})

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z]+)\}|[{}]")


class TemplateError(ValueError):
    """An item that cannot be expanded; the message says which and why."""


@dataclass(frozen=True)
class Template:
    """An argv whose placeholders are known to be among those allowed where it stands."""

    items: tuple[str, ...]

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that the items mention."""
        return frozenset(match[1] for item in self.items for match in _TOKEN.finditer(item) if match[1])

    def expand(self, values: Mapping[str, str], lists: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
        """Return the command line; `values` and `lists` have to cover the placeholders (KeyError otherwise)."""
        argv: list[str] = []
        for item in self.items:
            if (name := item[1:-1]) in LISTS and item == f"{{{name}}}":
                argv += (lists or {})[name]
            else:
                argv.append(_TOKEN.sub(lambda match: values[match[1]] if match[1] else match[0][0], item))
        return tuple(argv)


def parse(items: Sequence[str], allowed: Collection[str]) -> Template:
    """Return the items as a template; raise TemplateError for a placeholder that is unknown or not a whole item."""
    for item in items:
        for match in _TOKEN.finditer(item):
            name = match[1]
            if match[0] in ("{", "}"):
                raise TemplateError(f'a lone "{match[0]}" in "{item}"; write "{match[0] * 2}" for a brace')
            if name is None:
                continue
            if name not in allowed:
                raise TemplateError(f"{{{name}}} means nothing here{suggest(name, allowed)}")
            if name in LISTS and item != match[0]:
                raise TemplateError(
                    f'{{{name}}} stands for a list and has to be an item of its own, not part of "{item}"'
                )
    return Template(tuple(items))
