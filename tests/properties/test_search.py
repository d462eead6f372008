"""The search for a counterexample, on hosts made up for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from inline import LEVELS

from wasicheck.judge.judge import skipped
from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.properties.model import Body, Property
from wasicheck.properties.search import examine
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, Vector
from wasicheck.vectors.source import VectorError


def bodies(lengths: list[int]) -> Body:
    return {"steps": [{"call": f"random.get-random-bytes({n})", "expect": f"length(..{n})"} for n in lengths]}


LISTS = st.lists(st.integers(0, 1000), min_size=1, max_size=5)
PROPERTY = Property("lengths", "Not more than asked for", "wasi:random/random@0.3.0", ("it",), LISTS.map(bodies))


class MadeUp:
    """A host that fails vectors in which something is asked for that it does not like; it counts its runs."""

    def __init__(self, dislikes: Callable[[int], bool], verdict: Verdict = Verdict.FAIL, seconds: float = 0.01) -> None:
        self.dislikes = dislikes
        self.verdict = verdict
        self.seconds = seconds
        self.asked: list[list[int]] = []

    def __call__(self, vector: Vector) -> Result:
        numbers = [int(found) for step in vector.steps for found in re.findall(r"bytes\((\d+)\)", step.text)]
        self.asked.append(numbers)
        bad = any(map(self.dislikes, numbers))
        result = replace(
            skipped(vector, "made-up@1", ("lift=sync",), ""), verdict=Verdict.PASS, duration_s=self.seconds
        )
        return replace(result, verdict=self.verdict, reason="it does not like it") if bad else result


def found(host: MadeUp, *, examples: int = 20, number: int = 0) -> Result:
    return examine(PROPERTY, host, LEVELS, examples=examples, number=number, command="as before")


def test_a_property_that_holds() -> None:
    host = MadeUp(lambda number: False)
    result = found(host)
    assert (result.id, result.title, result.verdict) == ("property-lengths", "Not more than asked for", Verdict.PASS)
    assert (result.host, result.flags, result.reason, result.command) == ("made-up@1", ("lift=sync",), "", "")
    assert result.requirements == ("it",)
    assert 10 <= len(host.asked) <= 20
    assert result.duration_s == pytest.approx(0.01 * len(host.asked))


def test_a_seed_decides_what_is_tried() -> None:
    hosts = [MadeUp(lambda number: False) for _ in range(3)]
    for host, number in zip(hosts, (0, 0, 1), strict=True):
        found(host, number=number)
    assert hosts[0].asked == hosts[1].asked
    assert hosts[0].asked != hosts[2].asked


def test_a_counterexample_is_small_and_a_vector() -> None:
    host = MadeUp(lambda number: number >= 100)
    result = found(host)
    assert (result.id, result.verdict, result.command) == ("property-lengths", Verdict.FAIL, "as before")
    first, told, text = result.reason.split("\n\n")
    assert first == "it does not like it"
    tried = next(i for i, numbers in enumerate(host.asked, 1) if max(numbers) >= 100)
    assert told == f"of {tried} vectors the last one failed, then a smaller one:"
    suite = load_text(text, "x.yaml", LEVELS)
    assert suite.problems == ()
    (vector,) = suite.vectors.values()
    assert vector.id == "counterexample-lengths"
    host.asked.clear()
    assert host(vector).verdict is Verdict.FAIL
    assert host.asked == [[100]]
    assert text.isascii()


def test_a_counterexample_of_which_a_step_tells() -> None:
    step = StepResult(0, "x.yaml:9", "call", "a", "b", Verdict.FAIL, Level.MUST)

    def judged(vector: Vector) -> Result:
        return replace(skipped(vector, "h", (), "step 1 (x.yaml:9): no"), verdict=Verdict.FAIL, steps=(step,))

    result = examine(PROPERTY, judged, LEVELS, examples=5, number=0)
    assert result.steps == (step,)
    assert result.reason.startswith("of 1 vectors the last one failed")


def test_what_a_smaller_one_may_cost() -> None:
    host = MadeUp(lambda number: sum(map(int, str(number))) > 3)
    assert found(host).verdict is Verdict.FAIL
    assert len(host.asked) <= 20 + 60 + 1
    slow = MadeUp(lambda number: number >= 100, seconds=11.0)
    result = found(slow)
    failed = next(i for i, numbers in enumerate(slow.asked, 1) if max(numbers) >= 100)
    # Three more until 30 seconds are over, and one to see whether it fails again.
    assert len(slow.asked) == failed + 3 + 1
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize("verdict", [Verdict.SKIP, Verdict.ERROR])
def test_what_cannot_be_run_ends_the_search(verdict: Verdict) -> None:
    host = MadeUp(lambda number: True, verdict)
    result = found(host)
    assert (result.id, result.verdict, result.reason) == ("property-lengths", verdict, "it does not like it")
    assert len(host.asked) == 1


def test_a_smaller_one_fails_in_the_same_way() -> None:
    class Worse(MadeUp):
        def __call__(self, vector: Vector) -> Result:
            result = super().__call__(vector)
            short = result.verdict is Verdict.FAIL and len(self.asked[-1]) == 1
            return replace(result, verdict=Verdict.TIMEOUT) if short else result

    host = Worse(lambda number: number >= 10)
    result = found(host, examples=60)
    text = result.reason.split("\n\n")[-1]
    assert result.verdict in (Verdict.FAIL, Verdict.TIMEOUT)
    assert (text.count("- call:") == 1) is (result.verdict is Verdict.TIMEOUT)


def test_a_failure_that_does_not_come_back() -> None:
    class Once(MadeUp):
        def __call__(self, vector: Vector) -> Result:
            self.verdict = Verdict.PASS if self.asked else Verdict.FAIL
            return super().__call__(vector)

    result = found(Once(lambda number: True))
    assert result.verdict is Verdict.FAIL
    assert "of 1 vectors the last one failed (it passed when it was run again):" in result.reason


def test_a_property_that_makes_no_vector_is_a_defect() -> None:
    with pytest.raises(VectorError, match=r"counterexample-lengths\.yaml:8:15: "):
        examine(
            replace(PROPERTY, bodies=st.just({"steps": [{"call": "nothing()"}]})),
            MadeUp(bool),
            LEVELS,
            examples=1,
            number=0,
        )
