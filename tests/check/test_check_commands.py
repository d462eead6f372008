"""`wasicheck check component | wit | host`: what they print and end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from altered import FOLDER, altered, function, guest
from scene import call, fake_runner
from wasmtime import wat2wasm

from wasicheck.check.host import Attempt, Entry, HostSurvey, Status, Tells, WorldSurvey, survey
from wasicheck.judge.status import ExitStatus
from wasicheck.report.checks import host_text
from wasicheck.wit import wasi

EXIT = "wasi:cli/exit@0.3.0#exit-with-code"


@pytest.fixture
def drifted(tmp_path: Path) -> Path:
    """A component with another type of a function, and leftovers of 0.2."""
    wit = altered("cli", "status-code: u8", "status-code: u16")
    text = guest(wit, function(wit, EXIT))[1]
    leftovers = "".join(f'\n  (import "wasi:{name}@0.2.6" (instance))' for name in ("io/poll", "io/streams"))
    file = tmp_path / "drifted.wasm"
    file.write_bytes(wat2wasm(text.replace("(component", f"(component{leftovers}", 1)))
    return file


# --- component -----------------------------------------------------------------------------------


def test_a_component_that_would_not_link(drifted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "component", str(drifted)) == ExitStatus.RED
    assert (
        capsys.readouterr().out
        == f"""\
{drifted}: would not link on a host of WASI 0.3.0 (3 errors)
5 imports, 1 export
  fits no world of WASI 0.3.0
  but for 2 imports it would fit wasi:cli/command@0.3.0: wasi:io/poll@0.2.6, wasi:io/streams@0.2.6

error 2 items: expected an interface of WASI 0.3.0, found one of an earlier release
    wasi:io/poll@0.2.6  gone: an `async func` or a `future<T>` is waited for by the component model itself
    wasi:io/streams@0.2.6  gone: `stream<u8>` of the component model took its place

error {EXIT}, parameter status-code
    expected u8, found u16
"""
    )


def test_a_component_as_json(drifted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "component", "--json", str(drifted)) == ExitStatus.RED
    data = json.loads(capsys.readouterr().out)
    assert (data["links"], data["needs-earlier-release"]) == (False, False)
    assert data["worlds"]["wasi:cli/command@0.3.0"]["beyond"] == ["wasi:io/poll@0.2.6", "wasi:io/streams@0.2.6"]
    assert data["findings"][-1] == {
        "severity": "error",
        "item": EXIT,
        "path": "parameter status-code",
        "message": "expected u8, found u16",
        "expected": "u8",
        "found": "u16",
        "hint": None,
        "via": [],
        "place": None,
    }


def test_a_component_that_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fine.wasm"
    file.write_bytes(guest(wasi())[0])
    assert call("check", "component", str(file)) == ExitStatus.OK
    output = capsys.readouterr().out
    assert output.startswith(f"{file}: nothing keeps it from linking on a host of WASI 0.3.0\n")
    assert "  fits wasi:cli/command@0.3.0\n" in output


def test_a_file_that_is_no_component(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text.wat"
    file.write_text("(component)")
    assert call("check", "component", str(file)) == ExitStatus.USAGE_ERROR
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"wasicheck: {file}: expected a component binary, found text")


# --- wit -----------------------------------------------------------------------------------------


def test_a_copy_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (FOLDER / "cli.wit").read_text().replace("status-code: u8", "code: u8")
    (tmp_path / "cli.wit").write_text(
        text.replace("@since(version = 0.3.0)\ninterface", "@since(version = 0.3.1)\ninterface")
    )
    assert call("check", "wit", str(tmp_path)) == ExitStatus.RED
    output = capsys.readouterr().out
    assert output.startswith(f"{tmp_path}: differs from WASI 0.3.0 (2 errors, 14 notes)\ncompared: wasi:cli@0.3.0\n")
    assert (
        f"""
error {tmp_path}/cli.wit:18:5: {EXIT}
    parameter status-code is missing
    parameter code is extra

