"""Guests that a host serves: a handler, a middleware with the handler behind it, and one that reports nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline import one

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.model import Lift, Vector

CLIENT = """
- peer: client
  connect: service
- peer: client
  send: '"GET /a HTTP/1.1\\r\\nHost: example.test\\r\\nconnection: close\\r\\n\\r\\n"'
- peer: client
  receive: end
  expect: 'closed(prefix("HTTP/1.1 {status}"))'
"""
RESPONSE = """
- call: fields.constructor()
  expect: $headers
- new: future<result<option<trailers>, error-code>>
  as: [trailers, more]
- call: response.new($headers, none, $trailers)
  expect: ($response, $sent)
- call: $response.set-status-code(202)
  expect: ok
- return: ok($response)
- write: $more
  data: ok(none)
  expect: completed
- drop: $sent
"""
HANDLE = "- handle: request\n"
PATH = """
- call: $request.get-path-with-query()
  expect: some("/a")
"""


def service(steps: str, *, world: str = "service", more: str = "", status: int = 202) -> Vector:
    keys = f"    world: {world}\n    given: {{peers: {{client: tcp-client}}}}\n{more}"
    return one(CLIENT.replace("{status}", str(status)) + steps, interface="wasi:http/types", more=keys)


def missed(result: Result) -> list[tuple[str, str]]:
    return [(step.text, step.message) for step in result.steps if step.verdict is not Verdict.PASS]


@pytest.mark.parametrize("lift", [Lift.SYNC, Lift.CALLBACK, Lift.STACKFUL])
def test_a_handler_is_called_and_its_response_arrives(play: Callable[..., Result], lift: Lift) -> None:
    result = play(service(HANDLE + PATH + RESPONSE), Build(lift))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])
    assert "lift=sync" not in result.flags, "a handler goes on when it has returned"


def test_what_the_client_and_the_guest_see_is_judged(play: Callable[..., Result]) -> None:
    result = play(service(HANDLE + PATH.replace("/a", "/b") + RESPONSE, status=200))
    assert result.verdict is Verdict.FAIL
    assert [text for text, _ in missed(result)] == ["client: receive end", "$request.get-path-with-query()"]


def test_a_trap_is_seen_by_the_client(play: Callable[..., Result]) -> None:
    result = play(service(HANDLE + "- trap: true\n", status=500))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


def test_a_handler_that_ends_without_a_response_traps_behind_its_last_step(play: Callable[..., Result]) -> None:
    result = play(service(HANDLE + PATH, status=500))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


def test_a_handler_that_traps_where_it_was_not_to(play: Callable[..., Result]) -> None:
    result = play(service(HANDLE + "- drop: $request\n- call: $request.get-method()\n  expect: get\n", status=500))
    assert result.verdict is Verdict.FAIL
    assert "the guest ended in this step, stopped by the harness" in result.reason


def test_a_middleware_calls_the_handler_behind_it(play: Callable[..., Result]) -> None:
    behind = "    downstream:\n" + "\n".join(f"      {line}" for line in (HANDLE + RESPONSE).strip("\n").splitlines())
    steps = HANDLE + "- call: handler.handle($request)\n  expect: ok($response)\n- return: ok($response)\n"
    result = play(service(steps, world="middleware", more=behind))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


def test_a_guest_that_reports_nothing_is_judged_by_its_clients(play: Callable[..., Result]) -> None:
    quiet = "    guest: {channel: none}"
    assert play(service(HANDLE + RESPONSE, more=quiet)).verdict is Verdict.PASS
    other = play(service(HANDLE + RESPONSE, more=quiet, status=200))
    assert (other.verdict, [text for text, _ in missed(other)]) == (Verdict.FAIL, ["client: receive end"])


def test_a_handler_stands_in_for_the_client(play: Callable[..., Result]) -> None:
    behind = "    downstream:\n" + "\n".join(f"      {line}" for line in (HANDLE + RESPONSE).strip("\n").splitlines())
    steps = HANDLE + "- call: client.send($request)\n  expect: ok($response)\n- return: ok($response)\n"
    result = play(service(steps, more=behind))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


def client(name: str, sent: str, *, after: str = "") -> str:
    """The steps by which a client sends a request of ten bytes."""
    request = (
        f"POST / HTTP/1.1\\r\\nHost: example.test\\r\\ncontent-length: 10\\r\\nconnection: close\\r\\n\\r\\n{sent}"
    )
    wait = f"  after: {after}\n" if after else ""
    return f"""
- peer: {name}
  connect: service
{wait}- peer: {name}
  send: '"{request}"'
"""


AT_ONCE = (
    client("first", "first")
    + """
- peer: first
  receive: response
  expect: 'response({status: 200, ...})'
"""
    + client("second", "otherother", after="first")
    + """
- peer: first
  send: '"first"'
  after: second
- peer: first
  receive: end
  expect: closed("firstfirst")
- peer: second
  receive: end
  expect: closed(suffix("otherother"))
"""
)
IN_TURN = (
    client("first", "firstfirst")
    + """
- peer: first
  receive: end
  expect: closed(suffix("firstfirst"))
"""
    + client("second", "otherother", after="first")
    + """
- peer: second
  receive: end
  expect: closed(suffix("otherother"))
"""
)
SHARED = """\
    world: service
    guest: {channel: none}
    given: {instances: shared, peers: {first: tcp-client, second: tcp-client}}
"""
TWICE = """
- new: future<result<_, error-code>>
  as: [handled, unused]
- call: request.consume-body($request, $handled)
  expect: ($body, $trailers)
- call: fields.from-list([("content-length", "10")])
  expect: ok($headers)
- new: stream<u8>
  as: [contents, out]
- call: response.new($headers, some($contents), $trailers)
  expect: ($response, _)
- return: ok($response)
- read-all: $body
  limit: 10
  expect: completed($read)
- write-all: $out
  data: $read
  expect: completed(10)
- drop: $out
"""


@pytest.mark.parametrize("lift", [Lift.CALLBACK, Lift.STACKFUL])
@pytest.mark.parametrize("steps", [TWICE, f"- backpressure: raise{TWICE}- backpressure: lower\n"])
def test_an_instance_that_is_shared_handles_one_request_after_the_other(
    play: Callable[..., Result], lift: Lift, steps: str
) -> None:
    result = play(one(AT_ONCE + HANDLE + steps, interface="wasi:http/types", more=SHARED), Build(lift))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


def test_the_second_request_of_an_instance_finds_its_memory_as_the_first(play: Callable[..., Result]) -> None:
    result = play(one(IN_TURN + HANDLE + TWICE, interface="wasi:http/types", more=SHARED))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])


@pytest.mark.parametrize("lift", [Lift.CALLBACK, Lift.STACKFUL])
def test_frames_reach_the_harness_through_a_console_that_keeps_lines(play: Callable[..., Result], lift: Lift) -> None:
    result = play(service(HANDLE + PATH + RESPONSE, more="    guest: {channel: stdout}"), Build(lift))
    assert (result.verdict, missed(result)) == (Verdict.PASS, [])
