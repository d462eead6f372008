"""`wasicheck check coverage`: the project's own coverage, the README's table, and what it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scene import VECTORS, call, vector_folder

from wasicheck.check.coverage import PackageCoverage, coverage, unexplained
from wasicheck.judge.status import ExitStatus
from wasicheck.report.coverage import BEGIN, END, with_coverage
from wasicheck.resources import data_folder
from wasicheck.session import load_vectors
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.requirements import load_requirements
from wasicheck.wit import wasi


@pytest.fixture(scope="module")
def project(project_suite: Suite) -> tuple[PackageCoverage, ...]:
    """The coverage of the vectors and requirements as they are."""
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    return coverage(wasi(), project_suite.vectors.values(), catalogue)


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A folder of vectors of one's own."""
    return str(vector_folder(tmp_path / "own", cli_own=VECTORS))


def test_every_error_case_has_a_vector_or_a_reason(project: tuple[PackageCoverage, ...]) -> None:
    assert sum(len(package.error_cases) for package in project) == 108
    assert [case.name for case in unexplained(project)] == []


def test_the_readme_is_in_step(project: tuple[PackageCoverage, ...], pytestconfig: pytest.Config) -> None:
    readme = (pytestconfig.rootpath / "README.md").read_text()
    assert readme == with_coverage(readme, project), "the table is out of date: make readme"


def test_own_vectors_are_their_owners_affair(own: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", "coverage", "--vectors", own) == ExitStatus.OK
    assert "wasi:cli/types@0.3.0#error-code pipe: NEITHER A VECTOR NOR A REASON" in capsys.readouterr().out


def test_the_projects_vectors_are_to_be_complete(
    own: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wasicheck.commands.check.suite_of", lambda _: load_vectors(Path(own)))
    assert call("check", "coverage", "--json") == ExitStatus.RED
    cases = json.loads(capsys.readouterr().out)["cli"]["error-cases"]
    assert cases["wasi:cli/types@0.3.0#error-code pipe"] == {"vectors": [], "reason": None}


def test_markdown_and_a_page(own: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    more = ["--markdown", str(tmp_path / "out" / "coverage.md"), "--update", str(page)]
    assert call("check", "coverage", "--vectors", own, *more) == ExitStatus.OK
    assert (tmp_path / "out" / "coverage.md").read_text().startswith("## What is covered\n")
    assert page.read_text().startswith(f"before\n{BEGIN}\n| package |")
    assert page.read_text().endswith(f"{END}\nafter\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "page.md: cannot be read: "),
        (b"\xff", "page.md: cannot be read: "),
        (b"x", f"page.md: expected `{BEGIN}` o"),
    ],
)
def test_a_page_that_cannot_be_used(
    own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    page = tmp_path / "page.md"
    if content is not None:
        page.write_bytes(content)
    assert call("check", "coverage", "--vectors", own, "--update", str(page)) == ExitStatus.USAGE_ERROR
    assert said in capsys.readouterr().err
