"""What tests of the command line share."""

from pathlib import Path

import pytest
from scene import VECTORS, fake_runner, vector_folder


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The fake host, in a folder that the test is in."""
    runner = fake_runner(tmp_path / "fake", monkeypatch)
    vector_folder(tmp_path / "own", cli_own=VECTORS)
    monkeypatch.chdir(tmp_path)
    return str(runner.relative_to(tmp_path))
