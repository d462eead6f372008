"""The gate as a vendor's CI meets it: options of `run`, the reusable workflow, the GitLab snippet."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from scene import VECTORS, call, vector_folder

from wasicheck.judge.status import ExitStatus
from wasicheck.report.reading import read_results

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/conformance.yml").read_text())
INPUTS: dict[str, Any] = WORKFLOW[True]["workflow_call"]["inputs"]
"""`on:` is what YAML 1.1 takes for true."""


def test_shards_and_their_merging(host: str) -> None:
    whole = ["run", "--host", host, "--vectors=own"]
    statuses = [call(*whole, f"--shard={n}/2", f"--json={n}.jsonl") for n in (1, 2)]
    assert sorted(statuses) == [ExitStatus.OK, ExitStatus.RED]
    assert call("merge", "1.jsonl", "2.jsonl", "--out=both.jsonl") == ExitStatus.OK
    assert call(*whole, "--json=whole.jsonl") == ExitStatus.RED
    assert call("diff", "whole.jsonl", "both.jsonl") == ExitStatus.OK
    assert len(read_results(Path("both.jsonl")).results) == 5


def test_a_baseline(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = ["run", "--host", host, "--vectors=own", "--baseline=before.jsonl"]
    assert call(*whole[:-1], "--json=before.jsonl") == ExitStatus.RED
    assert call(*whole) == ExitStatus.OK
    assert "1 expected failure" in capsys.readouterr().out
    vector_folder(Path("own"), cli_more=VECTORS[: VECTORS.index("  - id: done")] + NEW)
    assert call(*whole) == ExitStatus.RED
    Path("before.jsonl").write_text("{}\n")
    assert call(*whole) == ExitStatus.USAGE_ERROR
    assert "before.jsonl:1: not a results file" in capsys.readouterr().err


NEW = """\
  - id: new
    title: A vector that the baseline does not have
    requirements: [cli.environment.get-environment.pairs]
    steps:
      - call: get-environment()
        expect: "[]"
