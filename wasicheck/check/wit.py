"""How a copy of WASI's WIT differs from 0.3.0, whatever version it says it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from wasicheck.check.findings import Finding, Severity, count
from wasicheck.check.names import VERSION, Release, canonical, wasi_name
from wasicheck.wit.compare import Difference, DifferenceKind, compare_packages
from wasicheck.wit.types import Package, Stability, Wit


class NoWasiError(Exception):
    """A folder of WIT without any package of WASI; `str()` says so."""


@dataclass(frozen=True)
class WitReport:
    """What is to be said of a copy.

    `compared` are the packages that were held against 0.3.0, with the ids they have in the copy; `foreign` those that
    are not of WASI's six, `absent` those of the six that the copy does not have.
    """

    compared: tuple[str, ...]
    foreign: tuple[str, ...]
    absent: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def same(self) -> bool:
        """Whether the copy says what 0.3.0 says."""
        return not count(self.findings, Severity.ERROR)

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "same": self.same,
            "compared": list(self.compared),
            "foreign": list(self.foreign),
            "absent": list(self.absent),
            "findings": [finding.data() for finding in self.findings],
        }


def check_wit(copy: Wit, wit: Wit) -> WitReport:
    """Return how `copy` differs from `wit`, which is WASI 0.3.0; packages that are those of `wit` do not count.

    Raises NoWasiError.
    """
    own = [package for id, package in copy.packages.items() if package is not wit.packages.get(id)]
    known = {package.name for package in wit.packages.values()} | {"wasi:io"}
    vendored = [package for package in own if package.name in known]
    if not vendored:
        there = f"found {', '.join(p.id for p in own)}" if own else "found none"
        raise NoWasiError(f"expected packages of WASI 0.3.0, {there}")
    compared = [p for p in vendored if (name := wasi_name(p.id)) is not None and name.comparable]
    findings = [finding for package in vendored for finding in _version(package, {p.name for p in compared})]
    for package in compared:
        # `wasi:io` at 0.3 is not there to compare with: what version it has is all there is to say.
        if (expected := wit.packages.get(canonical(package.id))) is not None:
            findings += _differences(expected, package)
    return WitReport(
        tuple(package.id for package in compared),
        tuple(package.id for package in own if package not in vendored),
        tuple(p.id for p in wit.packages.values() if p.name not in {package.name for package in vendored}),
        tuple(f for severity in Severity for f in findings if f.severity is severity),
    )


def _version(package: Package, compared: set[str]) -> Iterator[Finding]:
    name = wasi_name(package.id)
    assert name is not None
    if package.name == "wasi:io":
        severity = Severity.ERROR if name.comparable else Severity.NOTE
        yield Finding(severity, package.id, "WASI 0.3.0 has no such package", hint="streams and futures are types now")
        return
    version = package.version or "none"
    message = f"expected the version {VERSION}, found {version}"
    match name.release:
        case Release.SAME:
            return
        case Release.LATER | Release.CANDIDATE:
            severity = Severity.WARNING if name.release is Release.LATER else Severity.ERROR
            yield Finding(severity, package.id, f"{message}; compared all the same", expected=VERSION, found=version)
        case Release.OLD | Release.OTHER:
            severity = Severity.NOTE if package.name in compared else Severity.ERROR
            yield Finding(severity, package.id, f"{message}: not compared", expected=VERSION, found=version)


def _differences(expected: Package, package: Package) -> Iterator[Finding]:
    package = replace(_canonical(package), version=VERSION)
    found = compare_packages(expected, package)
    features = compare_packages(_without_versions(expected), _without_versions(package))
    gated = {d.item for d in features if d.kind is DifferenceKind.GATES}
    for difference in found:
        yield Finding(
            _severity(difference, gated),
            difference.item,
            difference.what,
            place=None if difference.position is None else str(difference.position),
        )


def _severity(difference: Difference, gated: set[str]) -> Severity:
    """A gate's versions say when something came; its feature says whether hosts have it."""
    if difference.kind is not DifferenceKind.GATES:
        return Severity.ERROR
    return Severity.WARNING if difference.item in gated else Severity.NOTE


def _canonical(part: Any) -> Any:
    """Return a package or a part of one with the version 0.3.0 in every id of WASI's."""
    match part:
        case str():
            return canonical(part)
        case tuple():
            return tuple(map(_canonical, part))
        case Mapping():
            return {name: _canonical(value) for name, value in part.items()}
        case _ if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{f.name: _canonical(getattr(part, f.name)) for f in fields(part)})
        case _:
            return part


def _without_versions(part: Any) -> Any:
    """Return a package or a part of one with gates that say nothing of versions."""
    match part:
        case Stability():
            return Stability(unstable=part.unstable)
        case tuple():
            return tuple(map(_without_versions, part))
        case Mapping():
            return {name: _without_versions(value) for name, value in part.items()}
        case _ if is_dataclass(part) and not isinstance(part, type):
            return replace(part, **{f.name: _without_versions(getattr(part, f.name)) for f in fields(part)})
        case _:
            return part
