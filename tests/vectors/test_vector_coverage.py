"""What of WASI has vectors."""

import json

import pytest
from vector_cases import LEVELS, load

from wasicheck.check.coverage import coverage, coverage_data, coverage_table
from wasicheck.vectors import requirements
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Place
from wasicheck.vectors.requirements import Provenance, Requirement
from wasicheck.wit import parse_sources

WIT = parse_sources(
    {
        "things.wit": """\
package wasi:things@0.3.0;
interface types {
  enum error-code { io, pipe }
  variant failure { other(string), last }
  resource thing { constructor(); use-it: func() -> result<_, failure>; }
  now: async func() -> u64;
  later: func() -> tuple<stream<u8>, future<result<_, error-code>>>;
}
interface run { run: async func() -> result; }
world command { import types; export run; export extra: func(); }
"""
    }
)
VECTORS = """\
interface: wasi:things/types@0.3.0
vectors:
  - id: a
    title: A
    requirements: [r.must, r.may]
    steps:
      - {call: now(), expect: '5'}
      - {call: later(), expect: '($data, $done)'}
      - {read: $done, expect: {must: completed(ok | err(pipe)), should: completed(ok)}}
      - {call: now(), expect: '6'}
  - id: b
    title: B
    requirements: [r.must]
    interface: wasi:things/run@0.3.0
    steps:
      - {start: types.now(), as: op}
      - {await: $op, expect: '7'}
"""


def requirement(id, item, testable=requirements.Testable.YES):
    return Requirement(id, item, LEVELS[id], Provenance.WIT, "t", testable, "", None, (), Place("r.yaml", 1))


CATALOGUE = {
    "r.must": requirement("r.must", "wasi:things/types@0.3.0#now"),
    "r.may": requirement("r.may", "component-model streams", requirements.Testable.HARD),
    "r.should": requirement("r.should", "component-model", requirements.Testable.NO),
    "r.typical": requirement("r.typical", "wasi:things/types@0.3.0"),
}


@pytest.fixture(scope="module")
def packages():
    suite = load_text(VECTORS, "v.yaml", LEVELS, WIT)
    assert suite.problems == ()
    return coverage(WIT, suite.vectors.values(), CATALOGUE)


def test_functions(packages):
    things, others = packages
    assert (things.name, others.name, others.functions) == ("things", "component-model", ())
    assert {e.name.rpartition("#")[2]: e.vectors for e in things.functions} == {
        "thing.constructor": (),
        "thing.use-it": (),
        "now": ("a", "b"),
        "later": ("a",),
        "run": ("b",),
    }


def test_error_cases(packages):
    things = packages[0]
    assert {e.name: e.vectors for e in things.error_cases} == {
        "wasi:things/types@0.3.0#failure other": (),
        "wasi:things/types@0.3.0#failure last": (),
        "wasi:things/types@0.3.0#error-code io": (),
        "wasi:things/types@0.3.0#error-code pipe": ("a",),
    }


def test_requirements(packages):
    assert [
        {kind.value: [(e.name, e.vectors, e.covered) for e in entries] for kind, entries in p.requirements.items()}
        for p in packages
    ] == [
        {"yes": [("r.must", ("a", "b"), True), ("r.typical", (), False)], "hard": [], "no": []},
        {"yes": [], "hard": [("r.may", ("a",), True)], "no": [("r.should", (), False)]},
    ]


def test_the_table(packages):
    assert coverage_table(packages) == (
        """\
package          functions  error cases  testable: yes  testable: hard  testable: no
things           3/5        1/4          1/2            -               -
component-model  -          -            -              1/1             0/1
all              3/5        1/4          1/2            1/1             0/1

functions without vectors
  wasi:things/types@0.3.0#thing.constructor
  wasi:things/types@0.3.0#thing.use-it

error cases without vectors
  wasi:things/types@0.3.0#failure other
  wasi:things/types@0.3.0#failure last
  wasi:things/types@0.3.0#error-code io

testable: yes without vectors
  r.typical
"""
    )


def test_the_data_are_json(packages):
    data = json.loads(json.dumps(coverage_data(packages)))
    assert data["things"]["functions"]["wasi:things/types@0.3.0#now"] == ["a", "b"]
    assert data["things"]["error-cases"]["wasi:things/types@0.3.0#error-code pipe"] == ["a"]
    assert data["component-model"]["requirements"] == {"yes": {}, "hard": {"r.may": ["a"]}, "no": {"r.should": []}}


def test_nothing_has_vectors():
    suite = load("interface: wasi:cli/run@0.3.0\nvectors: []\n")
    (things,) = coverage(WIT, suite.vectors.values(), {})
    assert not any(e.covered for e in (*things.functions, *things.error_cases))
