"""The command line names functions: each is there, and nothing is imported before its turn."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator

from wasicheck import cli


def names(parser: argparse.ArgumentParser) -> Iterator[str]:
    if isinstance(name := parser.get_default("command"), str):
        yield name
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from names(inner)


def test_every_command_has_its_function() -> None:
    found = list(names(cli._parser()))
    assert len(set(found)) == len(found) == 14
    assert all(callable(cli._command(name)) for name in found)


def test_a_command_imports_what_it_needs_alone() -> None:
    program = "import sys, wasicheck.cli; print(*(name for name in sys.modules if name.startswith('wasicheck.')))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not [
        name for name in loaded if name.startswith(("wasicheck.commands", "wasicheck.session", "wasicheck.host"))
    ]
