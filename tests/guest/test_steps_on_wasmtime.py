"""Every kind of step does what it says, however the guest is lifted and its calls are lowered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from inline import load

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.model import Lift, Lowering

FINE = (Verdict.PASS, Verdict.INFO)
VECTORS = load((Path(__file__).parent / "step_kinds.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lowering", Lowering)
@pytest.mark.parametrize("lift", Lift)
@pytest.mark.parametrize("id", VECTORS)
def test_every_kind_of_step(play: Callable[..., Result], id: str, lift: Lift, lowering: Lowering) -> None:
    vector = VECTORS[id]
    result = play(vector, Build(lift, lowering))
    assert [(s.text, s.observed, s.message) for s in result.steps if s.verdict not in FINE] == []
    assert result.verdict in FINE, result.reason
