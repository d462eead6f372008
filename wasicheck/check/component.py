"""Whether a component would link on a host of WASI 0.3.0, and what keeps it from that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wasicheck.check.decoding import ComponentError, Shape, decode
from wasicheck.check.findings import Finding, Severity, count
from wasicheck.check.matching import Mismatch, definition_mismatches, function_mismatches, parameter_names
from wasicheck.check.names import Release, WasiName, canonical, successor, wasi_name
from wasicheck.check.worlds import Fit, closest, fits
from wasicheck.wit.errors import suggest
from wasicheck.wit.types import Function, Interface, ResourceType, TypeDef, Wit

_VERSIONS = {
    Release.LATER: (
        Severity.WARNING,
        "expected the version 0.3.0, found {}: hosts that match names by compatible versions link it, others do not",
        "build it against 0.3.0 if it needs nothing newer",
    ),
    Release.CANDIDATE: (
        Severity.ERROR,
        "expected the version 0.3.0, found the release candidate {}, which is compatible with nothing but itself",
        "build it again with tools that have the final 0.3.0",
    ),
    Release.OLD: (Severity.ERROR, "expected an interface of WASI 0.3.0, found one of an earlier release", None),
    Release.OTHER: (Severity.ERROR, "expected the version 0.3.0, found {}", "build it against 0.3.0"),
}


@dataclass(frozen=True)
class ComponentReport:
    """What is to be said of a component.

    `imports` and `exports` are the names of all of them; `foreign` those imports that are not of WASI's six packages,
    and so are not judged; `own` the exports that are not.
    """

    imports: tuple[str, ...]
    exports: tuple[str, ...]
    foreign: tuple[str, ...]
    own: tuple[str, ...]
    findings: tuple[Finding, ...]
    fits: tuple[Fit, ...]
    closest: tuple[str, ...]
    """The worlds that say most of those it fits."""

    @property
    def links(self) -> bool:
        """Whether nothing was found that keeps its WASI imports and exports from linking."""
        return not count(self.findings, Severity.ERROR)

    @property
    def needs_earlier(self) -> bool:
        """Whether leftovers of earlier releases are all that keeps it from linking: some hosts offer those as well."""
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        names = [wasi_name(finding.item) for finding in errors]
        return bool(names) and all(name is not None and name.release is Release.OLD for name in names)

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "links": self.links,
            "needs-earlier-release": self.needs_earlier,
            "imports": list(self.imports),
            "exports": list(self.exports),
            "foreign-imports": list(self.foreign),
            "own-exports": list(self.own),
            "worlds": {
                fit.world: {"fits": fit.fits, "beyond": list(fit.beyond), "lacking": list(fit.lacking)}
                for fit in self.fits
            },
            "closest-worlds": list(self.closest),
            "findings": [finding.data() for finding in self.findings],
        }


def check_component_file(path: Path, wit: Wit) -> ComponentReport:
    """Return the report on a file; raise ComponentError if there is no component in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ComponentError(f"expected a component file: {error.strerror}") from None
    return check_component(decode(data), wit)


def check_component(shape: Shape, wit: Wit) -> ComponentReport:
    """Return the report on a component against `wit`, which is WASI 0.3.0."""
    check = _Check(wit)
    foreign = [name for name, item in shape.imports.items() if not check.item(shape, name, item, exported=False)]
    own = [name for name, item in shape.exports.items() if not check.item(shape, name, item, exported=True)]
    found = fits(wit, map(canonical, shape.imports), map(canonical, shape.exports))
    return ComponentReport(
        tuple(shape.imports),
        tuple(shape.exports),
        tuple(foreign),
        tuple(own),
        tuple(check.findings()),
        found,
        closest(wit, found),
    )


