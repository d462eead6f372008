"""When a host that serves is ready, and when all has been seen of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from peer_stage import peer

from wasicheck.host import serving
from wasicheck.host.execute import execute
from wasicheck.host.host import Host
from wasicheck.host.runner import Serve
from wasicheck.host.serving import CLIENTS_NS, GRACE_NS, TRAP_GRACE_NS, Serving, ServingError
from wasicheck.host.template import Template
from wasicheck.judge.run import ExitReason
from wasicheck.values import Record, Value, Variant
from wasicheck.vectors.model import Channel, World
from wasicheck.vectors.staging import Connect, Harness, ReceiveBytes, Send
from wasicheck.vectors.surroundings import Environment

READY = re.compile(r"serving on (\S+)")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [10**9]
    monkeypatch.setattr(serving.time, "monotonic_ns", lambda: now[0])
    return now


def opened(*, traps: bool = False) -> Serving:
    found = Serving(READY, traps=traps)
    assert found.find(b"serving on 127.0.0.1:80\n") is not None
    return found


@pytest.mark.parametrize(
    ("output", "value"),
    [
        (b"", None),
        (b"serving on ", None),
        (
            b"hello\nserving on 127.0.0.1:4000\n",
            Variant("ipv4", Record((("port", 4000), ("address", (127, 0, 0, 1))))),
        ),
        (
            b"serving on [::1]:4000",
            Variant(
                "ipv6",
                Record((("port", 4000), ("flow-info", 0), ("address", (0, 0, 0, 0, 0, 0, 0, 1)), ("scope-id", 0))),
            ),
        ),
    ],
)
def test_the_address_is_found_in_what_the_host_prints(output: bytes, value: object) -> None:
    found = Serving(READY, traps=False)
    assert found.find(output) == value
    assert found.opened is (value is not None)
    assert found.find(output) is None, "it is told once"


@pytest.mark.parametrize("where", ["localhost:80", "127.0.0.1", "127.0.0.1:65536", "1.2.3:80", "[::g]:80"])
def test_an_address_that_is_none_is_an_error(where: str) -> None:
    with pytest.raises(ServingError, match="no address and port"):
        Serving(READY, traps=False).find(f"serving on {where}\n".encode())


def test_nothing_is_over_before_the_host_serves(clock: list[int]) -> None:
    assert not Serving(READY, traps=False).over(ended=True, waiting=False)


def test_it_is_over_at_once_when_guest_and_clients_are_done(clock: list[int]) -> None:
    assert opened().over(ended=True, waiting=False)


@pytest.mark.parametrize(
    ("traps", "ended", "waiting", "grace"),
    [(False, False, False, GRACE_NS), (True, False, False, TRAP_GRACE_NS), (False, True, True, CLIENTS_NS)],
)
def test_what_is_silent_gets_some_time(clock: list[int], traps: bool, ended: bool, waiting: bool, grace: int) -> None:
    found = opened(traps=traps)
    assert not found.over(ended=ended, waiting=waiting)
    assert found.wake == clock[0] + grace
    clock[0] += grace - 1
    assert not found.over(ended=ended, waiting=waiting)
    clock[0] += 1
    assert found.over(ended=ended, waiting=waiting)


def test_the_time_begins_anew_when_something_happens(clock: list[int]) -> None:
    found = opened()
    assert not found.over(ended=False, waiting=False)
    clock[0] += GRACE_NS - 1
    assert not found.over(ended=False, waiting=True)
    assert found.wake is None, "a client waits for a guest that goes on: only the deadline ends that"
    clock[0] += GRACE_NS
    assert not found.over(ended=False, waiting=False)


@pytest.mark.parametrize(
    ("behaviour", "value", "failure"),
    [
        (
            "serves-in-silence",
            None,
            "`client` waits for the end of the stream (0 bytes have come), and was still waiting when the run ended",
        ),
        ("serves-and-hangs-up", Variant("closed", b""), None),
    ],
)
def test_clients_that_wait_when_a_serving_host_is_stopped(
    fake_host: Host, monkeypatch: pytest.MonkeyPatch, behaviour: str, value: Value | None, failure: str | None
) -> None:
    """They are pending: that killing the host closes their connections is no answer of it."""
    monkeypatch.setattr(serving, "CLIENTS_NS", 300_000_000)
    ready = Serve(fake_host.runner.run.argv, re.compile(r"serving on (\S+)"), Template(()))
    host = replace(fake_host, runner=replace(fake_host.runner, worlds=(World.SERVICE.value,), serve=ready))
    actions = (Connect("client", None), Send("client", b"hello"), ReceiveBytes("client", None, False))
    run = execute(
        host,
        b"\0asm",
        Environment(host_env=(("WASICHECK_FAKE", behaviour),), peers=(peer("client", "tcp-client"),)),
        {step: Harness(action, acknowledge=False, opening=True) for step, action in enumerate(actions)},
        deadline_ns=10_000_000_000,
        channel=Channel.NONE,
        world=World.SERVICE,
    )
    assert (run.failure, run.exit.reason) == (None, ExitReason.STOPPED)
    assert [run.harness[step].value for step in (0, 1)] == [Variant("ok"), Variant("ok")]
    last = run.harness[2]
    assert (last.value, last.failure, last.waited) == (value, failure, value is None)