note 14 items: gates: expected @since(version = 0.3.0), found @since(version = 0.3.1)
    {tmp_path}/cli.wit:4:11: wasi:cli/environment@0.3.0
"""
        in output
    )
    assert output.endswith("    … and 9 more, see --json\n")


def test_a_copy_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cli.wit").write_text((FOLDER / "cli.wit").read_text())
    assert call("check", "wit", "--json", str(tmp_path)) == ExitStatus.OK
    data = json.loads(capsys.readouterr().out)
    assert (data["same"], data["compared"], data["findings"]) == (True, ["wasi:cli@0.3.0"], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("package wasi:cli@0.3.0;\ninterface x { f: fnc(); }", "x.wit:2:18: expected `func`, found `fnc`"),
        ("package a:b;", ": expected packages of WASI 0.3.0, found a:b"),
    ],
)
def test_a_copy_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    (tmp_path / "x.wit").write_text(text)
    assert call("check", "wit", str(tmp_path)) == ExitStatus.USAGE_ERROR
    assert said in capsys.readouterr().err


# --- host ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "status", "said"),
    [
        ("claims-everything", ExitStatus.OK, "linking tells nothing"),
        ("does-nothing", ExitStatus.HARNESS_ERROR, "nothing found out"),
    ],
)
def test_a_host(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    behaviour: str,
    status: ExitStatus,
    said: str,
) -> None:
    runner = fake_runner(tmp_path / "fake", monkeypatch, behaviour)
    assert call("check", "host", "--host", str(runner)) == status
    assert said in capsys.readouterr().out


def test_a_host_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "host", "--host", "nowhere.toml") == ExitStatus.USAGE_ERROR
    assert "nowhere.toml" in capsys.readouterr().err


def test_the_survey_as_text() -> None:
    words = "Error: no\n  0: `x`\n  1: function implementation is missing\n"
    functions = (
        Entry("wasi:cli/exit@0.3.0#exit", Status.LINKED),
        Entry(EXIT, Status.MISSING, None, words),
        Entry("wasi:clocks/timezone@0.3.0#iana-id", Status.MISSING, "clocks-timezone", words),
        Entry("wasi:http/client@0.3.0#send", Status.MISTYPED, None, words, beyond=True),
        Entry("wasi:random/random@0.3.0#get-random-u64", Status.MISTYPED, None, "1: expected\n2: found\n   at x:1"),
    )
    types = (Entry("wasi:cli/types@0.3.0#error-code", Status.UNKNOWN, None, "no function that links mentions it"),)
    world = WorldSurvey("wasi:cli/command@0.3.0", Tells(True, False, True, True), functions, types)
    assert (
        host_text(HostSurvey("h@1", (world,), 9, 1.25)).plain
        == """\
h@1: 9 guests that only import, in 1.2 s

interface                   command: functions  types
wasi:cli/exit@0.3.0         1/2                 -
wasi:cli/types@0.3.0        -                   0/1 ?1
wasi:clocks/timezone@0.3.0  0/1                 -
wasi:http/client@0.3.0      (0/1)               -
wasi:random/random@0.3.0    0/1                 -
all that the world has      1/4                 0/1 ?1

wasi:cli/command@0.3.0
  missing: function implementation is missing
    wasi:cli/exit@0.3.0#exit-with-code
  mistyped: expected: found
    wasi:random/random@0.3.0#get-random-u64
  missing, unstable (clocks-timezone): function implementation is missing
    wasi:clocks/timezone@0.3.0#iana-id
  not offered, nor asked for by this world: wasi:http/client@0.3.0 (1)
  this host links a method that it does not have: whether it has one shows only when it is called
  this host refuses a function with another type: `linked` means that the type is the right one too"""
    )


def test_the_survey_as_data() -> None:
    found = survey(wasi(), "wasi:cli/command@0.3.0", lambda items: Attempt(not items, "no"))
    data = found.data()
    assert data["tells"] == {"functions": True, "methods": True, "resources": True, "types": False}
    functions = data["functions"]
    assert isinstance(functions, dict)
    assert functions[EXIT] == {"status": "missing", "unstable": None, "beyond": False, "message": "no"}
