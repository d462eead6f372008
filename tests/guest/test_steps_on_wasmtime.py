"""Every kind of step does what it says, however the guest is lifted and its calls are lowered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from inline import load

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.model import Level, Lift, Lowering

VECTORS = load((Path(__file__).parent / "step_kinds.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lowering", Lowering)
@pytest.mark.parametrize("lift", Lift)
@pytest.mark.parametrize("id", VECTORS)
def test_every_kind_of_step(play: Callable[..., Result], id: str, lift: Lift, lowering: Lowering) -> None:
    vector = VECTORS[id]
    result = play(vector, Build(lift, lowering))
    assert result.reason == "" or result.verdict is Verdict.INFO
    expected = Verdict.INFO if any(s.level is Level.MAY for s in result.steps) else Verdict.PASS
    assert result.verdict is expected
    assert {s.verdict for s in result.steps} <= {Verdict.PASS, Verdict.INFO}
