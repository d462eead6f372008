"""JUnit XML: valid by the schema, as green as the run, and legible whatever a host printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.junit import junit_xml

Make = Callable[..., Any]
XSD = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit-10.xsd")))


def parsed(document: str) -> etree._Element:
    root = etree.fromstring(document.encode())
    XSD.assertValid(root)
    return root


def case_of(root: etree._Element, id: str) -> etree._Element:
    [case] = [case for case in root.iter("testcase") if case.get("name", "").split(" ")[0] == id]
    return case


def outcome(case: etree._Element) -> tuple[str, str | None, str | None]:
    [child] = [child for child in case if child.tag in ("failure", "error", "skipped")]
    return str(child.tag), child.get("type"), child.get("message")


def test_a_gate_on_the_file_is_as_green_as_the_run(samples: tuple[Result, ...], make_results: Make) -> None:
    root = parsed(junit_xml(make_results(*samples)))
    cases = [case for case in root.iter("testcase") if {child.tag for child in case} & {"failure", "error"}]
    red = [case.get("name", "").split(" ")[0] for case in cases]
    assert sorted(red) == sorted(result.id for result in samples if result.red)
    assert int(root.get("failures", "")) + int(root.get("errors", "")) == sum(result.red for result in samples)
    assert root.get("tests") == str(len(samples))


def test_suites_are_hosts_by_packages(samples: tuple[Result, ...], make_results: Make) -> None:
    root = parsed(junit_xml(make_results(*samples)))
    assert [(suite.get("name"), suite.get("package"), suite.get("tests")) for suite in root.iter("testsuite")] == [
        ("wasmtime@49.0.3 wasi:cli@0.3.0", "wasi:cli@0.3.0", "12"),
        ("jco@1.35.0 wasi:cli@0.3.0", "wasi:cli@0.3.0", "2"),
        ("jco@1.35.0 wasi:sockets@0.3.0", "wasi:sockets@0.3.0", "1"),
    ]
    properties = {p.get("name"): p.get("value") for p in root[0].iter("property")}
    assert properties["host-version"] == "49.0.3"
    assert properties["host-flags"] == "-Shttp"
    assert {p.get("name"): p.get("value") for p in root[1].iter("property")}["host-version"] == "unknown"


FINDING = "step 4 (vectors/cli/stdout.yaml:31): expected err(pipe), observed ok"


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("cli-stdout-broken-pipe", ("failure", "fail", FINDING)),
        ("cli-stdout-drain", ("failure", "timeout", FINDING)),
        ("cli-stdout-crash", ("failure", "crash", "died of signal 11 (vectors/cli/stdout.yaml:12)")),
        ("sockets-tcp-connect", ("failure", "unsupported", "no sockets here (v.yaml:12)")),
        ("cli-stdout-scene", ("error", "error", "no free port ]]> <&\\u{fffe} (vectors/cli/stdout.yaml:12)")),
        ("cli-stdout-tty", ("skipped", "skipped", "needs a terminal")),
        ("cli-known", ("skipped", "skipped", "expected failure: writes are lost")),
        ("cli-known-weak", ("skipped", "skipped", "expected failure: another error code")),
        ("cli-fixed", ("failure", "xpass", "listed as a known failure, but it passes: remove the entry")),
        ("cli-other", ("failure", "crash", "listed as known fail, but it is crash")),
    ],
)  # fmt: skip
def test_outcomes_are_kept_apart(
    samples: tuple[Result, ...], make_results: Make, id: str, expected: tuple[str, str, str]
) -> None:
    assert outcome(case_of(parsed(junit_xml(make_results(*samples))), id)) == expected


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO])
def test_what_is_conformant_passes(make_result: Make, make_results: Make, verdict: Verdict) -> None:
    case = case_of(parsed(junit_xml(make_results(make_result("a", verdict=verdict)))), "a")
    assert {child.tag for child in case} == {"system-out"}
    told = "observed ok" in (case.findtext("system-out") or "")
    assert told is (verdict is not Verdict.PASS)


def test_a_failure_tells_all_that_is_known(make_result: Make, make_results: Make) -> None:
    result = make_result("a", verdict=Verdict.FAIL, flags=("lift=callback",), stdout="out", stderr="err")
    root = parsed(junit_xml(make_results(result), provenance={"cli.stdout.write": "wit-doc"}))
    case = case_of(root, "a")
    text = case.findtext("failure") or ""
    for part in (
        "await $written",
        "requirement: cli.stdout.write (must, wit-doc)",
        "--abi callback",
    ):
        assert part in text
    out = (case.findtext("system-out") or "").splitlines()
    assert out == [
        "verdict: fail",
        "level: must",
        "requirement: cli.stdout.write",
        "provenance: wit-doc",
        "flag: lift=callback",
        "host: wasmtime@49.0.3",
        "vector: vectors/cli/stdout.yaml:12",
        "out",
    ]
    assert case.findtext("system-err") == "err"


def test_properties_of_cases_come_on_request(make_result: Make, make_results: Make) -> None:
    results = make_results(make_result("a", requirements=("r1", "r2")), make_result("b"))
    assert not etree.fromstring(junit_xml(results).encode()).findall(".//testcase/properties")
    root = etree.fromstring(junit_xml(results, provenance={"r2": "prose"}, case_properties=True).encode())
    case = case_of(root, "a")
    assert case[0].tag == "properties"
    pairs = [(p.get("name"), p.get("value")) for p in case[0]]
    assert pairs[:5] == [
        ("verdict", "pass"),
        ("level", "must"),
        ("requirement", "r1"),
        ("requirement", "r2"),
        ("provenance", "prose"),
    ]


def test_names_are_ids_unless_that_is_ambiguous(make_result: Make, make_results: Make) -> None:
    [host, *_] = make_results().header.hosts
    results = make_results(
        make_result("a", flags=("lift=sync",)),
        make_result("b", flags=("lift=sync",)),
        make_result("b", flags=("lift=callback",)),
        hosts=(host,),
    )
    names = [case.get("name") for case in parsed(junit_xml(results)).iter("testcase")]
    assert names == ["a", "b [lift=sync]", "b [lift=callback]"]
    several = make_results(make_result("a"), make_result("a", host="jco@1.35.0"))
    names = [case.get("name") for case in parsed(junit_xml(several)).iter("testcase")]
    assert names == ["a [wasmtime@49.0.3]", "a [jco@1.35.0]"]


def test_the_classname_has_no_dots(make_result: Make, make_results: Make) -> None:
    root = parsed(junit_xml(make_results(make_result("a"))))
    assert case_of(root, "a").get("classname") == "wasi:cli/stdout"


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0.000"), (0.00001, "0.000"), (1234.5678, "1234.568")])
def test_times_have_three_decimals(make_result: Make, make_results: Make, seconds: float, text: str) -> None:
    root = parsed(junit_xml(make_results(make_result("a", duration_s=seconds))))
    assert {element.get("time") for element in (root, root[0], case_of(root, "a"))} == {text}


def test_a_run_without_results_is_a_valid_document(make_results: Make) -> None:
    assert parsed(junit_xml(make_results())).get("tests") == "0"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(st.characters(), min_size=1))
def test_any_text_makes_a_valid_document(make_result: Make, make_results: Make, text: str) -> None:
    result = make_result(
        text, title=text, verdict=Verdict.CRASH, reason=text, place=text, stdout=text, stderr=text, interface=text,
        requirements=(text,), flags=(text,), command=text, exit=text, unexpected=text,
    )  # fmt: skip
    parsed(junit_xml(make_results(result)))


def test_what_xml_forbids_shows(make_result: Make, make_results: Make) -> None:
    result = make_result("a", stdout="bell\x07 esc\x1b cr\r\n del\x7f sur\ud800 non\ufffe tab\t")
    out = case_of(parsed(junit_xml(make_results(result))), "a").findtext("system-out") or ""
    assert "bell\\x07 esc\\x1b cr\\r\n del\\x7f sur\\u{d800} non\\u{fffe} tab\t" in out
