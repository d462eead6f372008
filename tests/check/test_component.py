"""Components against WASI 0.3.0: what is found in them, and that wasmtime agrees on whether they link."""

from __future__ import annotations

from pathlib import Path

import pytest
from altered import altered, function, guest
from wasmtime import wat2wasm

from wasicheck.check.component import ComponentReport, check_component, check_component_file
from wasicheck.check.decoding import ComponentError, decode
from wasicheck.check.findings import Severity
from wasicheck.guest.compiler import Build, compile_steps
from wasicheck.host.errors import HostError
from wasicheck.host.execute import execute
from wasicheck.judge.observation import observe
from wasicheck.session import find_host
from wasicheck.vectors.model import Lift, World
from wasicheck.vectors.surroundings import Environment
from wasicheck.wit import wasi
from wasicheck.wit.types import EnumType, Wit

ERROR, WARNING = Severity.ERROR, Severity.WARNING
EXIT = "wasi:cli/exit@0.3.0#exit-with-code"
CWD = "wasi:cli/environment@0.3.0#get-initial-cwd"
STDOUT = "wasi:cli/stdout@0.3.0#write-via-stream"
ERROR_CODE = "wasi:cli/types@0.3.0#error-code"
WAIT = "wasi:clocks/monotonic-clock@0.3.0#wait-for"
CREATE = "wasi:sockets/types@0.3.0#tcp-socket.create"
TERMINAL = "wasi:cli/terminal-stdin@0.3.0#get-terminal-stdin"
NOW = "wasi:clocks/system-clock@0.3.0#now"
INSTANT = "wasi:clocks/system-clock@0.3.0#instant"

# Package, what is altered in it, the function that the guest imports, and what is found.
DRIFTED = [
    (
        "cli",
        "status-code: u8",
        "status-code: u16",
        EXIT,
        (ERROR, EXIT, "parameter status-code", "expected u8, found u16"),
    ),
    (
        "cli",
        "status-code: u8",
        "",
        EXIT,
        (ERROR, EXIT, "parameter status-code", "expected u8, found no such parameter"),
    ),
    (
        "cli",
        "status-code: u8",
        "status-code: u8, b: u8",
        EXIT,
        (ERROR, EXIT, "parameter b", "expected no such parameter, found u8"),
    ),
    (
        "cli",
        "status-code: u8",
        "code: u8",
        EXIT,
        (WARNING, EXIT, "", "expected the parameters status-code, found code"),
    ),
    ("cli", "option<string>", "string", CWD, (ERROR, CWD, "result", "expected option<string>, found string")),
    ("cli", "option<string>", "option<u8>", CWD, (ERROR, CWD, "result → some", "expected string, found u8")),
    ("cli", " -> option<string>", "", CWD, (ERROR, CWD, "result", "expected option<string>, found nothing")),
    ("cli", "pipe,", "", STDOUT, (ERROR, ERROR_CODE, "case pipe", "expected a case, found no such case")),
    ("cli", "pipe,", "pipe, torn,", STDOUT, (ERROR, ERROR_CODE, "case torn", "expected no such case, found a case")),
    (
        "cli",
        "interface stdout {\n    use types.{error-code};",
        "interface stdout {\n    resource r; use types.{error-code};\n  make: func() -> r;",
        "wasi:cli/stdout@0.3.0#make",
        (ERROR, "wasi:cli/stdout@0.3.0#r", "", "WASI 0.3.0 has no such resource"),
    ),
    (
        "cli",
        "exit-with-code: func",
        "exit-with-cod: func",
        EXIT[:-1],
        (ERROR, EXIT[:-1], "", "WASI 0.3.0 has no such function"),
    ),
    (
        "cli",
        "interface exit {",
        "interface exits { exit-with-code: func(status-code: u8); } interface exit {",
        EXIT.replace("exit@", "exits@"),
        (ERROR, "wasi:cli/exits@0.3.0", "", "WASI 0.3.0 has no such interface"),
    ),
    ("clocks", "wait-for: async func", "wait-for: func", WAIT, (ERROR, WAIT, "", "expected async func, found func")),
    ("clocks", "seconds: s64", "seconds: u64", NOW, (ERROR, INSTANT, "field seconds", "expected s64, found u64")),
    (
        "clocks",
        "seconds: s64,\n        nanoseconds: u32",
        "nanoseconds: u32, seconds: s64",
        NOW,
        (ERROR, INSTANT, "order of fields", "expected seconds, nanoseconds, found nanoseconds, seconds"),
    ),
    (
        "sockets",
        "create: static func",
        "create: func",
        CREATE,
        (ERROR, CREATE, "", "expected the name [static]tcp-socket.create, found [method]tcp-socket.create"),
    ),
    (
        "cli",
        "use terminal-input.{terminal-input};",
        "resource terminal-input;",
        TERMINAL,
        (
            ERROR,
            TERMINAL,
            "result → some",
            "expected the resource wasi:cli/terminal-input@0.3.0#terminal-input,"
            " found the resource wasi:cli/terminal-stdin@0.3.0#terminal-input",
        ),
    ),
]


