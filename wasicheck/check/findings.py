"""What a check found, as data that every form of output shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """It keeps things from linking, or changes what a type or function is."""
    WARNING = "warning"
    """It depends on the host whether it does."""
    NOTE = "note"
    """Worth knowing, and not judged."""


@dataclass(frozen=True)
class Finding:
    """One finding about a WIT item.

    `item` is as requirements cite it (`wasi:sockets/types@0.3.0#tcp-socket.connect`), or the name of an import or
    export; `path` leads from the item to the part of its type (`result → err`), empty for the item itself; `via` are
    the functions that mention a type, `place` is where it stands (`file:line:column`).
    """

    severity: Severity
    item: str
    message: str
    path: str = ""
    expected: str | None = None
    found: str | None = None
    hint: str | None = None
    via: tuple[str, ...] = ()
    place: str | None = None

    def data(self) -> dict[str, object]:
        """Return it for JSON; what is not known is null."""
        return {
            "severity": self.severity.value,
            "item": self.item,
            "path": self.path or None,
            "message": self.message,
            "expected": self.expected,
            "found": self.found,
            "hint": self.hint,
            "via": list(self.via),
            "place": self.place,
        }


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """Return how many findings have that severity."""
    return sum(finding.severity is severity for finding in findings)
