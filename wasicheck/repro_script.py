"""The shell script that runs a guest as the harness does, for someone who has the host but not wasicheck.

Descriptors, fixtures, environment and limits are the same. Where the harness waits until the guest gets to a step, the
script waits for a second.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from wasicheck.guest.steps import acknowledgement
from wasicheck.host.host import Host
from wasicheck.host.sandbox import process_environment
from wasicheck.host.trees import furnish
from wasicheck.vectors.model import Lift, Vector, World
from wasicheck.vectors.staging import Close, Drain, Feed, Harness, Pause, Receive, Stdio, StreamAction
from wasicheck.vectors.surroundings import Environment, RegularFile, Sink, Source

NONCE = b"wasicheck-repro!"
"""In place of a random one, so that the guest's observations can be told apart by eye."""
TREE = "tree"
"""The folder that the files of the vector are in."""
_PLAYED = """\
#!/bin/sh
# {id} on {label}: the sockets, files and namespaces around this guest are the harness's part, so wasicheck runs it.
set -eu
cd "$(dirname "$0")"
exec wasicheck run {id} --host "${{1:-{label}}}" --vectors .
"""
_TURN = "sleep 1"
"""Time for the guest to get to its next step."""


def write_script(folder: Path, host: Host, vector: Vector, lift: Lift) -> str:
    """Write what the vector's environment needs into a folder, and return the script that runs `guest.wasm` there.

    Raises OSError, and SceneError for a fixture that cannot be made.
    """
    environment = vector.environment
    if _is_played(vector):
        return _PLAYED.format(id=vector.id, label=host.label)
    directories = _furnish(folder, environment)
    subject = Path("prepared" if host.runner.prepare else "guest.wasm")
    command = host.command(subject, environment, lift, directories=directories, nonce=NONCE)
    feed = _feed(folder, vector)
    lines = ["#!/bin/sh", f"# {vector.id} on {host.label}: runs guest.wasm as wasicheck does.", "set -eu"]
    lines += ['cd "$(dirname "$0")"', *_fixtures(environment), *_preparation(host)]
    if environment.descriptors is not None:
        lines.append(f"ulimit -n {environment.descriptors}")
    outputs = (_sink(1, "stdout", environment.stdout), _sink(2, "stderr", environment.stderr))
    lines += [line for setup, _ in outputs for line in setup]
    pipe, redirection = _source(folder, environment)
    if feed:
        lines += ["feed() {", *(f"  {line}" for line in feed), "}"]
    redirections = " ".join(part for part in (redirection, *(redirect for _, redirect in outputs)) if part)
    words = [*_variables(host, environment), *(shlex.quote(word) for word in command)]
    lines += ["status=0", f"{pipe}env -i {_folded(words)} {redirections} || status=$?", "wait"]
    lines += ["rm -f .stdout .stderr", 'echo "exit status $status; see the files stdout and stderr"']
    return "\n".join(lines) + "\n"


def _folded(words: Sequence[str]) -> str:
    """A command over several lines, short words beside each other."""
    lines, line = list[str](), ""
    for word in words:
        if line and len(line) + len(word) > 100:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return " \\\n  ".join([*lines, line])


def _variables(host: Host, environment: Environment) -> Iterator[str]:
    """The variables of the host process; those of the user's own that it keeps stay names."""
    inherited = {"PATH", *host.runner.run.inherit} - {name for name, _ in host.runner.run.environment}
    for name, value in process_environment(host.runner, environment, Path("$PWD")).items():
        if value == "$PWD":
            yield f'{name}="$PWD"'
        elif name in inherited:
            yield f'{name}="${name}"'
        else:
            yield shlex.quote(f"{name}={value}")


def _is_played(vector: Vector) -> bool:
    """Whether the harness has a part in the run that a shell script cannot play."""
    if vector.world is not World.COMMAND or vector.environment.staged:
        return True
    actions = [step.action.action for step in vector.steps if isinstance(step.action, Harness)]
    return any(not isinstance(action, StreamAction | Pause) for action in actions)


def _furnish(folder: Path, environment: Environment) -> tuple[tuple[Path, str], ...]:
    """Make the tree; return the preopened directories, relative to the folder, with their names in the guest."""
    if not environment.tree:
        return ()
    tree = folder / TREE
    tree.mkdir()
    root = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        furnish(root, environment.tree)
    finally:
        os.close(root)
    return tuple((Path(TREE) / preopen.folder, preopen.name) for preopen in environment.preopens)


