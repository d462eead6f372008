"""The wheel, installed where no checkout is in sight: vectors, runners, suites and the plugin are all in it."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from wasicheck.session import find_host

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The wheel, built from the checkout with what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment with the wheel; what it depends on is that of the running one."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    # Behind the environment's own packages, so that the wheel comes before an editable install of the same name.
    Path(packages, "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*pip, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "bin"


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
