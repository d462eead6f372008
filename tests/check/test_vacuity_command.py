"""`wasicheck check vectors`, with and without `--vacuity`: what it prints and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline import load
from judge_scene import NUMBER, Scene
from recorded_scene import TABLE, limits, result, written
from scene import call

from wasicheck.check.vacuity import check_vacuity
from wasicheck.judge.model import Result
from wasicheck.judge.status import ExitStatus
from wasicheck.report.vacuity import vacuity_text
from wasicheck.vectors.loader import Suite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of vectors, one of which leaves something open."""
    text = TABLE.replace("requirements: [must]", "requirements: [sockets.tcp-socket.connect.ok]")
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "x.yaml").write_text(text)
    return tmp_path


def stored(folder: Path, *results: Result) -> str:
    file = folder / "results.jsonl"
    file.write_bytes(written(*results))
    return str(file)


def check(folder: Path, *options: str) -> ExitStatus:
    return call("check", "vectors", "--vectors", str(folder / "vectors"), *options)


def test_the_command_tells_what_is_left_open(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = stored(folder, *limits())
    assert check(folder, "--vacuity", file) == ExitStatus.RED
    out = capsys.readouterr().out
    assert "2 vectors, " in out
    assert (
        "vectors/x.yaml:10: limit-a: $socket.get-hop-limit()\n"
        "  `must: ok(_)` accepts all 4 mutants of `.ok`, e.g. ok(65)\n"
        "  hint: ask for what the specification says of it, or say in `unchecked` why nothing is asked\n"
        f"{file}: 4 observations of 2 vectors, 0 more that results do not keep whole, 0 that were refused in the run;"
        " 0 vectors without any\n"
    ) in out
    assert out.endswith("\n1 part left open without a reason\n")


def test_the_command_is_content_with_a_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = folder / "vectors" / "x.yaml"
    vectors.write_text(vectors.read_text() + "        unchecked: It is not said.\n")
    assert check(folder, "--vacuity", stored(folder, *limits())) == ExitStatus.OK
    out = capsys.readouterr().out
    assert "4  of these in parts left open at 1 place that say why\n0 parts left open without a reason\n" in out
    vectors.write_text(vectors.read_text().replace("gives: ok(_)", "gives: ok(64)"))
    assert check(folder, "--vacuity", stored(folder, *limits())) == ExitStatus.RED
    assert "vectors/x.yaml:10: limit-a: `unchecked` says why something is open, and nothing is: leave it out" in (
        capsys.readouterr().out
    )


def test_the_command_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(folder, "--json") == ExitStatus.OK
    data = json.loads(capsys.readouterr().out)
    assert (data["vectors"], data["problems"], data["findings"], data["vacuity"]) == (2, [], [], None)
    assert check(folder, "--json", "--vacuity", stored(folder, *limits())) == ExitStatus.RED
    (hole,) = json.loads(capsys.readouterr().out)["vacuity"]["holes"]
    assert hole == {
        "place": "vectors/x.yaml:10",
        "id": "limit-a",
        "step": "$socket.get-hop-limit()",
        "expected": "must: ok(_)",
        "part": ".ok",
        "accepted": 4,
        "example": "ok(65)",
        "waiver": None,
    }


def test_lint_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = folder / "vectors" / "x.yaml"
    vectors.write_text(vectors.read_text().replace("gives: ok(_)", "gives: ok($x)") + "  - id: broken\n")
    assert check(folder, "--json") == ExitStatus.USAGE_ERROR
    data = json.loads(capsys.readouterr().out)
    assert data["findings"] == [
        {
            "place": "vectors/x.yaml:10:9",
            "message": "`$x` is captured and never used",
            "hint": "write `_`, or a pattern",
        }
    ]
    assert data["problems"][0]["message"] == "the vector has no `title`"


def test_results_that_cannot_be_used_are_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "results.jsonl"
    file.write_bytes(written(*limits()).replace(b'"observed":"ok(64)"', b'"observed":64'))
    for damaged, message in (
        (file, "`steps[1].observed` is 64; expected a text"),
        (folder / "none.jsonl", "cannot be read"),
        (folder / "vectors" / "x.yaml", "not JSON"),
    ):
        assert check(folder, "--vacuity", str(damaged)) == ExitStatus.USAGE_ERROR
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.count("wasicheck: ") == 1
        assert captured.out == ""


def test_results_without_an_observation_prove_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = stored(folder, result(Scene(NUMBER.format("5")), 5))
    assert check(folder, "--vacuity", file) == ExitStatus.USAGE_ERROR
    assert f"wasicheck: {file}: holds no observation of these 2 vectors: run them first\n" in capsys.readouterr().err


def test_results_of_vectors_that_are_not_there_any_more_are_told(folder: Path) -> None:
    vectors = load(TABLE)
    gone = result(Scene(NUMBER.format("5")), 5)
    other = Scene(NUMBER.format("5"))
    other.vector = next(iter(vectors.values()))
    report = check_vacuity(Suite(vectors, ()), [gone, *limits()[1:]])
    text = vacuity_text("r.jsonl", report).plain
    assert "1 result (one) of vectors that are not there\n" in text
    assert "2 observations of 1 vector, " in text
    assert "; 1 vector without any\n" in text
