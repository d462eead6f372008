"""Sample results: one of every kind a report has to tell apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.report.results import Header, HostInfo, Results
from wasicheck.vectors.model import Level

MakeResult = Callable[..., Result]
MakeResults = Callable[..., Results]

HOST = "wasmtime@49.0.3"
HOSTS = (HostInfo(HOST, "wasmtime", "49.0.3", ("-Shttp",)), HostInfo("jco@1.35.0", "jco", None))


def make_result(id: str = "cli-stdout-write", **changes: Any) -> Result:
    """A result that passes, but for the changes; a failing step comes along with a failing verdict."""
    verdict = changes.setdefault("verdict", Verdict.PASS)
    if verdict in (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO, Verdict.TIMEOUT):
        changes.setdefault("steps", (make_step(verdict=verdict),))
    defaults: dict[str, Any] = {
        "id": id,
        "title": "Bytes written to stdout arrive in order",
        "interface": "wasi:cli/stdout@0.3.0",
        "host": HOST,
        "level": Level.MUST,
        "requirements": ("cli.stdout.write",),
        "place": "vectors/cli/stdout.yaml:12",
        "flags": (),
        "steps": (),
        "reason": "",
        "exit": "exit status 0",
        "stdout": "",
        "stderr": "",
        "duration_s": 0.0123,
        "command": "",
    }
    return Result(**defaults | changes)


def make_step(**changes: Any) -> StepResult:
    """Step 4, which fails, but for the changes."""
    defaults: dict[str, Any] = {
        "index": 3,
        "place": "vectors/cli/stdout.yaml:31",
        "text": "await $written",
        "expected": "err(pipe)",
        "observed": "ok",
        "verdict": Verdict.FAIL,
        "level": Level.MUST,
    }
    return StepResult(**defaults | changes)


def make_results(*results: Result, **changes: Any) -> Results:
    """A run of these results that came to its end, but for the changes (`hosts`, `selected`, `duration_s`)."""
    header = Header(
        suite_version="0.1.0",
        hosts=changes.get("hosts", HOSTS),
        platform="linux-x86_64",
        date=datetime(2026, 11, 22, 19, 12, tzinfo=UTC),
        selected=changes.get("selected", len(results)),
    )
    return Results(header, results, changes.get("duration_s", 12.5))


def samples() -> tuple[Result, ...]:
    """Every verdict, every kind of expectation, and some hostile text."""
    return (
        make_result("cli-stdout-write"),
        make_result("cli-stdout-broken-pipe", verdict=Verdict.FAIL, flags=("lift=callback",), stdout="out\n"),
        make_result("cli-stdout-full", verdict=Verdict.NON_STRICT, level=Level.TYPICAL),
        make_result("cli-stdout-buffer", verdict=Verdict.INFO, level=Level.MAY),
        make_result("cli-stdout-drain", verdict=Verdict.TIMEOUT, reason="step 4 was still waiting after 2 s"),
        make_result(
            "sockets-tcp-connect",
            interface="wasi:sockets/types@0.3.0",
            verdict=Verdict.UNSUPPORTED,
            reason="no sockets here",
            host="jco@1.35.0",
            place="v.yaml:12",
        ),
        make_result(
            "cli-stdout-crash", verdict=Verdict.CRASH, reason="died of signal 11", stderr="\x1b[31mpanic\x00\ud800"
        ),
        make_result("cli-stdout-scene", verdict=Verdict.ERROR, reason="no free port ]]> <&\ufffe"),
        make_result("cli-stdout-tty", verdict=Verdict.SKIP, reason="needs a terminal"),
        make_result(
            "cli-known", verdict=Verdict.FAIL, expected_failure="writes are lost", expected_link="https://a.example/1"
        ),
        make_result("cli-known-weak", verdict=Verdict.NON_STRICT, expected_failure="another error code"),
        make_result("cli-fixed", unexpected="listed as a known failure, but it passes: remove the entry"),
        make_result(
            "cli-other", verdict=Verdict.CRASH, unexpected="listed as known fail, but it is crash", reason="signal 6"
        ),
        make_result("cli-stdout-write", host="jco@1.35.0"),
        make_result("cli-stdout-write", host="jco@1.35.0", flags=("lift=callback",)),
    )


@pytest.fixture(name="make_result")
def make_result_fixture() -> MakeResult:
    return make_result


@pytest.fixture(name="make_results")
def make_results_fixture() -> MakeResults:
    return make_results


@pytest.fixture(name="samples")
def samples_fixture() -> tuple[Result, ...]:
    return samples()


@pytest.fixture(name="make_step")
def make_step_fixture() -> Callable[..., StepResult]:
    return make_step