"""


@pytest.mark.parametrize(
    ("shard", "message"), [("5/4", "there is no shard 5/4"), ("x", "expected a shard such as 2/4")]
)
def test_a_shard_that_cannot_be(host: str, capsys: pytest.CaptureFixture[str], shard: str, message: str) -> None:
    assert call("run", "--host", host, "--shard", shard) == ExitStatus.USAGE_ERROR
    assert message in capsys.readouterr().err


def test_an_empty_shard(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [call("run", "done", "--host", host, "--vectors=own", f"--shard={n}/2") for n in (1, 2)].count(5) == 1
    assert "no vector of shard" in capsys.readouterr().err


# --- GitHub and GitLab ---------------------------------------------------------------------------


def steps(job: str) -> dict[str, dict[str, Any]]:
    """The named steps of a job of the workflow."""
    return {step["name"]: step for step in WORKFLOW["jobs"][job]["steps"] if "name" in step}


def run_step(step: dict[str, Any], values: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step's script as a runner of GitHub does, its expressions filled in from `values`."""

    def fill(text: str) -> str:
        return re.sub(r"\$\{\{ *(.+?) *\}\}", lambda found: values[found[1]], text)

    given = {name: fill(str(value)) for name, value in step.get("env", {}).items()}
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    (commands / "wasicheck").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wasicheck "$@"\n')
    (commands / "wasicheck").chmod(0o755)
    environment = os.environ | given | {"PATH": f"{commands}:{os.environ['PATH']}"}
    environment["GITHUB_STEP_SUMMARY"] = str(folder / "step-summary.md")
    environment["PYTHONPATH"] = str(ROOT)
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", fill(step["run"])]
    return subprocess.run(script, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_workflow_runs(host: str, tmp_path: Path) -> None:
    values = {
        "inputs.host": host,
        "inputs.select": "--vectors\nown\n",
        "inputs.baseline": "",
        "strategy.job-total": "2",
    }
    statuses = []
    for shard in "12":
        done = run_step(steps("shard")["Run the vectors"], values | {"matrix.shard": shard}, tmp_path)
        statuses.append(done.returncode)
        folder = tmp_path / "shards" / f"wasicheck-shard-{shard}"
        folder.mkdir(parents=True)
        (tmp_path / "results.jsonl").rename(folder / "results.jsonl")
    assert sorted(statuses) == [ExitStatus.OK, ExitStatus.RED], done.stderr
    assert (tmp_path / "step-summary.md").read_text().count("## ") >= 2
    done = run_step(steps("whole")["Join the shards"], values, tmp_path)
    assert done.returncode == 0, done.stderr
    whole = tmp_path / "results.jsonl"
    assert len(read_results(whole).results) == 5
    whole.rename(tmp_path / "before.jsonl")
    values |= {"inputs.baseline": "before.jsonl", "matrix.shard": "1", "strategy.job-total": "1"}
    done = run_step(steps("shard")["Run the vectors"], values, tmp_path)
    assert done.returncode == ExitStatus.OK, done.stderr


def test_the_workflow_is_documented_and_quotes_nothing_into_a_shell() -> None:
    page = (ROOT / "docs/gate.md").read_text()
    assert [name for name in INPUTS if f"`{name}`" not in page] == []
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                assert "${{" not in step["run"]


def test_the_workflow_sets_a_host_up_as_github_runs_a_script(tmp_path: Path) -> None:
    setup = steps("shard")["Set the host up"]
    done = run_step(setup, {"inputs.setup": "echo one > made\nfalse\necho two > made\n"}, tmp_path)
    assert (done.returncode, (tmp_path / "made").read_text()) == (1, "one\n")


def snippets() -> dict[str, list[str]]:
    """What the workflow and the pages of the documentation have for GitHub and for GitLab."""
    found = {"github": [(ROOT / ".github/workflows/conformance.yml").read_text()], "gitlab": []}
    for page in ("gate", "add-your-host"):
        for text in re.findall(
            r"^```yaml\n(.*?)^```$", (ROOT / f"docs/{page}.md").read_text(), re.MULTILINE | re.DOTALL
        ):
            found["github" if "jobs" in yaml.safe_load(text) else "gitlab"].append(text)
    return found


@pytest.mark.parametrize(
    ("kind", "schema", "count"),
    [
        ("github", ["vendor.github-workflows"], 3),
        ("gitlab", ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"], 2),
    ],
)
def test_ci_takes_the_workflow_and_the_snippets(kind: str, schema: list[str], count: int, tmp_path: Path) -> None:
    texts = snippets()[kind]
    assert len(texts) == count
    # One that is wrong, so that a check which takes everything is noticed.
    wrong = {"github": "on: push\njobs: {a: {steps: []}}\n", "gitlab": "a: {script: [true], when: never-mind}\n"}[kind]

    def check(text: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "ci.yml"
        file.write_text(text)
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for text in texts:
        done = check(text)
        assert done.returncode == 0, done.stdout + text
    assert check(wrong).returncode == 1


def test_the_snippets_give_the_workflow_what_it_takes() -> None:
    for text in snippets()["github"][1:]:
        for job in yaml.safe_load(text)["jobs"].values():
            assert job["uses"] == "OWNER/wasicheck/.github/workflows/conformance.yml@main"
            assert set(job["with"]) <= set(INPUTS)
            assert all(isinstance(value, str) for value in job["with"].values())


def test_the_gitlab_snippet_is_what_the_command_understands(host: str) -> None:
    page = (ROOT / "docs/gate.md").read_text()
    snippet = yaml.safe_load(page.split("## GitLab")[1].split("```yaml\n")[1].split("```")[0])
    assert call("run", "--host", host, "--vectors=own", "--json=ci/baseline.jsonl") == ExitStatus.RED
    for index in "12":
        (script,) = snippet["conformance"]["script"]
        words = shlex.split(script.replace("$CI_NODE_INDEX", index).replace("$CI_NODE_TOTAL", "2"))
        words[words.index("ci/runner.toml")] = host
        assert call(*words[1:], "--vectors=own") == ExitStatus.OK
    for line in snippet["conformance-results"]["script"]:
        words = [str(p) for w in shlex.split(line) for p in (sorted(Path().glob(w)) if "*" in w else [w])]
        assert call(*words[1:]) == ExitStatus.OK
