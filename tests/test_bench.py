"""The measurement of the harness's own time, on a few vectors: that it runs, not what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "bench" / "overhead.py"


def test_the_overhead_is_measured() -> None:
    command = [sys.executable, str(SCRIPT), "--rounds", "1", "--vectors", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"start: import [\d.]+ s, list \d+ vectors [\d.]+ s; read 2[01] of them", done.stdout)
    assert re.search(r"wasmtime@[\d.]+, [1-9]\d* vectors, 2 at a time, median of 1\n  bare ", done.stdout)
