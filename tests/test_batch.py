"""Many vectors on a host: results in order, vectors that are not valid, workers that die."""

import os
import signal

import pytest

from wasicheck.batch import BatchTask, start_batch
from wasicheck.guest.compiler import Build
from wasicheck.judge.expectations import parse_expectations
from wasicheck.judge.judge import skipped
from wasicheck.judge.model import Verdict
from wasicheck.session import HostSession
from wasicheck.vectors.listing import list_text
from wasicheck.vectors.model import Level

TEXT = """\
interface: wasi:random/random@0.3.0
vectors:
  - {id: fine, title: A, requirements: [r], steps: [{call: get-random-u64(), expect: 1..}]}
  - {id: wrong, title: B, requirements: [r], steps: [{call: get-random-u65()}]}
  - {id: deadly, title: C, requirements: [r], steps: [{call: get-random-u64(), expect: 1..}]}
  - {id: slow, title: D, requirements: [r], tags: [waits], steps: [{call: get-random-u64(), expect: 1..}]}
  - {id: stuck, title: E, requirements: [r], steps: [{call: get-random-u64(), expect: 1..}]}
"""
LISTING = list_text(TEXT, "v.yaml", {"r": Level.MUST})
EXPECTED = """
[[expect]]
id = "st*"
verdict = ["timeout"]
reason = "known"
"""


class Host:
    label = "fake@1"
    version = "1"


class Session(HostSession):
    """Runs nothing: skips every vector, and dies of one."""

    def run(self, vector):
        if vector.id == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        return skipped(vector, "fake@1", (), "not here")


@pytest.fixture
def session():
    return Session(Host(), Build(), parse_expectations(EXPECTED, "e.toml"))  # type: ignore[arg-type]


def test_what_becomes_of_each_vector(session):
    reported, problems = [], []
    batch = start_batch([session], tuple(LISTING.vectors.values()), LISTING.names, jobs=2)
    with batch.workers:
        results = batch.run(seed=3, report=reported.append, problem=problems.append)
    assert [(r.id, r.verdict) for r in results] == [
        ("fine", Verdict.SKIP),
        ("deadly", Verdict.ERROR),
        ("slow", Verdict.SKIP),
        ("stuck", Verdict.SKIP),
    ]
    assert results[1].reason == "the process of wasicheck that ran it died (signal 9)"
    assert sorted(r.id for r in reported) == ["deadly", "fine", "slow", "stuck"]
    assert [str(p).partition(";")[0] for p in problems] == [
        "v.yaml:4:61: there is no function `get-random-u65` in wasi:random/random@0.3.0"
    ]


def test_which_vectors_wait(session):
    task = BatchTask((session,), tuple(LISTING.vectors.values()), LISTING.names)
    assert [task.waits(index) for index in range(len(task))] == [False, False, False, True, True]
