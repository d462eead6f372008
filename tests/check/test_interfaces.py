"""A survey as results, one for each interface of the surveyed worlds."""

from __future__ import annotations

import pytest

from wasicheck.check.host import Attempt, HostSurvey, Status, WorldSurvey, survey
from wasicheck.check.interfaces import interface_ids, interface_results
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.listing import SURFACE
from wasicheck.wit import wasi
from wasicheck.wit.types import Function

COMMAND, SERVICE = "wasi:cli/command@0.3.0", "wasi:http/service@0.3.0"


def results(world: WorldSurvey) -> dict[str, Result]:
    found = interface_results(HostSurvey("h@1", (world,), 1, 0.5), wasi(), "path/runner.toml")
    return {id.removeprefix("surface-command-"): result for id, result in found.items()}


def refusing(*prefixes: str, words: str = "not there") -> WorldSurvey:
    """The survey of a host that refuses what begins so."""

    def link(items):  # type: ignore[no-untyped-def]
        names = [item.item if isinstance(item, Function) else str(item.id) for item in items]
        bad = [name for name in names if name.startswith(prefixes) or "wasicheck-absent" in name]
        other = [item for item in items if isinstance(item, Function) and item not in FUNCTIONS]
        return Attempt(not bad and not other, words if bad else "another type")

    return survey(wasi(), COMMAND, link, beyond=False)


FUNCTIONS = [f for p in wasi().packages.values() for i in p.interfaces.values() for f in i.functions.values()]


def test_there_is_one_for_each_interface_that_has_something() -> None:
    ids = interface_ids(wasi(), [COMMAND, SERVICE])
    assert ids["surface-command-sockets-types"] == (COMMAND, "wasi:sockets/types@0.3.0")
    assert ids["surface-service-http-client"] == (SERVICE, "wasi:http/client@0.3.0")
    # Not what belongs to the other world, what guests export, nor what has nothing but aliases.
    absent = {"surface-command-http-types", "surface-service-sockets-types", "surface-command-cli-run"}
    assert not {*absent, "surface-command-clocks-types", "surface-service-http-handler"} & set(ids)
    assert all(id.startswith(SURFACE) for id in ids)
    assert len(ids) == 33


def test_a_host_that_has_everything() -> None:
    found = results(refusing("-"))
    assert {result.verdict for result in found.values()} == {Verdict.PASS}
    result = found["cli-exit"]
    assert (result.title, result.interface, result.host) == (
        "A guest of wasi:cli/command@0.3.0 can import all of wasi:cli/exit@0.3.0", "wasi:cli/exit@0.3.0", "h@1",
    )  # fmt: skip
    assert result.command == "wasicheck check host --host path/runner.toml"


def test_a_function_that_is_not_there() -> None:
    found = results(refusing("wasi:cli/exit@0.3.0#exit-with-code"))
    assert {id for id, result in found.items() if result.verdict is not Verdict.PASS} == {"cli-exit"}
    assert found["cli-exit"].verdict is Verdict.UNSUPPORTED
    assert found["cli-exit"].reason == (
        "1 of 2 functions and types is refused: exit-with-code\n\n"
        "wasi:cli/exit@0.3.0#exit-with-code is missing: not there"
    )


def test_what_is_unstable_need_not_be_there() -> None:
    found = results(refusing("wasi:clocks/timezone"))["clocks-timezone"]
    assert (found.verdict, found.reason) == (
        Verdict.SKIP, "the host does not offer the unstable feature clocks-timezone",
    )  # fmt: skip


def test_a_host_that_tells_nothing_by_linking() -> None:
    found = results(survey(wasi(), COMMAND, lambda items: Attempt(True), beyond=False))
    assert {result.verdict for result in found.values()} == {Verdict.SKIP}
    assert found["cli-exit"].reason.startswith("2 of 2 functions and types are not told by linking: the host links a")


def test_a_host_on_which_nothing_starts() -> None:
    found = results(survey(wasi(), COMMAND, lambda items: Attempt(False, "no such thing"), beyond=False))
    assert {result.verdict for result in found.values()} == {Verdict.ERROR}
    assert "no such thing" in found["cli-exit"].reason


@pytest.mark.parametrize("beyond", [True, False])
def test_what_is_beyond_a_world_is_surveyed_or_not(beyond: bool) -> None:
    found = survey(wasi(), COMMAND, lambda items: Attempt(True), beyond=beyond)
    assert any(entry.item.startswith("wasi:http/") for entry in found.functions) is beyond
    assert all(entry.status is Status.UNKNOWN for entry in found.functions)
