"""What of WASI has vectors, in data, text and Markdown."""

import json
import re

import pytest
from vector_cases import LEVELS, load

from wasicheck.check.coverage import coverage, coverage_data, unexplained
from wasicheck.report.coverage import BEGIN, END, MarkersError, coverage_markdown, coverage_text, with_coverage
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


TYPES = "wasi:things/types@0.3.0"


def requirement(id, item, testable=requirements.Testable.YES, note="", error=None):
    return Requirement(id, item, LEVELS[id], Provenance.WIT, "t", testable, note, error, (), Place("r.yaml", 1))


CATALOGUE = {
    "r.must": requirement("r.must", f"{TYPES}#now"),
    "r.may": requirement("r.may", "component-model streams", requirements.Testable.HARD),
    "r.should": requirement("r.should", "component-model", requirements.Testable.NO, "nobody | knows"),
    "r.typical": requirement("r.typical", TYPES),
}
NO, HARD = requirements.Testable.NO, requirements.Testable.HARD
REASONS = {
    "r.must": requirement("r.must", f"{TYPES}#failure", NO, "a | b", "other"),
    # Neither about the case of that type, nor about what cannot be tested at all.
    "r.may": requirement("r.may", f"{TYPES}#later", NO, "not here", "io"),
    "r.typical": requirement("r.typical", f"{TYPES}#failure", HARD, "by hand", "last"),
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


def test_the_reasons_of_error_cases():
    suite = load_text(VECTORS, "v.yaml", LEVELS, WIT)
    (things,) = (p for p in coverage(WIT, suite.vectors.values(), REASONS) if p.name == "things")
    assert {e.name.rpartition("#")[2]: (e.reason, e.covered, e.explained) for e in things.error_cases} == {
        "failure other": ("a | b", False, True),
        "failure last": (None, False, False),
        "error-code io": (None, False, False),
        "error-code pipe": (None, True, True),
    }
    assert [e.name.rpartition("#")[2] for e in unexplained([things])] == ["failure last", "error-code io"]


def test_the_table(packages):
    assert coverage_text(packages) == (
        """\
package          functions  error cases  error cases explained  testable: yes  testable: hard  testable: no
things           3/5        1/4          1/4                    1/2            -               -
component-model  -          -            -                      -              1/1             0/1
all              3/5        1/4          1/4                    1/2            1/1             0/1

1 of 4 error cases have a vector, or a reason why they cannot be provoked

error cases without vectors
  wasi:things/types@0.3.0#failure other: NEITHER A VECTOR NOR A REASON
  wasi:things/types@0.3.0#failure last: NEITHER A VECTOR NOR A REASON
  wasi:things/types@0.3.0#error-code io: NEITHER A VECTOR NOR A REASON

functions without vectors
  wasi:things/types@0.3.0#thing.constructor
  wasi:things/types@0.3.0#thing.use-it

testable: yes without vectors
  r.typical
"""
    )


@pytest.fixture(scope="module")
def explained():
    suite = load_text(VECTORS, "v.yaml", LEVELS, WIT)
    return coverage(WIT, suite.vectors.values(), REASONS)


TABLE = """\
| package | functions | error cases | with a vector or a reason | testable | hard to test | not testable |
|---|---|---|---|---|---|---|
| `wasi:things` | 3/5 | 1/4 | 2/4 | - | 0/1 | 2/2 |
| all | 3/5 | 1/4 | 2/4 | - | 0/1 | 2/2 |

2 of 4 error cases have a vector, or a reason why they cannot be provoked.

"""
CASES = r"""| error case | why there is no vector |
|---|---|
| `wasi:things/types#failure` `other` | a \| b |
| `wasi:things/types#failure` `last` | NEITHER A VECTOR NOR A REASON |
| `wasi:things/types#error-code` `io` | NEITHER A VECTOR NOR A REASON |

"""


def test_the_reasons_in_the_text(explained):
    assert "  wasi:things/types@0.3.0#failure other: a | b\n" in coverage_text(explained)


def test_markdown(explained):
    head = f"## What is covered\n\n{TABLE}### Error cases without vectors\n\n{CASES}"
    assert coverage_markdown(explained).startswith(
        f"{head}### functions without vectors\n\n* `wasi:things/types@0.3.0#t"
    )


def test_a_page_gets_the_table_between_its_markers(explained):
    page = f"# Title\n\n{BEGIN}\nwhat was there\n{END}\n\nrest"
    written = with_coverage(page, explained)
    details = f"<details><summary>Error cases without vectors, and why</summary>\n\n{CASES}</details>\n\n"
    assert written == f"# Title\n\n{BEGIN}\n{TABLE}{details}{END}\n\nrest"
    assert with_coverage(written, explained) == written


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("", f"expected `{BEGIN}` once, found it 0 times"),
        (BEGIN, f"expected `{END}` once, found it 0 times"),
        (f"{BEGIN}{BEGIN}{END}", f"expected `{BEGIN}` once, found it 2 times"),
        (f"{END}{BEGIN}", f"expected `{BEGIN}` before `{END}`"),
    ],
)
def test_a_page_without_a_place_for_it(explained, page, message):
    with pytest.raises(MarkersError, match=f"^{re.escape(message)}$"):
        with_coverage(page, explained)


def test_the_data_are_json(packages):
    data = json.loads(json.dumps(coverage_data(packages)))
    assert data["things"]["functions"]["wasi:things/types@0.3.0#now"] == ["a", "b"]
    assert data["things"]["error-cases"]["wasi:things/types@0.3.0#error-code pipe"] == {
        "vectors": ["a"],
        "reason": None,
    }
    assert data["component-model"]["requirements"] == {"yes": {}, "hard": {"r.may": ["a"]}, "no": {"r.should": []}}


def test_nothing_has_vectors():
    suite = load("interface: wasi:cli/run@0.3.0\nvectors: []\n")
    (things,) = coverage(WIT, suite.vectors.values(), {})
    assert not any(e.covered for e in (*things.functions, *things.error_cases))
