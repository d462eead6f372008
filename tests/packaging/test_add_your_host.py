"""docs/add-your-host.md, followed to the letter: its commands, files and outputs, in an empty folder.

The page's host is wasmtime behind a name, flags and a flaw of its own. Of the fences of the page `console` has commands
with what they print, and `toml` and `yaml` have files, whose path is the comment in their first line.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from wasicheck.session import find_host

pytestmark = pytest.mark.packaging

PAGE = Path(__file__).parents[2] / "docs" / "add-your-host.md"
ACME = """\
#!/usr/bin/env bash
case "$1" in
  --version) echo "Acme runtime, version 1.4.0 (2026-05-01)"; exit ;;
  exec) shift ;;
  *) echo "acme: there is no command '$1'; try: acme exec FILE -- ARGUMENT..." >&2; exit 64 ;;
esac
flags=()
while [ $# -gt 0 ]; do
  case "$1" in
    --set) flags+=(--env "$2"); shift 2 ;;
    --give) flags+=(--dir "${2%%=*}::${2#*=}"); shift 2 ;;
    --net) flags+=(-Sinherit-network -Sallow-ip-name-lookup); shift ;;
    *) break ;;
  esac
done
file=$1
shift
[ "${1-}" = -- ] && shift
# The flaw.
arguments=()
for argument; do [ -z "$argument" ] || arguments+=("$argument"); done
exec WASMTIME run -Ccache=n -Oopt-level=0 "${flags[@]}" "$file" "${arguments[@]}"
"""
COMMANDS = ("init-host", "check host", "run", "show", "repro")
"""What the page has to show, among others."""


@dataclass
class Terminal:
    """A folder in which commands are typed, one after the other; `status` is that of the last one."""

    folder: Path
    path: str
    status: int = 0

    def type(self, command: str) -> tuple[str, str]:
        """Run a command; return what came out of stdout and stderr."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON", "COV_", "VIRTUAL"))}
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.status})\n{command}"],
            cwd=self.folder,
            env=variables | {"PATH": self.path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        self.status = done.returncode
        return done.stdout, done.stderr


def fences(page: str) -> list[tuple[str, str]]:
    """The kind and contents of each fence of a page, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a `console` fence, each with what it prints."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert parts[0] == "", "a console fence begins with a command"
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts[1:])]


def shows(expected: str, output: str) -> bool:
    """Whether a page's text stands for an output: `…` is any text, or any lines where it is a line of its own."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…\n" else ".*".join(map(re.escape, line.split("…")))
        for line in expected.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, output) is not None


def name_of(block: str) -> str:
    """The file that a fence is about, by its first line."""
    first = block.partition("\n")[0]
    assert re.fullmatch(r"# [\w./-]+", first), f"the first line says which file it is: {first}"
    return first[2:]


@pytest.fixture
def terminal(installed: Path, tmp_path: Path) -> Terminal:
    """An empty folder, with the installed command and the host in PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "acme").write_text(ACME.replace("WASMTIME", shlex.quote(str(find_host("wasmtime").binary))))
    (programs / "acme").chmod(0o755)
    # The command alone: what else is in the environment is not what a reader has typed.
    (programs / "wasicheck").symlink_to(installed / "wasicheck")
    folder = tmp_path / "empty"
    folder.mkdir()
    return Terminal(folder, f"{programs}:/usr/bin:/bin")


def test_the_page_can_be_followed(terminal: Terminal) -> None:
    page = PAGE.read_text()
    typed: list[str] = []
    for kind, block in fences(page):
        match kind:
            case "console":
                for command, expected in commands(block):
                    typed.append(command)
                    out, err = terminal.type(command)
                    assert shows(expected, out) or shows(expected, err), f"$ {command}\n{out}\n{err}\nnot:\n{expected}"
            case "toml" | "yaml":
                file = terminal.folder / name_of(block)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block)
            case _:
                raise AssertionError(f"what is a fence of kind {kind!r}?")
    assert [name for name in COMMANDS if not any(line.startswith(f"wasicheck {name}") for line in typed)] == []
    gate(terminal)


def gate(terminal: Terminal) -> None:
    """The gate of the page: its job for GitLab runs here as it does there."""
    job = yaml.safe_load((terminal.folder / ".gitlab-ci.yml").read_text())["wasi"]
    for line in job["script"]:
        out, err = terminal.type(line)
        assert terminal.status == 0, out + err
    artifacts = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert [name for name in artifacts if not (terminal.folder / name).is_file()] == []
    # It is a gate: with another flaw it is shut.
    acme = Path(terminal.path.partition(":")[0], "acme")
    acme.write_text(acme.read_text().replace('flags+=(--env "$2")', "true"))
    for line in job["script"]:
        terminal.type(line)
    assert terminal.status == 1


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("a\n…\nb\n", "a\nx\ny\nb\n", True),
        ("a\n…\nb\n", "a\nb\n", True),
        ("a … b\n", "a x y b\n", True),
        ("a … b\n", "a\nb\n", False),
        ("a.c\n", "abc\n", False),
        ("a\n", "a\nb\n", False),
        ("", "a\n", False),
    ],
)
def test_what_stands_for_an_output(expected: str, output: str, same: bool) -> None:
    assert shows(expected, output) is same
