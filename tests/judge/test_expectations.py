"""expectations.toml: what it may say, what is wrong with it, and what it makes of results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wasicheck.judge.expectations import (
    DEFAULT_VERDICTS,
    NO_EXPECTATIONS,
    Entry,
    Expectations,
    ExpectationsError,
    _overlap,
    apply,
    parse_expectations,
    unmatched,
)
from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.vectors.model import Level

FILE = "runners/host/expectations.toml"


def parse(text: str) -> Expectations:
    return parse_expectations(text, FILE)


def result(verdict: Verdict, id: str = "cli-x", flags: tuple[str, ...] = (), wrong: tuple[int, ...] = ()) -> Result:
    steps = tuple(
        StepResult(
            index, "v.yaml:3", "f()", "ok", "err", Verdict.FAIL if index + 1 in wrong else Verdict.PASS, Level.MUST
        )
        for index in range(6)
    )  # fmt: skip
    return Result(
        id, "title", "wasi:cli/run@0.3.0", "host@1", verdict, Level.MUST, (), "v.yaml:1", flags, steps, "", "", "", "",
        duration_s=0.1,
    )  # fmt: skip


def test_an_entry_with_everything() -> None:
    text = """
# what is known of the host
[[expect]]
id = "cli-stdout-*"
verdict = ["fail", "timeout", "fail"]
reason = " the text says so "
link = "https://example.org/1"
versions = ">=46,<49"
flags = ["lift=callback"]
steps = [3]

