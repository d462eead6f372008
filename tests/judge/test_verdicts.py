"""Every verdict can occur: small vectors on hosts that misbehave, through the whole of a session."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from inline import one
from scene import fake_runner

from wasicheck.guest.compiler import Build
from wasicheck.host import scene
from wasicheck.host.locate import load_runner
from wasicheck.host.peers import binding
from wasicheck.judge.model import Result, Verdict
from wasicheck.session import HostSession
from wasicheck.vectors.model import Vector
from wasicheck.vectors.surroundings import Family

NUMBER = one("- call: clocks/monotonic-clock.now()\n  expect: $t", more="    deadline: 1s")
MAY = one("- call: clocks/monotonic-clock.now()\n  expect: _", requirement="may", more="    deadline: 1s")
HANGING = one("- call: clocks/monotonic-clock.now()\n  expect: $t", more="    deadline: 500ms")
NOTHING = one("- return: ok")
WAIT = one("- call: clocks/monotonic-clock.wait-for(1ms)")
WAIT_OR_MORE = one("- call: clocks/monotonic-clock.wait-for(1ms)", more="    after: {exit: {should: code(7)}}")
RANDOM = one("- call: random/random.get-random-u64()\n  expect: $r\n- yield: 1")
BOTH = one(
    "- call: random/random.get-random-u64()\n  expect: $r\n"
    "- call: random/insecure.get-insecure-random-u64()\n  expect: $s"
)
UNSTAGEABLE = one(
    "- harness: {close: stdout}\n- harness: {close: stdout}",
    more="    given: {args: ['0!', '1!']}\n    deadline: 300ms",
)
DISTANT = one("- yield: 1", more="    platforms: [win32]")


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, vector: Vector) -> Result:
    runner = fake_runner(folder / "fake", monkeypatch, behaviour)
    host = load_runner(str(runner), runners=folder, cache=folder / "cache")
    return HostSession(host, Build()).run(vector)


@pytest.mark.parametrize(
    ("behaviour", "vector", "verdict", "reason"),
    [
        (
            "answers-wrongly",
            NUMBER,
            Verdict.FAIL,
            r"step 1, .*the guest has not reported the 8 bytes at 0x[0-9a-f]+\)",
        ),
        ("hangs", HANGING, Verdict.TIMEOUT, r"step 1, .*the host was still in this step at the deadline\)"),
        ("crashes", NUMBER, Verdict.CRASH, r"step 1, .*the host died of signal 11\)"),
        ("panics", NUMBER, Verdict.CRASH, r"step 1, .*the host failed by itself: thread 'main' panicked at src/.*\)"),
        ("prints-garbage", NUMBER, Verdict.FAIL, r"the guest did not start, exit status 0.*"),
        ("aborts-silently", NUMBER, Verdict.FAIL, r"the guest did not start, exit status 134"),
        ("does-nothing", NUMBER, Verdict.FAIL, r"the guest did not start, exit status 0"),
        ("forges-frames", WAIT, Verdict.FAIL, r"the guest did not start, exit status 0.*"),
        ("cuts-a-frame-short", WAIT, Verdict.FAIL, r".*"),
        ("repeats-a-frame", WAIT, Verdict.FAIL, r"what the guest wrote did not come out .*: frame 1 where frame 2 .*"),
        # It says nothing but that all is done: what yields nothing cannot be told from that, a value can.
        ("claims-everything", NUMBER, Verdict.FAIL, r"step 1, .*the guest has not reported the 8 bytes at .*"),
        ("claims-everything", MAY, Verdict.FAIL, r"step 1, .*the guest has not reported the 8 bytes at .*"),
        ("claims-the-end", NUMBER, Verdict.FAIL, r"step 1, .*\(later frames came, the one about this step did not\)"),
        ("claims-the-end", MAY, Verdict.FAIL, r"step 1, .*\(later frames came, the one about this step did not\)"),
        ("claims-the-end", WAIT, Verdict.FAIL, r"step 1, .*\(later frames came, the one about this step did not\)"),
        ("claims-the-end", NOTHING, Verdict.PASS, r""),
        ("claims-everything", WAIT, Verdict.PASS, r""),
        ("claims-everything", WAIT_OR_MORE, Verdict.NON_STRICT, r".*expected exit status 7, observed exit status 0"),
        (
            "lacks-random",
            RANDOM,
            Verdict.UNSUPPORTED,
            r"the host does not provide wasi:random/random@.*#get-random-u64.*",
        ),
        # That it does not link is not proved where the probe dies.
        ("dies-of-random", BOTH, Verdict.FAIL, r"the guest did not start, exit status 1"),
        ("dies-of-random", RANDOM, Verdict.CRASH, r"before the guest started the host died of signal 9"),
        ("reaches-steps", UNSTAGEABLE, Verdict.ERROR, r"step 2, .*the harness has no open end of stdout"),
        ("claims-everything", DISTANT, Verdict.SKIP, r"the expectation holds on win32 only"),
    ],
)
def test_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, vector: Vector, verdict: Verdict, reason: str
) -> None:
    result = play(tmp_path, monkeypatch, behaviour, vector)
    assert re.fullmatch(reason, result.reason)
    assert result.verdict is verdict


def test_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = one("- call: clocks/monotonic-clock.wait-for(1ms)", requirement="may")
    assert play(tmp_path, monkeypatch, "claims-everything", vector).verdict is Verdict.INFO


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{peers: {six: {kind: udp, family: ipv6}}}", r".*`six`.*\[::1\].*Address family not supported.*"),
        ("{user: ordinary}", "the surroundings of this vector can be made on Linux only"),
        ("{errno: {fsync: EIO}}", "the surroundings of this vector can be made on Linux only"),
    ],
)
def test_what_this_machine_cannot_stage_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, reason: str
) -> None:
    """The machine is made to lack IPv6 (by a family that no kernel has), and to be no Linux."""
    monkeypatch.setitem(binding.FAMILIES, Family.IPV6, socket.AF_APPLETALK)
    monkeypatch.setattr(scene, "sys", SimpleNamespace(platform="darwin"))
    result = play(tmp_path, monkeypatch, "claims-everything", one("- yield: 1", more=f"    given: {given}"))
    assert result.verdict is Verdict.SKIP
    assert re.fullmatch(reason, result.reason)


def test_every_verdict_is_here() -> None:
    (mark,) = test_verdicts.pytestmark  # type: ignore[attr-defined]
    assert {row[2] for row in mark.args[1]} | {Verdict.INFO} == set(Verdict)