def _fixtures(environment: Environment) -> Iterator[str]:
    """Times that an archive of the folder may have lost."""
    for entry in environment.tree:
        if isinstance(entry.content, RegularFile) and entry.content.modified is not None:
            seconds, nanoseconds = divmod(entry.content.modified, 1_000_000_000)
            path = shlex.quote(f"{TREE}/{entry.path}")
            # `@-2.5` is half a second before -2 for GNU touch, and so is not what it looks like.
            stamp = f"@{seconds}.{nanoseconds:09}" if seconds >= 0 else f"@{entry.content.modified / 1e9:.9f}"
            yield f"touch -m -d '{stamp}' {path}"


def _preparation(host: Host) -> list[str]:
    command = host.helper_command()
    if command is None:
        return []
    request = json.dumps({"component": "@/guest.wasm", "output": "@/prepared"}).replace("@", "%s")
    return [
        "rm -rf prepared && mkdir prepared",
        f'printf \'{request}\\n\' "$PWD" "$PWD" | {shlex.join(command)}',
    ]


def _source(folder: Path, environment: Environment) -> tuple[str, str]:
    """What comes before the command in a pipeline, and the redirection of stdin."""
    stdin = environment.stdin
    match stdin.source:
        case Source.NULL:
            return "", "</dev/null"
        case Source.BYTES | Source.FILE:
            (folder / "stdin").write_bytes(stdin.data)
            return ("cat stdin | ", "") if stdin.source is Source.BYTES else ("", "<stdin")
        case Source.CONTROL | Source.PIPE:
            return "feed | ", ""
        case Source.CLOSED:
            return "", "<&-"
        case Source.DIRECTORY:
            return "", "<."
        case Source.WRITE_ONLY:
            return "", "0>stdin"
        case Source.TERMINAL:
            return "", "</dev/tty"
        case _:
            assert_never(stdin.source)


def _sink(number: int, name: str, sink: Sink) -> tuple[list[str], str]:
    """Lines before the command, and the redirection of an output."""
    fifo = f"rm -f .{name} && mkfifo .{name}"
    match sink:
        case Sink.PIPE:
            return [fifo, f"cat <.{name} >{name} &"], f"{number}>.{name}"
        case Sink.UNREAD:
            return [fifo, f"{{ sleep 3; cat; }} <.{name} >{name} &"], f"{number}>.{name}"
        case Sink.BROKEN:
            return [fifo, f": <.{name} &"], f"{number}>.{name}"
        case Sink.FULL:
            return [], f"{number}>/dev/full"
        case Sink.FILE:
            return [], f"{number}>{name}"
        case Sink.READ_ONLY:
            return [f": >{name}"], f"{number}<{name}"
        case Sink.CLOSED:
            return [], f"{number}>&-"
        case Sink.TERMINAL:
            return [], f"{number}>/dev/tty"
        case _:
            assert_never(sink)


def _feed(folder: Path, vector: Vector) -> list[str]:
    """The harness's side of stdin, as commands."""
    if vector.environment.stdin.source not in (Source.CONTROL, Source.PIPE):
        return []
    lines: list[str] = []
    for number, step in enumerate(vector.steps, 1):
        if not isinstance(step.action, Harness) or not isinstance(step.action.action, StreamAction | Pause):
            continue
        lines.append(f"{_TURN}  # step {number}: {' '.join(step.text.split())}")
        action = _action(folder, number, step.action.action)
        if action is None:
            return lines
        lines += action
        if step.action.acknowledge:
            lines.append(f"printf '\\{acknowledgement(number - 1):03o}'")
    return [*lines, "sleep 3"]


def _action(folder: Path, number: int, action: StreamAction | Pause) -> list[str] | None:
    """What the script does for a step; None where that closes stdin."""
    match action:
        case Feed(data):
            name = f"stdin-step-{number}"
            (folder / name).write_bytes(data)
            return [f"cat {name}"]
        case Pause(duration):
            return [f"sleep {duration / 1e9:g}"]
        case Close(Stdio.STDIN):
            return None
        case Close() | Drain() | Receive():
            return []
        case _:
            assert_never(action)
