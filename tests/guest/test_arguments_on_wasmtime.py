"""Arguments of every shape reach a real host, and results of every shape come back and can be referred to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from inline import load

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.model import Lift, Lowering

VECTORS = load((Path(__file__).parent / "arguments.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("build", [Build(), Build(Lift.CALLBACK, Lowering.SYNC)], ids=["async", "sync"])
@pytest.mark.parametrize("id", VECTORS)
def test_shapes(play: Callable[..., Result], id: str, build: Build) -> None:
    result = play(VECTORS[id], build)
    assert [
        (s.text, s.observed, s.message) for s in result.steps if s.verdict not in (Verdict.PASS, Verdict.INFO)
    ] == []
    assert result.verdict in (Verdict.PASS, Verdict.INFO), result.reason
