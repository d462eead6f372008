"""The wheel, installed where no checkout is in sight: vectors, runners, suites and the plugin are all in it."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from wasicheck.session import find_host

pytestmark = pytest.mark.packaging


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment, away from the checkout, on the wasmtime that is there."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON", "COV_", "VIRTUAL_ENV"))}
    variables = {**kept, "WASMTIME": str(find_host("wasmtime").binary)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_projects_data(wheel: Path, pytestconfig: pytest.Config) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, within in (
        ("suites", "wasicheck/suites"),
        ("vectors", "wasicheck/data/vectors"),
        ("runners", "wasicheck/data/runners"),
        ("reports", "wasicheck/data/reports"),
    ):
        root = pytestconfig.rootpath / folder
        files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
        # Of the reports only the templates: what was published is nobody's to install.
        files = [file for file in files if not {"__pycache__", "published"} & set(file.parts)]
        assert files
        assert {f"{within}/{file.as_posix()}" for file in files} <= names
    assert {"wasicheck/report/results.schema.json", "wasicheck/py.typed", "wasicheck/wit/wasi-0.3.0/cli.wit"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/")) or "/published/" in name]


def test_the_command(installed: Path, tmp_path: Path) -> None:
    done = run([str(installed / "wasicheck"), "run", "--host", "wasmtime", "stdout-write-and-close"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all 1 as expected" in done.stdout
    done = run([str(installed / "wasicheck"), "repro", "--host", "wasmtime", "stdout-write-and-close"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run([str(installed / "wasicheck"), "init-host", "mine"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_the_plugin(installed: Path, tmp_path: Path, workers: list[str]) -> None:
    command = [
        str(installed / "python"),
        "-m",
        "pytest",
        "--pyargs",
        "wasicheck.suites",
        "-v",
        "-k",
        "stdout-write-and",
    ]
    done = run([*command, "--host=wasmtime", "--wasicheck-json", "r.jsonl", *workers], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_cli.py::stdout-write-and-close[wasmtime@" in done.stdout
    assert (
        str(installed.parent)
        in run([str(installed / "python"), "-c", "import wasicheck; print(wasicheck.__file__)"], tmp_path).stdout
    )
    missing = run([*command, *workers], tmp_path)
    assert missing.returncode == 4
    assert "--host is missing" in missing.stderr


def test_commands_that_need_what_is_in_the_wheel(installed: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    def wasicheck(*arguments: str) -> str:
        done = run([str(installed / "wasicheck"), *arguments], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # The templates of the site, and the requirements that it annotates the specification with.
    wasicheck("run", "--host", "wasmtime", "stdout-write-and-close", "--json", "r.jsonl", "--markdown", "summary.md")
    assert "1 vector" in wasicheck("matrix", "r.jsonl", "--out", "site")
    site = tmp_path / "site"
    assert "stdout-write-and-close" in (site / "index.html").read_text()
    assert "cli.stdout.write-via-stream.data" in (site / "requirements.js").read_text()
    assert (site / "style.css").is_file()
    assert list((site / "badges").glob("wasmtime-*.svg"))
    # That of a reproduction, and of a runner.
    wasicheck("repro", "--host", "wasmtime", "stdout-write-and-close", "--out", "repro")
    assert "stdout-write-and-close" in (tmp_path / "repro" / "README.md").read_text()
    wasicheck("init-host", "mine")
    assert 'name = "mine"' in (tmp_path / "mine" / "runner.toml").read_text()
    # The declarations of WASI.
    wasicheck("show", "stdout-write-and-close", "--wasm", "guest.wasm")
    assert "fits wasi:cli/command@0.3.0" in wasicheck("check", "component", "guest.wasm")
    copy = pytestconfig.rootpath / "wasicheck" / "wit" / "wasi-0.3.0" / "clocks.wit"
    (tmp_path / "clocks.wit").write_bytes(copy.read_bytes())
    assert "says what WASI 0.3.0 says" in wasicheck("check", "wit", "clocks.wit")
    # The vectors and the catalogue.
    data = json.loads(wasicheck("check", "coverage", "--json"))
    assert data["cli"]["error-cases"]["wasi:cli/types@0.3.0#error-code pipe"]["vectors"]
    assert data["random"]["requirements"]["no"]


def test_the_checks_that_are_no_vectors(installed: Path, tmp_path: Path) -> None:
    modules = ["wasicheck.suites.test_surface", "wasicheck.suites.test_properties"]
    command = [str(installed / "python"), "-m", "pytest", "-v", "--wasicheck-examples=2", "--pyargs", *modules]
    done = run([*command, "-k", "surface-command-cli-exit or property-exit-codes", "--host=wasmtime"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::surface-command-cli-exit[wasmtime@" in done.stdout
    assert "::property-exit-codes[wasmtime@" in done.stdout
    # Nothing is left behind in the folder that one happens to be in.
    assert {path.name for path in tmp_path.iterdir()} <= {".pytest_cache"}
