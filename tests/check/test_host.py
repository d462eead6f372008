"""The survey of a host's surface, on hosts made up for it and on wasmtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from altered import altered

from wasicheck.check.host import ABSENT, Attempt, Item, Status, WorldSurvey, survey
from wasicheck.guest.compiler import Build
from wasicheck.host.errors import HostError
from wasicheck.session import HostSession, find_host
from wasicheck.surface import survey_host
from wasicheck.wit import wasi
from wasicheck.wit.types import Function, FunctionKind

COMMAND = "wasi:cli/command@0.3.0"
EXIT = "wasi:cli/exit@0.3.0#exit-with-code"


def name(item: Item) -> str:
    return item.item if isinstance(item, Function) else str(item.id)


class MadeUp:
    """A host that lacks some items, and knows others with another type; it counts its guests."""

    def __init__(self, *missing: str, mistyped: str = "", looks: Callable[[Item], bool] = lambda item: True) -> None:
        self.missing = missing
        self.mistyped = mistyped
        self.looks = looks
        self.types = {
            f.item: f for p in wasi().packages.values() for i in p.interfaces.values() for f in i.functions.values()
        }
        self.guests = 0

    def __call__(self, items: Sequence[Item]) -> Attempt:
        self.guests += 1
        for item in items:
            if not self.looks(item):
                continue
            if ABSENT in name(item) or any(name(item).startswith(prefix) for prefix in self.missing):
                return Attempt(False, f"cannot link `{name(item)}`\n  1: not there")
            if name(item) == self.mistyped or (isinstance(item, Function) and item != self.types[item.item]):
                return Attempt(False, f"cannot link `{name(item)}`\n  1: expected `u8`\n  2: found `u16`")
        return Attempt(True)


def statuses(found: WorldSurvey) -> dict[str, Status]:
    return {e.item: e.status for e in (*found.functions, *found.types)}


def test_a_host_that_has_everything() -> None:
    host = MadeUp()
    found = survey(wasi(), COMMAND, host)
    assert set(statuses(found).values()) == {Status.LINKED}
    assert len(found.functions) == 128
    assert not found.lacking
    # All at once, but for what is unstable or belongs to other worlds.
    assert host.guests < 15


def test_what_is_missing_is_found_one_by_one() -> None:
    gone = (EXIT, "wasi:filesystem/types@0.3.0#descriptor.sync", "wasi:random/insecure@0.3.0", "wasi:http/")
    host = MadeUp(*gone)
    found = survey(wasi(), COMMAND, host)
    for entry in (*found.functions, *found.types):
        missing = any(entry.item.startswith(prefix) for prefix in gone)
        assert (entry.status is not Status.LINKED) is missing, entry
    assert {e.status for e in found.functions} == {Status.LINKED, Status.MISSING}
    # Of a type that is no resource only functions tell.
    assert {e.item for e in found.types if e.status is Status.MISSING} == {
        f"wasi:http/types@0.3.0#{name}" for name in ("fields", "request", "request-options", "response")
    }
    # What the world does not have is no lack.
    assert not any("http" in entry.item for entry in found.lacking)
    assert EXIT in {entry.item for entry in found.lacking}
    assert host.guests < 130


def test_a_missing_resource_takes_its_functions_with_it() -> None:
    host = MadeUp("wasi:sockets/types@0.3.0#tcp-socket")
    found = statuses(survey(wasi(), COMMAND, host))
    assert {s for item, s in found.items() if "#tcp-socket" in item} == {Status.MISSING}
    assert found["wasi:sockets/types@0.3.0#udp-socket.create"] is Status.LINKED
    assert host.guests < 50


def test_what_has_another_type() -> None:
    found = survey(wasi(), COMMAND, MadeUp(mistyped=EXIT))
    [entry] = found.lacking
    assert (entry.item, entry.status) == (EXIT, Status.MISTYPED)
    assert "found `u16`" in entry.message


def test_unstable_functions_are_no_lack() -> None:
    found = survey(wasi(), COMMAND, MadeUp("wasi:clocks/timezone"))
    assert [e.unstable for e in found.functions if e.status is Status.MISSING] == ["clocks-timezone"] * 3
    assert not found.lacking


def free(item: Item) -> bool:
    return isinstance(item, Function) and item.kind is not FunctionKind.METHOD


def test_a_host_that_does_not_look_for_methods_or_types() -> None:
    def looks(item: Item) -> bool:
        return free(item) and (ABSENT in name(item) or item == types[name(item)])

    types = MadeUp().types
    found = survey(wasi(), COMMAND, MadeUp(EXIT, looks=looks))
    assert found.tells is not None
    assert (found.tells.functions, found.tells.methods, found.tells.types) == (True, False, False)
    methods = {e.status for e in found.functions if types[e.item].kind is FunctionKind.METHOD}
    assert methods == {Status.UNKNOWN}
    assert [e.item for e in found.lacking] == [EXIT]
    assert {e.status for e in found.types} == {Status.UNKNOWN}


def test_a_host_that_does_not_look_at_all() -> None:
    host = MadeUp(looks=lambda item: False)
    found = survey(wasi(), COMMAND, host)
    assert set(statuses(found).values()) == {Status.UNKNOWN}
    assert host.guests == 4


def test_a_host_that_starts_nothing() -> None:
    found = survey(wasi(), COMMAND, lambda items: Attempt(False, "no such option"))
    assert found.problem is not None
    assert "no such option" in found.problem
    assert not found.functions


@pytest.fixture(scope="module")
def wasmtime() -> HostSession:
    try:
        return HostSession(find_host("wasmtime"), Build())
    except HostError as error:
        pytest.skip(f"no wasmtime here: {error}")


def test_wasmtime(wasmtime: HostSession) -> None:
    surveys = survey_host(wasmtime)
    assert [w.world for w in surveys.worlds] == [COMMAND, "wasi:http/service@0.3.0"]
    for found in surveys.worlds:
        assert found.tells is not None
        assert found.tells.functions
        assert found.tells.methods
        assert found.tells.types
        assert not found.lacking
    assert surveys.guests < 60


def test_wasmtime_has_another_type(wasmtime: HostSession) -> None:
    command, _ = survey_host(wasmtime, altered("cli", "status-code: u8", "status-code: u16")).worlds
    [entry] = command.lacking
    assert (entry.item, entry.status) == (EXIT, Status.MISTYPED)
    assert "expected `u16` found `u8`" in entry.message or "expected `u8` found `u16`" in entry.message