Drift = tuple[str, str, str, str, tuple[Severity, str, str, str]]


def check(wasm: bytes) -> ComponentReport:
    return check_component(decode(wasm), wasi())


def summary(report: ComponentReport) -> list[tuple[Severity, str, str, str]]:
    return [(f.severity, f.item, f.path, f.message) for f in report.findings]


@pytest.mark.parametrize("drift", DRIFTED, ids=lambda d: f"{d[4][1].partition('/')[2]} {d[4][2]}")
def test_what_drifted(drift: Drift) -> None:
    package, old, new, item, expected = drift
    wit = altered(package, old, new)
    report = check(guest(wit, function(wit, item))[0])
    assert expected in summary(report)
    assert report.links is (expected[0] is not ERROR)


def test_what_is_the_same_is_not_mentioned() -> None:
    functions = [f for p in wasi().packages.values() for i in p.interfaces.values() for f in i.functions.values()]
    report = check(guest(wasi(), *functions)[0])
    assert {(f.severity, f.message) for f in report.findings} == {
        (WARNING, "unstable in 0.3.0: hosts have it only with the feature clocks-timezone")
    }
    assert report.links


def test_a_type_is_told_once_with_the_functions_that_mention_it() -> None:
    wit = altered("cli", "pipe,", "")
    [finding] = check(guest(wit, function(wit, STDOUT))[0]).findings
    assert finding.via == (STDOUT, "wasi:cli/stderr@0.3.0#write-via-stream")


def test_a_type_that_no_function_mentions_is_a_warning() -> None:
    wit = altered("filesystem", "no-reuse,", "")
    advice = wit.interface("wasi:filesystem/types@0.3.0").types["advice"].type
    assert isinstance(advice, EnumType)
    report = check(guest(wit, advice)[0])
    assert summary(report) == [
        (WARNING, "wasi:filesystem/types@0.3.0#advice", "case no-reuse", "expected a case, found no such case")
    ]


def test_names_of_types_do_not_count() -> None:
    _, text = guest(wasi(), function(wasi(), NOW))
    report = check(bytes(wat2wasm(text.replace('"instant"', '"moment"'))))
    assert summary(report) == [(WARNING, "wasi:clocks/system-clock@0.3.0#moment", "", "WASI 0.3.0 has no such type")]


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "severity", "said"),
    [
        ("0.3.1", WARNING, "hosts that match names by compatible versions link it, others do not"),
        ("0.3.0-rc-2026-03-15", ERROR, "found the release candidate 0.3.0-rc-2026-03-15, which is compatible with"),
        ("0.2.6", ERROR, "found one of an earlier release"),
        ("0.4.0", ERROR, "expected the version 0.3.0, found 0.4.0"),
    ],
)
def test_another_version(version: str, severity: Severity, said: str) -> None:
    wit = altered("cli", "status-code: u8", "status-code: u16")
    text = guest(wit, function(wit, EXIT))[1].replace("@0.3.0", f"@{version}")
    report = check(bytes(wat2wasm(text)))
    versions = [f for f in report.findings if said in f.message]
    assert [f.severity for f in versions] == [severity] * 4
    assert {f.item for f in versions} == {*report.imports, *report.exports}
    # What is compared at all is compared whatever the version.
    compared = (ERROR, EXIT, "parameter status-code", "expected u8, found u16") in summary(report)
    assert compared is version.startswith("0.3")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wasi:io/poll@0.2.6", "gone: an `async func`"),
        ("wasi:http/outgoing-handler@0.2.0", "now `wasi:http/client`"),
        ("wasi:clocks/wall-clock@0.2.6", "now `wasi:clocks/system-clock`"),
        ("wasi:random/random@0.2.6", "0.3.0 has an interface of that name"),
    ],
)
def test_leftovers_of_earlier_releases(name: str, hint: str) -> None:
    report = check(bytes(wat2wasm(f'(component (import "{name}" (instance)))')))
    [finding] = report.findings
    assert report.needs_earlier
    assert finding.severity is ERROR
    assert finding.hint is not None
    assert finding.hint.startswith(hint)


