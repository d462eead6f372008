"""The wheel, installed where no checkout is in sight: vectors, runners, suites and the plugin are all in it."""

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
        files = [
            path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        ]
        assert files
        assert {f"{within}/{file.as_posix()}" for file in files} <= names
    assert {"wasicheck/report/results.schema.json", "wasicheck/py.typed", "wasicheck/wit/wasi-0.3.0/cli.wit"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


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
