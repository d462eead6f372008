"""`pytest --host`: the fake host for every outcome, wasmtime for the way a user goes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from scene import DAMAGED, UNSTAGEABLE, VECTORS, fake_runner, vector_folder

# Loaded here, it is not loaded anew for each run in this process, which would take long and which PyYAML does not bear.
import wasicheck.conformance
import wasicheck.properties.search  # noqa: F401
from wasicheck.judge.status import ExitStatus
from wasicheck.report.reading import read_results

pytest_plugins = ["pytester"]

SUITES = {
    "test_cli": 'from wasicheck.plugin import Vectors\nvectors = Vectors("cli")',
    "test_others": "from wasicheck.plugin import Vectors\nvectors = Vectors(None)",
}
_BESIDES = ("deselected", "warnings")
"""Counts of pytest that are not about items that ran; a plugin loaded twice in one process is warned of."""
EXPECTED = '[[expect]]\nid = "{id}"\nreason = "it is known"\nlink = "https://a.example/1"\n'


@pytest.fixture
def scene(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs pytest in a folder with suites, on the fake host with some vectors."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(**SUITES)
    runner = fake_runner(pytester.path / "fake", monkeypatch)
    number = iter(range(100))

    def run(*arguments: str, host: bool = True, expectations: str = "", **files: str) -> pytest.RunResult:
        folder = vector_folder(pytester.path / f"own{next(number)}", **(files or {"cli_own": VECTORS}))
        (pytester.path / "fake" / "expectations.toml").write_text(expectations)
        given = [f"--host={runner}", f"--wasicheck-vectors={folder}"] if host else []
        return pytester.runpytest_inprocess("-p", "wasicheck.plugin", "-p", "no:cacheprovider", *given, *arguments)

    return run


def test_every_outcome(scene: Any) -> None:
    result = scene("-v", cli_own=VECTORS, cli_more=UNSTAGEABLE)
    result.assert_outcomes(passed=3, failed=1, errors=1, skipped=1)
    assert result.ret == ExitStatus.RED
    result.stdout.fnmatch_lines_random(
        [
            "test_cli.py::done[[]fake@1.0[]]*PASSED*",
            "test_cli.py::wrong[[]fake@1.0[]]*FAILED*",
            "test_cli.py::advised[[]fake@1.0[]]*PASSED*",
            "test_cli.py::elsewhere[[]fake@1.0[]]*SKIPPED (the expectation holds on *",
            "test_cli.py::unstageable[[]fake@1.0[]]*ERROR*",
            "non-strict advised * on fake@1.0: *cli/own.yaml:20: expected exit status 7*",
            "info open * on fake@1.0: *",
            "fake@1.0 * 6",
        ]
    )


def test_a_failure_is_told_in_words(scene: Any) -> None:
    result = scene("-k", "wrong")
    assert result.ret == ExitStatus.RED
    text = result.stdout.str()
    assert "Traceback" not in text
    assert "conformance.py" not in text
    result.stdout.fnmatch_lines(
        [
            "*wrong[[]fake@1.0[]]*",
            "step 1 (own0/cli/own.yaml:13): expected [[][]], observed memory that is no such value*",
            "The variables are told",
            "step 1 (own0/cli/own.yaml:13): get-environment()",
            "    fail (must): *",
            "    expected [[][]]",
            "    observed *",
            "requirement: cli.environment.get-environment.pairs (must, wit)",
            "vector: own0/cli/own.yaml:9",
            "repeat: wasicheck repro wrong --host fake/runner.toml --vectors *own0",
        ]
    )


@pytest.mark.parametrize(
    ("behaviour", "verdict"), [("crashes", "crash"), ("hangs", "timeout"), ("forges-frames", "fail")]
)
def test_hosts_that_misbehave(scene: Any, monkeypatch: pytest.MonkeyPatch, behaviour: str, verdict: str) -> None:
    monkeypatch.setenv("WASICHECK_FAKE", behaviour)
    text = VECTORS.replace("title: Nothing is asked for", "title: Nothing\n    deadline: 300ms")
    result = scene("-k", "done", "--wasicheck-json=r.jsonl", cli_own=text)
    result.assert_outcomes(failed=1, deselected=4)
    assert [r.verdict for r in read_results(Path("r.jsonl")).results] == [verdict]


@pytest.mark.parametrize(
    ("arguments", "outcomes", "status"),
    [
        (["-k", "done"], {"passed": 1}, ExitStatus.OK),
        (["-k", "calm"], {"passed": 1}, ExitStatus.OK),
        (["-k", "advised or open"], {"passed": 2}, ExitStatus.OK),
        (["-k", "elsewhere"], {"skipped": 1}, ExitStatus.OK),
        (["-k", "unstageable"], {"errors": 1}, ExitStatus.HARNESS_ERROR),
        (["-k", "unstageable or wrong"], {"errors": 1, "failed": 1}, ExitStatus.RED),
        (["-k", "nothing-like-it"], {}, ExitStatus.NOTHING_SELECTED),
        (["-m", "may"], {"passed": 1}, ExitStatus.OK),
        (["-m", "should and cli"], {"passed": 1}, ExitStatus.OK),
        (["-m", "unstable"], {}, ExitStatus.NOTHING_SELECTED),
        (["test_cli.py::done[fake@1.0]"], {"passed": 1}, ExitStatus.OK),
        (["test_others.py"], {}, ExitStatus.NOTHING_SELECTED),
        (["--abi=callback", "--lower=sync", "-k", "done"], {"passed": 1}, ExitStatus.OK),
    ],
)
def test_selections(scene: Any, arguments: list[str], outcomes: dict[str, int], status: ExitStatus) -> None:
    result = scene(*arguments, cli_own=VECTORS, cli_more=UNSTAGEABLE)
    counted = {name: count for name, count in result.parseoutcomes().items() if name not in _BESIDES}
    assert (counted, result.ret) == (outcomes, status)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_shards_are_disjoint_and_complete(scene: Any, workers: list[str]) -> None:
    found: list[str] = []
    for index in (1, 2):
        scene(f"--shard={index}/2", "--wasicheck-json=r.jsonl", *workers)
        run = read_results(Path("r.jsonl"))
        assert (str(run.header.shard), run.header.selected) == (f"{index}/2", len(run.results))
        found += [result.id for result in run.results]
    assert sorted(found) == ["advised", "done", "elsewhere", "open", "wrong"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard=3/2"], "--shard: there is no shard 3/2"),
        (["--shard=half"], "--shard: expected a shard such as 2/4"),
        (["--baseline=nowhere.jsonl"], "nowhere.jsonl: cannot be read: No such file"),
    ],
)
def test_a_gate_that_cannot_be(scene: Any, arguments: list[str], message: str) -> None:
    result = scene(*arguments)
    assert result.ret == ExitStatus.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_baseline_excuses_what_was_as_bad(scene: Any, workers: list[str]) -> None:
    assert scene("--wasicheck-json=before.jsonl").ret == ExitStatus.RED
    result = scene("--baseline=before.jsonl", "-rx", *workers)
    assert result.ret == ExitStatus.OK
    result.stdout.fnmatch_lines(["XFAIL *wrong* fail in the baseline fake@1.0 as well"])
    worse = VECTORS.replace("      - yield: 1\n", "      - yield: 1\n    after: {exit: code(9)}\n", 1)
    result = scene("--baseline=before.jsonl", *workers, cli_own=worse)
    assert result.ret == ExitStatus.RED
    result.assert_outcomes(failed=1, passed=2, xfailed=1, skipped=1)


@pytest.mark.parametrize(
    ("id", "verdict", "arguments", "outcomes", "status"),
    [
        ("wrong", "fail", [], {"xfailed": 1}, ExitStatus.OK),
        ("wr*", "fail", ["--runxfail"], {"failed": 1}, ExitStatus.RED),
        ("wrong", "fail", ["--no-expectations"], {"failed": 1}, ExitStatus.RED),
        ("wrong", "timeout", [], {"failed": 1}, ExitStatus.RED),
        ("done", "fail", [], {"failed": 1}, ExitStatus.RED),
    ],
)
def test_expectations(
    scene: Any, id: str, verdict: str, arguments: list[str], outcomes: dict[str, int], status: ExitStatus
) -> None:
    entry = EXPECTED.format(id=id) + f'verdict = ["{verdict}"]\n'
    result = scene("-rx", "-k", id.strip("*"), *arguments, expectations=entry)
    counted = {name: count for name, count in result.parseoutcomes().items() if name not in _BESIDES}
    assert (counted, result.ret) == (outcomes, status)
    if "xfailed" in outcomes:
        result.stdout.fnmatch_lines(["XFAIL *wrong* it is known (https://a.example/1)"])
    if id == "done":
        result.stdout.fnmatch_lines(["listed as a known failure (*expectations.toml:1: it is known), but it passes*"])


def test_a_damaged_file_is_an_error_and_the_others_run(scene: Any) -> None:
    result = scene("-k", "done", cli_own=VECTORS, cli_damaged=DAMAGED, top=DAMAGED)
    result.assert_outcomes(passed=1, errors=2, deselected=4)
    assert result.ret == ExitStatus.USAGE_ERROR
    for file in ("cli/damaged.yaml", "top.yaml"):
        result.stdout.fnmatch_lines([f"own0/{file}:4:5: unknown key `titel` in a vector; did you mean `title`[?]*"])
    assert "Traceback" not in result.stdout.str()


def test_results_and_junit(scene: Any) -> None:
    result = scene("--wasicheck-json=out/r.jsonl", "--wasicheck-junit=out/j.xml", "--junitxml=p.xml", "-p", "no:xdist")
    assert result.ret == ExitStatus.RED
    results = read_results(Path("out/r.jsonl"))
    assert not results.truncated
    assert {r.id: r.verdict.value for r in results.results} == {
        "done": "pass", "wrong": "fail", "advised": "non-strict", "open": "info", "elsewhere": "skip",
    }  # fmt: skip
    assert ET.parse("out/j.xml").getroot().attrib.items() >= {"tests": "5", "failures": "1", "errors": "0"}.items()
    case = next(c for c in ET.parse("p.xml").iter("testcase") if c.get("name") == "wrong[fake@1.0]")
    properties = [(p.get("name"), p.get("value")) for p in case.iter("property")]
    assert properties == [
        ("requirement", "cli.environment.get-environment.pairs"),
        ("level", "must"),
        ("interface", "wasi:cli/environment@0.3.0"),
        ("verdict", "fail"),
    ]


def test_workers_and_one_process_tell_the_same(scene: Any) -> None:
    vectors = {"cli_own": VECTORS, "cli_more": UNSTAGEABLE, "cli_damaged": DAMAGED}
    alone = scene("--wasicheck-json=a.jsonl", **vectors)
    workers = scene("--wasicheck-json=b.jsonl", "-n", "2", **vectors)
    assert workers.ret == alone.ret == ExitStatus.RED
    assert workers.parseoutcomes() == alone.parseoutcomes()
    one, other = (read_results(Path(name)) for name in ("a.jsonl", "b.jsonl"))
    assert one.header.selected == other.header.selected == 6
    assert {(r.id, r.verdict) for r in one.results} == {(r.id, r.verdict) for r in other.results}
    assert "6 runs on 1 host" in workers.stdout.str()


CHECKS = {
    "test_surface": "from wasicheck.plugin import Surface\nsurface = Surface()",
    "test_properties": "from wasicheck.plugin import Properties\nproperties = Properties()",
}


@pytest.fixture
def checks(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs pytest in a folder with the checks that are no vectors, on the fake host."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(**CHECKS)
    runner = fake_runner(pytester.path / "fake", monkeypatch)

    def run(*arguments: str, expectations: str = "") -> pytest.RunResult:
        (pytester.path / "fake" / "expectations.toml").write_text(expectations)
        given = ["-p", "wasicheck.plugin", "-p", "no:cacheprovider", f"--host={runner}", "--wasicheck-examples=2"]
        return pytester.runpytest_inprocess(*given, *arguments)

    return run


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_the_surface(checks: Any, workers: list[str]) -> None:
    result = checks("-v", "-rs", "-m", "surface", *workers)
    assert result.ret == ExitStatus.OK
    assert result.parseoutcomes()["skipped"] == 21
    result.stdout.fnmatch_lines_random(
        ["SKIPPED * functions and types are not told by linking: *", "surface   fake@1.0: 21 skip"]
    )


def test_a_host_on_which_nothing_starts(checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASICHECK_FAKE", "does-nothing")
    result = checks("-k", "surface-command-cli-exit")
    assert result.ret == ExitStatus.HARNESS_ERROR
    result.stdout.fnmatch_lines(["nothing was found out: a guest that imports no more *"])


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_property_that_does_not_hold(checks: Any, workers: list[str]) -> None:
    files = ["--wasicheck-json=r.jsonl", "--wasicheck-junit=j.xml"]
    result = checks("-v", "-k", "property-arguments", *files, *workers)
    assert result.ret == ExitStatus.RED
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "*test_properties.py::property-arguments[[]fake@1.0[]]*",
            "step 1 (counterexample-arguments.yaml:11): expected *",
            "of 1 vectors the last one failed*:",
            "interface: wasi:cli/environment@0.3.0",
            "  - id: counterexample-arguments",
            "requirement: cli.environment.get-arguments.list (must, wit)",
            "repeat: wasicheck run --host fake/runner.toml --vectors DIR, with the vector in a file in DIR",
            "property  fake@1.0: 1 fail",
        ]
    )
    # Results files hold vectors, so that runs can be compared; reports for readers hold everything that is red.
    run = read_results(Path("r.jsonl"))
    assert (run.header.selected, run.results, run.truncated) == (0, (), False)
    (case,) = ET.parse("j.xml").iter("testcase")
    assert (case.get("name"), case.get("classname")) == ("property-arguments", "wasi:cli/environment")
    assert case.find("failure") is not None


def test_known_failures_of_checks(checks: Any) -> None:
    known = EXPECTED.format(id="property-*") + EXPECTED.format(id="surface-command-cli-exit")
    result = checks("-rx", "-k", "property-waits or surface-command-cli-exit", expectations=known)
    assert result.ret == ExitStatus.OK
    result.stdout.fnmatch_lines(["XFAIL *property-waits* it is known (https://a.example/1)"])
    assert result.parseoutcomes()["xfailed"] == 1
    red = checks("-k", "property-waits", "--no-expectations", expectations=known)
    assert red.ret == ExitStatus.RED


def test_expectations_of_checks_that_are_not_there(checks: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**SUITES)
    known = EXPECTED.format(id="property-wait") + EXPECTED.format(id="property-waits")
    result = checks("-k", "run-result-ok", expectations=known)
    assert result.ret == ExitStatus.RED
    result.stdout.fnmatch_lines(["*expectations.toml:1: the id names no vector: 'property-wait'"])
    assert "'property-waits'" not in result.stdout.str().partition("property-wait'")[2].partition("hint")[0]


def test_seeds_and_numbers_of_examples(checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[int, int]] = []

    def examine(*given: Any, examples: int, number: int, **rest: Any) -> Any:
        tried.append((examples, number))
        raise AssertionError("never mind")

    monkeypatch.setattr("wasicheck.properties.search.examine", examine)
    checks("-k", "property-waits")
    checks("-k", "property-waits", "--wasicheck-examples=7", "--wasicheck-seed=3")
    assert tried == [(2, 0), (7, 3)]


def test_shards_hold_checks_as_well(checks: Any) -> None:
    found = [
        line
        for index in (1, 2)
        for line in checks("--collect-only", "-q", f"--shard={index}/2").outlines
        if "::" in line
    ]
    assert len(found) == len(set(found)) == 21 + 20


def test_own_vectors_are_run_alone(scene: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**CHECKS)
    scene("-k", "done").assert_outcomes(passed=1, deselected=4)


def test_checks_need_a_host(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**CHECKS)
    result = pytester.runpytest_inprocess("-p", "wasicheck.plugin")
    assert result.ret == ExitStatus.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --host is missing: *"])


def test_several_hosts(scene: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    second = fake_runner(pytester.path / "second", monkeypatch)
    second.write_text(second.read_text().replace('name = "fake"', 'name = "other"'))
    same = f"--host={second.parent}"
    result = scene("-v", "-k", "done", f"--host={second}", same)
    result.assert_outcomes(passed=2, deselected=8)
    result.stdout.fnmatch_lines(["*::done[[]fake@1.0[]]*", "*::done[[]other@1.0[]]*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host=nonesuch"], 'no host is called "nonesuch"*'),
        (["--wasicheck-vectors=nowhere"], "there is no folder nowhere: --wasicheck-vectors takes a folder*"),
        (["--wasicheck-json=/proc/none/r.jsonl"], "the results cannot be written: *"),
        (["--wasicheck-junit=/proc/none/j.xml"], "a report cannot be written: *"),
    ],
)
def test_what_cannot_be_used(scene: Any, arguments: list[str], message: str) -> None:
    result = scene(*arguments)
    assert result.ret == ExitStatus.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_bad_expectations_file(scene: Any) -> None:
    result = scene(expectations="[[expect]]\nid = 5\n")
    assert result.ret == ExitStatus.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *expectations.toml:2: `id` is not a text: 5"])


@pytest.mark.parametrize("workers", [[], ["-n", "1"]])
def test_without_a_host(scene: Any, workers: list[str]) -> None:
    result = scene(*workers, host=False)
    assert result.ret == ExitStatus.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --host is missing: *"])


def test_other_tests_need_no_host(scene: Any, pytester: pytest.Pytester) -> None:
    other = pytester.makepyfile(other_test="def test_passes(): pass\ndef test_fails(): assert False")
    result = scene(str(other), host=False)
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == ExitStatus.RED


def test_a_failure_of_another_test_stays_red(scene: Any, pytester: pytest.Pytester) -> None:
    other = pytester.makepyfile(other_test="def test_fails(): assert False")
    assert scene("-k", "done or fails", "test_cli.py", str(other)).ret == ExitStatus.RED


def test_collecting_runs_nothing(scene: Any) -> None:
    result = scene("--collect-only", "-q", "--wasicheck-json=r.jsonl")
    assert result.ret == ExitStatus.OK
    result.stdout.fnmatch_lines(["test_cli.py::done[[]fake@1.0[]]"])
    assert not Path("r.jsonl").exists()


def test_markers_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("-p", "wasicheck.plugin", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.must: *", "@pytest.mark.component_model: *"])


def test_from_the_checkout(pytestconfig: pytest.Config) -> None:
    """The suites as they are, in a process of their own; with an expectation that names nothing."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
        return subprocess.run(
            command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False, env=variables
        )

    done = run("--host=wasmtime", "-k", "stdout-write-and-close", "suites/test_cli.py", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(
        r"^suites/test_cli.py::stdout-write-and-close\[wasmtime@[\d.]+\] .*PASSED", done.stdout, re.MULTILINE
    )
    missing = run()
    assert missing.returncode == ExitStatus.USAGE_ERROR
    assert "ERROR: --host is missing: " in missing.stderr


def test_expectations_that_name_no_vector_are_red(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(**SUITES)
    runner = fake_runner(pytester.path / "fake", monkeypatch)
    (runner.parent / "expectations.toml").write_text(EXPECTED.format(id="stdout-write-and-clos"))
    result = pytester.runpytest_inprocess(
        "-p", "wasicheck.plugin", f"--host={runner}", "-k", "no-vector-has-this or run-result-ok", "test_cli.py"
    )
    assert "errors" in result.parseoutcomes()
    result.stdout.fnmatch_lines(["*expectations.toml:1: the id names no vector: 'stdout-write-and-clos'"])
    assert result.ret == ExitStatus.RED