class _Check:
    def __init__(self, wit: Wit) -> None:
        self._wit = wit
        self._interfaces = {i.id: i for p in wit.packages.values() for i in p.interfaces.values()}
        self._packages = {package.name for package in wit.packages.values()} | {"wasi:io"}
        self._found: list[Finding] = []
        self._mismatches: dict[Mismatch, dict[str, None]] = {}
        """The functions in whose types each was met; none for a type that no function mentions."""

    def findings(self) -> Iterator[Finding]:
        """Return everything, errors first."""
        found = [*self._found, *(self._finding(mismatch, via) for mismatch, via in self._mismatches.items())]
        for severity in Severity:
            yield from (finding for finding in found if finding.severity is severity)

    def item(self, shape: Shape, name: str, item: Interface | Function | str, *, exported: bool) -> bool:
        """Check an import or export; say whether it is WASI's."""
        id = shape.implements.get(name, name)
        wasi = wasi_name(id)
        if wasi is None or not isinstance(item, Interface) or wasi.package not in self._packages:
            return False
        if id != name:
            message = f"expected the name {id}, found the plain name `{name}`, which implements it"
            self._add(Severity.WARNING, name, message, "hosts that know interfaces only by their names do not link it")
        if wasi.release is not Release.SAME:
            self._version(id, wasi)
        if not wasi.comparable:
            return True
        expected = self._interfaces.get(canonical(id))
        if expected is None:
            near = suggest(canonical(id), self._interfaces)
            self._add(Severity.ERROR, id, "WASI 0.3.0 has no such interface", near)
            return True
        self._unstable(id, expected)
        if exported:
            self._exported(id, expected, item)
        else:
            self._imported(id, expected, item, wasi)
        self._types(expected, item, exported=exported)
        return True

    def _add(self, severity: Severity, item: str, message: str, hint: str | None = None) -> None:
        self._found.append(Finding(severity, item, message, hint=hint))

    def _version(self, id: str, wasi: WasiName) -> None:
        severity, message, hint = _VERSIONS[wasi.release]
        version = wasi.version or "none"
        self._add(severity, id, message.format(version), successor(wasi) if wasi.release is Release.OLD else hint)

    def _unstable(self, id: str, expected: Interface | Function) -> None:
        if feature := expected.stability.unstable:
            self._add(Severity.WARNING, id, f"unstable in 0.3.0: hosts have it only with the feature {feature}")

    def _imported(self, id: str, expected: Interface, found: Interface, wasi: WasiName) -> None:
        for name, function in found.functions.items():
            declared = expected.functions.get(name)
            if declared is None:
                hint = suggest(name, expected.functions)
                if hint is None and wasi.release is Release.LATER:
                    hint = f"it may be new in {wasi.version}"
                self._add(Severity.ERROR, f"{id}#{name}", "WASI 0.3.0 has no such function", hint)
            else:
                self._function(declared, function)

    def _exported(self, id: str, expected: Interface, found: Interface) -> None:
        for name, declared in expected.functions.items():
            function = found.functions.get(name)
            if function is None:
                self._add(Severity.ERROR, f"{id}#{name}", "the function is missing from the exported interface")
            else:
                self._function(declared, function)

    def _function(self, expected: Function, found: Function) -> None:
        if expected.kind is not found.kind:
            message = f"expected the name {expected.import_name}, found {found.import_name}"
            self._add(Severity.ERROR, expected.item, message)
            return
        if not self._interfaces[expected.interface].stability.unstable:
            self._unstable(expected.item, expected)
        names = parameter_names(expected, found)
        if names is not None:
            message = f"expected the parameters {names.expected}, found {names.found}"
            hint = "hosts pass over the names, tools that compose components do not"
            self._add(Severity.WARNING, expected.item, message, hint)
        for mismatch in function_mismatches(expected, found):
            self._mismatches.setdefault(mismatch, {})[expected.item] = None

    def _types(self, expected: Interface, found: Interface, *, exported: bool) -> None:
        for name, definition in found.types.items():
            item = f"{expected.id}#{name}"
            declared = expected.types.get(name)
            if declared is None:
                if isinstance(definition.type, ResourceType):
                    hint = suggest(name, expected.types)
                    self._add(Severity.ERROR, item, "WASI 0.3.0 has no such resource", hint)
                elif not exported:
                    self._add(Severity.WARNING, item, "WASI 0.3.0 has no such type", "hosts pass it over")
            else:
                self._definition(item, declared, definition)

    def _definition(self, item: str, expected: TypeDef, found: TypeDef) -> None:
        match expected.type, found.type:
            case ResourceType(a), ResourceType(b):
                declared, met = (f"{canonical(id.interface)}#{id.name}" for id in (a, b))
                if declared != met:
                    message = f"expected the resource {declared}, found {met}, which is another one"
                    self._add(Severity.ERROR, item, message, "let both interfaces come from one copy of the WIT")
            case (ResourceType(), _) | (_, ResourceType()):
                kinds = (
                    "a resource" if isinstance(t.type, ResourceType) else "a value type" for t in (expected, found)
                )
                self._add(Severity.ERROR, item, "expected {}, found {}".format(*kinds))
            case a, b:
                for mismatch in definition_mismatches(item, a, b):
                    self._mismatches.setdefault(mismatch, {})

    @staticmethod
    def _finding(mismatch: Mismatch, via: Iterable[str]) -> Finding:
        others = tuple(function for function in via if function != mismatch.item)
        return Finding(
            Severity.ERROR if via else Severity.WARNING,
            mismatch.item,
            f"expected {mismatch.expected}, found {mismatch.found}",
            " → ".join(mismatch.path),
            mismatch.expected,
            mismatch.found,
            None if via else "no function of the component mentions it: hosts pass it over, other tools may not",
            others,
        )
