"""A folder of vectors with one for every verdict, and a host that can be made to misbehave."""

import shutil
import sys
from pathlib import Path

import pytest

from wasicheck.cli import main

FAKE = Path(__file__).parent / "hosts" / "fake"
VECTORS = """\
interface: wasi:cli/environment@0.3.0
vectors:
  - id: done
    title: Nothing is asked for
    requirements: [cli.environment.get-environment.pairs]
    tags: [calm]
    steps:
      - yield: 1
  - id: wrong
    title: The variables are told
    requirements: [cli.environment.get-environment.pairs]
    steps:
      - call: get-environment()
        expect: "[]"
  - id: advised
    title: The status should be another one
    requirements: [cli.environment.get-environment.exact-set]
    steps:
      - yield: 1
    after: {exit: code(7)}
  - id: open
    title: The status may be another one
    requirements: [cli.environment.get-arguments.argv0]
    steps:
      - yield: 1
    after: {exit: code(7)}
  - id: elsewhere
    title: Something of another system
    requirements: [cli.environment.get-environment.pairs]
    platforms: [win32]
    steps:
      - yield: 1
"""
"""On a host that claims everything: pass, fail, non-strict, info, skip."""
UNSTAGEABLE = """\
interface: wasi:cli/environment@0.3.0
vectors:
  - id: unstageable
    title: What is closed cannot be closed again
    requirements: [cli.environment.get-environment.pairs]
    given: {host-env: {WASICHECK_FAKE: reaches-steps}, args: ["0", "1"]}
    steps:
      - harness: {close: stdout}
      - harness: {close: stdout}
"""
"""On any host: error."""
DAMAGED = "interface: wasi:cli/environment@0.3.0\nvectors:\n  - id: broken\n    titel: Oops\n"


def fake_runner(folder: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str = "claims-everything") -> Path:
    """Copy the fake host to `folder`, make it behave so, and return its runner.toml."""
    shutil.copytree(FAKE, folder, ignore=shutil.ignore_patterns("__pycache__", "expectations.toml"))
    monkeypatch.setenv("WASICHECK_FAKE_PYTHON", sys.executable)
    monkeypatch.setenv("WASICHECK_FAKE", behaviour)
    return folder / "runner.toml"


def vector_folder(folder: Path, **files: str) -> Path:
    """Write vector files, `cli_own` to `cli/own.yaml`, and return the folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('_', '/', 1)}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def call(*arguments: str) -> int:
    """Run the command line; wrong usage ends it as an interpreter ends."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
