"""Guest and harness on a real host: acknowledgements that come late, and steps that wait for each other for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline import one

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.model import Lift

BUILDS = [Build(), Build(Lift.CALLBACK), Build(Lift.STACKFUL)]

LATE_PAUSE = """
- call: clocks/monotonic-clock.now()
  expect: $before
- harness: {pause: 300ms}
  within: 20ms
  expect: pending
- harness: {pause: 200ms}
- call: clocks/monotonic-clock.now()
  expect: '>= $before + 450ms'
"""
"""If the first acknowledgement were taken for the second one, the guest would go on after 300 ms."""

CONNECT = """
- call: tcp-socket.create(ipv4)
  expect: ok($socket)
- call: $socket.connect($server.address)
  expect: ok
"""
LATE_PEER = f"""
- peer: server
  accept: conn
  within: 20ms
  expect: pending
{CONNECT}
- peer: conn
  send: '"hello"'
  expect: ok
- call: $socket.receive()
  expect: ($in, $done)
- read: $in
  count: 5
  expect: completed("hello")
"""
"""The connection that the first step waits for is accepted long after the guest has given it up."""

NETWORK = "    interface: wasi:sockets/types@0.3.0\n    given: {network: true, peers: {server: tcp-listener}}"


@pytest.mark.parametrize("build", BUILDS, ids=lambda b: b.lift.value)
@pytest.mark.parametrize(("steps", "more"), [(LATE_PAUSE, ""), (LATE_PEER, NETWORK)], ids=["pause", "peer"])
def test_a_late_acknowledgement_is_passed_over(
    play: Callable[..., Result], steps: str, more: str, build: Build
) -> None:
    result = play(one(steps, more=more), build)
    assert [(s.text, s.message) for s in result.steps if s.verdict is not Verdict.PASS] == []
    assert result.verdict is Verdict.PASS, result.reason


BOTH_LISTEN = """
- call: tcp-socket.create(ipv4)
  expect: ok($socket)
- call: '$socket.bind(ipv4({port: 0, address: (127, 0, 0, 1)}))'
  expect: ok
- call: $socket.listen()
  expect: ok($connections)
- peer: server
  accept: conn
  acknowledge: false
- read: $connections
  WITHIN
  expect: completed([$accepted])
"""


@pytest.mark.parametrize(
    ("within", "more", "message"),
    [
        ("within: 100ms", "", "still waiting when its limit had passed"),
        (
            "note: without a limit inside the guest is ended at the deadline",
            "\n    guest: {limits: outside}\n    deadline: 1s",
            "the host was still in this step at the deadline",
        ),
    ],
    ids=["inside", "outside"],
)
def test_both_sides_wait_for_the_other(play: Callable[..., Result], within: str, more: str, message: str) -> None:
    result = play(one(BOTH_LISTEN.replace("WITHIN", within), more=NETWORK + more))
    assert result.verdict is Verdict.TIMEOUT
    assert [(s.text, s.message) for s in result.steps if s.verdict is not Verdict.PASS] == [
        ("server: accept conn", "`server` waits for a connection, and was still waiting when the run ended"),
        ("read $connections", message),
    ]


BOTH_RECEIVE = f"""
{CONNECT}
- peer: server
  accept: conn
- peer: conn
  receive: 5
  acknowledge: false
  expect: received("hello")
- call: $socket.receive()
  expect: ($in, $done)
- read: $in
  within: 100ms
  expect: completed("hello")
"""


def test_a_peer_that_waits_sees_the_end_of_the_host(play: Callable[..., Result]) -> None:
    result = play(one(BOTH_RECEIVE, more=NETWORK))
    assert result.verdict is Verdict.TIMEOUT
    assert "read $in" in result.reason
    assert [(s.text, s.observed) for s in result.steps if s.verdict is not Verdict.PASS] == [
        ("conn: receive 5", 'closed("")'),
        ("read $in", "pending"),
    ]
    (cut_off,) = (s.message for s in result.steps if s.observed == 'closed("")')
    assert cut_off.endswith("; it came to that only when the guest had ended")


SENDS_TOO_LITTLE = f"""
{CONNECT}
- new: stream<u8>
  as: [data, out]
- call: $socket.send($data)
  expect: $sent
- write-all: $out
  data: '"abc"'
  expect: completed(3)
- drop: $out
- peer: server
  accept: conn
- peer: conn
  receive: 5
  expect: received("hello")
"""


def test_an_end_that_the_guest_brings_about_is_not_told_as_that_of_the_guest(play: Callable[..., Result]) -> None:
    (step,) = (s for s in play(one(SENDS_TOO_LITTLE, more=NETWORK)).steps if s.verdict is not Verdict.PASS)
    assert step.observed == 'closed("abc")'
    assert "the guest had ended" not in step.message


def test_a_peer_waits_for_a_guest_that_waits_for_it(play: Callable[..., Result]) -> None:
    result = play(one("- peer: server\n  accept: conn\n  within: 100ms", more=NETWORK))
    assert result.verdict is Verdict.TIMEOUT
    assert "server: accept conn: " in result.reason
    assert "`server` waits for a connection, and was still waiting when the run ended" in result.reason
