"""Copies of WASI's WIT against 0.3.0."""

from __future__ import annotations

import pytest
from altered import FOLDER

from wasicheck.check.findings import Severity
from wasicheck.check.wit import NoWasiError, WitReport, check_wit
from wasicheck.wit import parse_sources, wasi

ERROR, WARNING, NOTE = Severity
CANDIDATE = "0.3.0-rc-2026-03-15"


def sources(*packages: str) -> dict[str, str]:
    return {f"deps/{file.stem}.wit": file.read_text() for file in FOLDER.glob("*.wit") if file.stem in packages}


def check(texts: dict[str, str]) -> WitReport:
    return check_wit(parse_sources(texts, packages=wasi()), wasi())


def edited(package: str, old: str, new: str) -> dict[str, str]:
    texts = sources(package)
    assert old in texts[f"deps/{package}.wit"]
    return {file: text.replace(old, new, 1) for file, text in texts.items()}


@pytest.mark.parametrize(
    ("package", "old", "new", "severity", "item", "message", "line"),
    [
        ("cli", "pipe,", "", ERROR, "cli/types@0.3.0#error-code", "case pipe is missing", 30),
        ("cli", "pipe,", "pipe, torn,", ERROR, "cli/types@0.3.0#error-code", "case torn is extra", 30),
        (
            "clocks",
            "wait-for: async",
            "wait-for:",
            ERROR,
            "clocks/monotonic-clock@0.3.0#wait-for",
            "expected async func, found func",
            21,
        ),
        (
            "cli",
            "@since(version = 0.3.0)\n    exit-with-code: func(status-code: u8);",
            "",
            ERROR,
            "cli/exit@0.3.0#exit-with-code",
            "function is missing",
            14,
        ),
        ("cli", "interface exit {", "interface exit { y: func();", ERROR, "cli/exit@0.3.0#y", "function is extra", 14),
        (
            "cli",
            "@since(version = 0.3.0)\n    import environment;",
            "",
            ERROR,
            "cli/imports@0.3.0: wasi:cli/environment@0.3.0",
            "import is missing",
            95,
        ),
        (
            "cli",
            "@since(version = 0.3.0)\ninterface exit",
            "@since(version = 0.3.1)\ninterface exit",
            NOTE,
            "cli/exit@0.3.0",
            "gates: expected @since(version = 0.3.0), found @since(version = 0.3.1)",
            14,
        ),
        (
            "cli",
            "@since(version = 0.3.0)\ninterface exit",
            "@unstable(feature = x)\ninterface exit",
            WARNING,
            "cli/exit@0.3.0",
            "gates: expected @since(version = 0.3.0), found @unstable(feature = x)",
            14,
        ),
    ],
)
def test_a_difference(package: str, old: str, new: str, severity: Severity, item: str, message: str, line: int) -> None:
    report = check(edited(package, old, new))
    found = {(f.severity, f.item, f.message): f for f in report.findings}
    assert (severity, f"wasi:{item}", message) in found
    place = found[severity, f"wasi:{item}", message].place
    assert place is not None
    assert place.split(":")[:2] == [f"deps/{package}.wit", str(line)]
    assert report.same is (severity is not ERROR)


def test_the_same() -> None:
    packages = ("cli", "clocks", "filesystem", "http", "random", "sockets")
    report = check(sources(*packages))
    assert report == WitReport(tuple(f"wasi:{p}@0.3.0" for p in packages), (), (), ())
    assert report.same


def test_a_copy_of_one_package() -> None:
    report = check(sources("http"))
    assert report.compared == ("wasi:http@0.3.0",)
    assert report.absent == tuple(f"wasi:{p}@0.3.0" for p in ("cli", "clocks", "filesystem", "random", "sockets"))
    assert report.same


@pytest.mark.parametrize(("version", "severity"), [("0.3.1", WARNING), (CANDIDATE, ERROR)])
def test_another_version_is_compared_all_the_same(version: str, severity: Severity) -> None:
    texts = edited("clocks", "wait-for: async", "wait-for:")
    report = check({file: text.replace("0.3.0", version) for file, text in texts.items()})
    item = "wasi:clocks/monotonic-clock@0.3.0#wait-for"
    assert [(f.severity, f.item, f.message) for f in report.findings if f.severity is not NOTE] == sorted(
        [
            (severity, f"wasi:clocks@{version}", f"expected the version 0.3.0, found {version}; compared all the same"),
            (ERROR, item, "expected async func, found func"),
        ],
        key=lambda finding: tuple(Severity).index(finding[0]),
    )


OLD = "package wasi:cli@0.2.6; interface environment { get: func(); }"


def test_an_earlier_release_is_not_compared() -> None:
    [finding] = check({"deps/old.wit": OLD}).findings
    assert (finding.severity, finding.item) == (ERROR, "wasi:cli@0.2.6")
    assert finding.message == "expected the version 0.3.0, found 0.2.6: not compared"


def test_an_earlier_release_beside_the_copy() -> None:
    report = check({"deps/old.wit": OLD, **sources("cli")})
    assert [(f.severity, f.item) for f in report.findings] == [(NOTE, "wasi:cli@0.2.6")]
    assert report.same


@pytest.mark.parametrize(("version", "severity"), [("0.2.6", NOTE), ("0.3.0", ERROR)])
def test_a_package_that_is_gone(version: str, severity: Severity) -> None:
    report = check({"deps/io.wit": f"package wasi:io@{version}; interface poll {{}}", **sources("cli")})
    assert [(f.severity, f.item) for f in report.findings] == [(severity, f"wasi:io@{version}")]


def test_packages_of_others() -> None:
    report = check({"w.wit": "package my:app; world w { include wasi:cli/command@0.3.0; }", **sources("cli")})
    assert report.foreign == ("my:app",)


@pytest.mark.parametrize(("texts", "said"), [({"a.wit": "package a:b;"}, "found a:b"), ({}, "found none")])
def test_no_wasi_at_all(texts: dict[str, str], said: str) -> None:
    with pytest.raises(NoWasiError, match=said):
        check(texts)
