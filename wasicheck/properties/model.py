"""A property: statements of the specification about all values of some kind, as a way to make vectors of random ones.

Such a vector is text, as a person would write it. So it is checked like any other, and a counterexample is a vector
that can be put into a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis.strategies import SearchStrategy

from wasicheck.vectors.listing import PROPERTY

Body = Mapping[str, Any]
"""What a vector has besides its head: `steps`, `given`, `after`, as YAML has them."""


@dataclass(frozen=True)
class Property:
    """What must hold for all values that `bodies` draws; `id` without the prefix, the rest as in a vector."""

    id: str
    title: str
    interface: str
    requirements: tuple[str, ...]
    bodies: SearchStrategy[Body]

    @property
    def name(self) -> str:
        """What results and expectations call it: `property-file-contents`."""
        return PROPERTY + self.id

    @property
    def vector_id(self) -> str:
        """The id of a vector that is made of it."""
        return f"counterexample-{self.id}"

    def text(self, body: Body) -> str:
        """Return the file of one vector, in ASCII, so that it survives any terminal and clipboard."""
        vector = {
            "id": self.vector_id,
            "title": self.title,
            "requirements": list(self.requirements),
            **body,
        }
        return yaml.dump(
            {"interface": self.interface, "vectors": [vector]},
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            width=100,
        )


class _Dumper(yaml.SafeDumper):
    """Indents lists as the project's files do, and writes out what occurs twice."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def steps(*parts: Body | Sequence[Body]) -> list[Body]:
    """Join steps and lists of steps."""
    joined: list[Body] = []
    for part in parts:
        joined += [part] if isinstance(part, Mapping) else part
    return joined