def test_what_is_not_wasi_is_named_and_not_judged() -> None:
    wat = """(component (import "my:store/rows@1.0.0" (instance)) (import "wasi:nn/tensor@0.2.0" (instance))
      (import "log" (func (param "text" string))) (instance $own) (export "own" (instance $own)))"""
    report = check(bytes(wat2wasm(wat)))
    assert report.foreign == ("my:store/rows@1.0.0", "wasi:nn/tensor@0.2.0", "log")
    assert report.own == ("own",)
    assert report.links
    assert report.closest == ()


# --- worlds --------------------------------------------------------------------------------------


def compiled(world: World, lift: Lift, wit: Wit, *items: str) -> ComponentReport:
    link = tuple(function(wit, item) for item in items)
    return check(compile_steps((), wit, Build(lift), link=link, limits=False, world=world).wasm)


@pytest.mark.parametrize(
    ("world", "items", "closest"),
    [
        (World.COMMAND, [], ["wasi:cli/command@0.3.0"]),
        (World.COMMAND, [CREATE], ["wasi:cli/command@0.3.0"]),
        (World.COMMAND, ["wasi:http/client@0.3.0#send"], []),
        (World.SERVICE, ["wasi:http/client@0.3.0#send"], ["wasi:http/service@0.3.0"]),
        (World.SERVICE, ["wasi:http/handler@0.3.0#handle"], ["wasi:http/middleware@0.3.0"]),
        (World.SERVICE, [CREATE], []),
    ],
)
def test_the_world_that_it_fits(world: World, items: list[str], closest: list[str]) -> None:
    lift = Lift.SYNC if world is World.COMMAND else Lift.CALLBACK
    report = compiled(world, lift, wasi(), *items)
    assert report.links
    assert list(report.closest) == closest


def test_a_library_fits_worlds_that_only_import() -> None:
    text = '(component (import "wasi:random/random@0.3.0" (instance (export "get-random-u64" (func (result u64))))))'
    report = check(bytes(wat2wasm(text)))
    assert report.closest == ("wasi:random/imports@0.3.0",)


def test_an_export_lacks_its_function() -> None:
    report = check(bytes(wat2wasm('(component (instance $e) (export "wasi:cli/run@0.3.0" (instance $e)))')))
    message = "the function is missing from the exported interface"
    assert summary(report) == [(ERROR, "wasi:cli/run@0.3.0#run", "", message)]


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "found an empty file"),
        (b"\0as", "found the first 3 bytes of one"),
        (b"\0asm\x0d", "found the first 5 bytes of one"),
        (b"(component)", "found text"),
        (bytes(range(128, 200)), "found another kind of file"),
        (b"\0asm\1\0\0\0", "found a core module"),
        (b"\0asm\x0e\0\1\0", "found `0e 00 01 00`"),
        (guest(wasi())[0][:500], "unexpected end"),
        (guest(wasi())[0][:8] + b"\x63" + guest(wasi())[0][9:], "that wasmtime does not take"),
    ],
)
def test_what_is_no_component(data: bytes, said: str) -> None:
    with pytest.raises(ComponentError) as error:
        decode(data)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="No such file"):
        check_component_file(tmp_path / "none.wasm", wasi())


# --- the truth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", DRIFTED, ids=lambda d: f"{d[4][1].partition('/')[2]} {d[4][2]}")
def test_wasmtime_agrees(drift: Drift) -> None:
    try:
        host = find_host("wasmtime")
    except HostError as error:
        pytest.skip(f"no wasmtime here: {error}")
    package, old, new, item, _ = drift
    wit = altered(package, old, new)
    wasm, _ = guest(wit, function(wit, item))
    run = execute(host, wasm, Environment(), {}, deadline_ns=10_000_000_000)
    assert observe((), (), run).started is check(wasm).links, run.stderr.decode()