[[expect]]
id = "cli-exit"
verdict = "crash"
reason = "r"
"""
    first, second = parse(text).entries
    assert first == Entry(
        id="cli-stdout-*",
        verdicts=(Verdict.FAIL, Verdict.TIMEOUT),
        reason="the text says so",
        line=3,
        link="https://example.org/1",
        versions=SpecifierSet(">=46,<49"),
        flags=("lift=callback",),
        steps=(3,),
    )
    assert second == Entry(id="cli-exit", verdicts=(Verdict.CRASH,), reason="r", line=12)


def test_an_entry_with_the_least() -> None:
    [entry] = parse('[[expect]]\nid = "a"\nreason = "r"').entries
    assert entry.verdicts == DEFAULT_VERDICTS


def test_an_empty_file_expects_nothing() -> None:
    assert parse("# nothing yet\n").entries == ()


HEAD = '[[expect]]\nid = "a"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("[[expect]\n", 1, "not TOML", "quoted"),
        ('[[expect]]\nid = "a', 2, "not TOML", "quoted"),
        ("a = [1,\n", 2, "not TOML", "quoted"),
        ("a = " + "[" * 100_000, 1, "not TOML", "quoted"),
        ("a = " + "1" * 5_000, 1, "not TOML", "quoted"),
        ("a = [1,\n\n  2", 3, "not TOML", "quoted"),
        ('\n[[expected]]\nid = "a"', 1, "unknown key 'expected'", "did you mean 'expect'?"),
        ("x = 1", 1, "unknown key 'x'", "expected expect"),
        ('\n[expect]\nid = "a"', 2, "not a list of tables", "double brackets"),
        ("expect = [1]", 1, "not a list of tables", "double brackets"),
        (HEAD + 'verdicts = "fail"', 4, "unknown key 'verdicts'", "did you mean 'verdict'?"),
        (HEAD + "zzz = 1", 4, "unknown key 'zzz'", "expected id, verdict, reason, link, versions, flags or steps"),
        ('[[expect]]\nreason = "r"', 1, "`id` is missing", "names the vector"),
        ('[[expect]]\nid = "a"', 1, "`reason` is missing", "one sentence"),
        ('[[expect]]\nid = "a"\nreason = "  "', 3, "`reason` is not a text: '  '", "one sentence"),
        ('[[expect]]\nid = 3\nreason = "r"', 2, "`id` is not a text: 3", "names the vector"),
        (HEAD + 'verdict = "failed"', 4, "verdict 'failed' cannot be listed", "did you mean 'fail'?"),
        (HEAD + 'verdict = ["fail", 3]', 4, "verdict 3 cannot be listed", "expected fail, timeout, crash"),
        (HEAD + 'verdict = "error"', 4, "verdict 'error' cannot be listed", "never the host's"),
        (HEAD + "verdict = []", 4, "`verdict` is not a list", 'verdict = ["fail", "timeout"]'),
        (HEAD + "verdict = 3", 4, "`verdict` is not a list: 3", 'verdict = ["fail", "timeout"]'),
        (HEAD + 'link = "example.org"', 4, "`link` is not a URL", "https://"),
        (HEAD + 'versions = "46-48"', 4, "`versions` is not a set", ">=46,<49"),
        (HEAD + 'versions = "===46"', 4, "compares texts", "=="),
        (HEAD + 'flags = "lift=sync"', 4, "`flags` is not a list", 'flags = ["lift=callback"]'),
        (HEAD + 'flags = ["callback"]', 4, "'callback' is not a flag", "lift=callback"),
        (HEAD + "flags = [1]", 4, "1 is not a flag", "lift=callback"),
        (HEAD + "steps = [true]", 4, "True is not the number of a step", "steps = [3]"),
        (HEAD + "steps = [0]", 4, "0 is not the number of a step", "steps = [3]"),
        (HEAD + 'steps = ["1"]', 4, "'1' is not the number of a step", "steps = [3]"),
        (HEAD + "\n" + HEAD, 5, "'a' is listed already, in line 1", "join the two"),
        # Lines are told from what only looks like an entry or a key.
        ('[[expect]]\nid = "a"\nreason = """\n[[expect]]\nsteps = 1\n"""\nsteps = 3', 7, "`steps` is not a list", ""),
        ("# [[expect]] isn't\n[[expect]]\nid = 'a' # it's \"\nreason = 'r'\nsteps = 3", 5, "`steps` is not a list", ""),
        ("\nexpect = [{id = 'a', reason = 'r', steps = 3}]", 2, "`steps` is not a list", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, message: str, hint: str) -> None:
    with pytest.raises(ExpectationsError) as caught:
        parse(text)
    error = caught.value
    assert (error.file, error.line) == (FILE, line)
    assert message in error.message
    assert hint in error.hint
    assert str(error).startswith(f"{FILE}:{line}: ")


@given(st.text(alphabet="[]expctidra =\"\n'#,1{}.", max_size=60))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    line = 1
    try:
        parse(text)
    except ExpectationsError as error:
        line = error.line
    assert 1 <= line <= text.count("\n") + 1


def entry(**changes: Any) -> Entry:
    defaults: dict[str, Any] = {"id": "a", "verdicts": DEFAULT_VERDICTS, "reason": "r", "line": 1}
    return Entry(**defaults | changes)


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        (None, ">=46", True),
        (">=46,<48", ">=48", False),
        (">=46,<=48", ">=48", True),
        (">46,<47", ">46.5", True),
        ("<46", ">46", False),
        ("<46", "<40", True),
        ("!=46", "==46", False),
        ("!=46", "!=47", True),
        ("==46.*", "==46.0.2", True),
        ("==46.*", ">=47", False),
        ("!=46.*", "<46.3", True),
        ("~=46.1", ">=46.9,<47", True),
        ("~=46.1", ">=47", False),
        (">=46.0.0rc1,<46.0.1", "==46.0.0rc1", True),
        # PEP 440: no pre-release of 46.0.0 is below 46.0.0.
        (">=46.0.0rc1,<46.0.0", "==46.0.0rc1", False),
    ],
)
def test_entries_overlap_where_a_version_is_in_both(a: str | None, b: str, overlap: bool) -> None:
    first = entry(versions=None if a is None else SpecifierSet(a))
    second = entry(versions=SpecifierSet(b))
    assert _overlap(first, second) is overlap
    assert _overlap(second, first) is overlap


SPECIFIER = st.builds(
    lambda operator, version: operator + version,
    st.sampled_from([">=", "<=", ">", "<", "==", "!="]),
    st.sampled_from(["1", "1.2", "1.2.3", "2", "2.0.1"]),
)
SPECIFIERS = st.lists(SPECIFIER, min_size=1, max_size=3).map(",".join)
VERSIONS = [Version(f"{a}.{b}.{c}") for a in range(4) for b in range(4) for c in range(5)]


@given(SPECIFIERS, SPECIFIERS)
def test_a_version_in_both_is_never_missed(a: str, b: str) -> None:
    both = SpecifierSet(f"{a},{b}")
    if any(version in both for version in VERSIONS):
        assert _overlap(entry(versions=SpecifierSet(a)), entry(versions=SpecifierSet(b)))


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ((), ("lift=sync",), True),
        (("lift=sync",), ("lift=sync",), True),
        (("lift=sync",), ("lift=callback",), False),
        (("lift=sync",), ("channel=stdout",), True),
    ],
)
def test_entries_overlap_where_flags_go_together(a: tuple[str, ...], b: tuple[str, ...], overlap: bool) -> None:
    assert _overlap(entry(flags=a), entry(flags=b)) is overlap


def test_an_id_may_be_listed_for_several_versions() -> None:
    text = "".join(f'[[expect]]\nid = "a"\nreason = "r"\nversions = "{v}"\n' for v in ("<46", "==46.*", ">=47"))
    assert len(parse(text).entries) == 3


def expecting(extra: str = "", id: str = "cli-x") -> Expectations:
    return parse(f'[[expect]]\nid = "{id}"\nreason = "known"\nlink = "https://example.org/1"\n{extra}')


@pytest.mark.parametrize("verdict", DEFAULT_VERDICTS)
def test_a_listed_verdict_is_excused(verdict: Verdict) -> None:
    applied = apply(expecting(), result(verdict), "46.0.1")
    assert applied.expected_failure == "known"
    assert applied.expected_link == "https://example.org/1"
    assert applied.unexpected is None
    assert not applied.red


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.SKIP])
def test_nothing_is_said_of_errors_and_skips(verdict: Verdict) -> None:
    assert apply(expecting(), result(verdict), "46") == result(verdict)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_result_that_nothing_lists_is_left_alone(verdict: Verdict) -> None:
    assert apply(expecting(id="cli-y"), result(verdict), "46") == result(verdict)
    assert apply(NO_EXPECTATIONS, result(verdict), None) == result(verdict)


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INFO])
@pytest.mark.parametrize(("id", "action"), [("cli-x", "remove the entry"), ("cli-?", "narrow the entry")])
def test_an_expected_failure_that_passes_is_red(verdict: Verdict, id: str, action: str) -> None:
    applied = apply(expecting(id=id), result(verdict), "46")
    assert applied.red
    assert applied.expected_failure is None
    assert applied.unexpected == f"listed as a known failure ({FILE}:1: known), but it passes: {action}"


@pytest.mark.parametrize(
    ("listed", "verdict", "words"),
    [
        ('"fail"', Verdict.CRASH, "listed as known fail ("),
        ('["fail", "timeout"]', Verdict.UNSUPPORTED, "listed as known fail or timeout ("),
        ('["fail", "timeout"]', Verdict.NON_STRICT, "but it is non-strict: correct the entry"),
    ],
)
def test_another_verdict_than_the_listed_is_red(listed: str, verdict: Verdict, words: str) -> None:
    applied = apply(expecting(f"verdict = {listed}"), result(verdict), "46")
    assert applied.red
    assert words in (applied.unexpected or "")


def test_a_non_strict_verdict_can_be_listed() -> None:
    applied = apply(expecting('verdict = "non-strict"'), result(Verdict.NON_STRICT), "46")
    assert applied.expected_failure == "known"


@pytest.mark.parametrize(
    ("version", "excused"),
    [
        ("46", True),
        ("48.0.2", True),
        ("49.0.0", False),
        ("45.9", False),
        ("47.0.0-rc.1", True),
        ("nightly", False),
        (None, False),
    ],
)
def test_versions_limit_an_entry(version: str | None, excused: bool) -> None:
    applied = apply(expecting('versions = ">=46,<49"'), result(Verdict.FAIL), version)
    assert applied.red is not excused


@pytest.mark.parametrize("version", ["nightly", None])
def test_an_entry_without_versions_is_about_any(version: str | None) -> None:
    assert not apply(expecting(), result(Verdict.FAIL), version).red


@pytest.mark.parametrize(
    ("flags", "excused"),
    [(("lift=callback",), True), (("lift=callback", "x=y"), True), (("lift=sync",), False), ((), False)],
)
def test_flags_limit_an_entry(flags: tuple[str, ...], excused: bool) -> None:
    applied = apply(expecting('flags = ["lift=callback"]'), result(Verdict.FAIL, flags=flags), "46")
    assert applied.red is not excused


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ((3,), None),
        ((3, 5), None),
        ((2,), "step 2 went wrong"),
        ((1, 2, 3), "step 1 and 2 went wrong"),
        ((), "no step went wrong"),
    ],
)
def test_steps_limit_an_entry(wrong: tuple[int, ...], complaint: str | None) -> None:
    applied = apply(expecting("steps = [3, 5]"), result(Verdict.FAIL, wrong=wrong), "46")
    if complaint is None:
        assert not applied.red
    else:
        assert applied.red
        assert f"a known failure of step 3 or 5 ({FILE}:1: known), but {complaint}: correct" in (
            applied.unexpected or ""
        )


@pytest.mark.parametrize(("verdict", "excused"), [('"fail"', True), ('["fail", "non-strict"]', False)])
def test_steps_that_are_not_strict_count_where_they_are_listed(verdict: str, excused: bool) -> None:
    failed = result(Verdict.FAIL, wrong=(3,))
    steps = (replace(failed.steps[0], verdict=Verdict.NON_STRICT), *failed.steps[1:])
    applied = apply(expecting(f"steps = [3]\nverdict = {verdict}"), replace(failed, steps=steps), "46")
    assert applied.red is not excused


def test_an_exact_id_goes_before_a_glob_and_an_earlier_entry_before_a_later_one() -> None:
    entries = [("cli-*", "first glob"), ("cli-?", "second glob"), ("cli-x", "exact")]
    text = "".join(f'[[expect]]\nid = "{id}"\nreason = "{reason}"\n' for id, reason in entries)
    assert apply(parse(text), result(Verdict.FAIL), None).expected_failure == "exact"
    assert apply(parse(text), result(Verdict.FAIL, "cli-z"), None).expected_failure == "first glob"


def test_entries_that_name_no_vector_are_problems() -> None:
    ids = ["cli-stdout", "cli-stdin"]
    names = ["cli-stdout", "cli-*", "cli-stdut", "http-*", "zzzz"]
    text = "".join(f'[[expect]]\nid = "{id}"\nreason = "r"\n' for id in names)
    misspelt, glob, alien = unmatched(parse(text), ids)
    assert (misspelt.file, misspelt.line) == (FILE, 7)
    assert str(misspelt) == f"{FILE}:7: the id names no vector: 'cli-stdut'\n  hint: did you mean 'cli-stdout'?"
    assert glob.message == "the glob matches no vector: 'http-*'"
    assert alien.hint.startswith("remove the entry")
