"""`wasicheck repro`: one result as a folder that can be attached to a bug report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wasicheck import __version__
from wasicheck.errors import InputError
from wasicheck.guest.compiler import CompileError
from wasicheck.guest.frames import stamp
from wasicheck.host.sandbox import SceneError
from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.outputs import OutputError
from wasicheck.report.links import source_link
from wasicheck.report.results import result_to_json
from wasicheck.report.text import headline, repro_command, visible
from wasicheck.repro_script import NONCE, TREE, write_script
from wasicheck.resources import data_folder
from wasicheck.session import HostSession, platform_name
from wasicheck.vectors.model import Channel, Vector
from wasicheck.vectors.requirements import Requirement
from wasicheck.vectors.source import compose
from wasicheck.vectors.staging import Harness
from wasicheck.vectors.surroundings import Preopen

_RESULT = "result.json"
"""The file by which a folder is known to be one of ours."""
_OUTPUT_LIMIT = 2_000


class ReproError(InputError):
    """There is nothing to write down, or nowhere to; `str()` is the message."""


def write_repro(
    folder: Path, session: HostSession, vector: Vector, file: Path, catalogue: Mapping[str, Requirement]
) -> Result:
    """Run a vector, write the folder, and return the result.

    `file` is the vector's file, `catalogue` the requirements by id. A folder that an earlier run wrote is written
    again. Raises ReproError and OutputError.
    """
    if folder.exists() and not (folder / _RESULT).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReproError(f"{folder} exists, and is no folder that `wasicheck repro` wrote; choose another with --out")
    try:
        guest = session.guest(vector)
    except CompileError as error:
        raise ReproError(f"{vector.place}: {error}") from None
    result = session.run(vector)
    if result.verdict is Verdict.SKIP:
        raise ReproError(f"{vector.id} is not run on {result.host}: {result.reason}")
    try:
        shutil.rmtree(folder / TREE, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        # Where the command line carries the nonce, the file keeps the placeholder for it.
        unmarked = vector.guest.channel is Channel.NONE or session.host.runner.run.nonce_in_argument
        wasm = guest.wasm if unmarked else stamp(guest.wasm, NONCE)
        (folder / "guest.wasm").write_bytes(wasm)
        (folder / "guest.wat").write_text(guest.wat, encoding="utf-8")
        source = _excerpt(file.read_text(encoding="utf-8"), vector)
        (folder / "vector.yaml").write_text(source, encoding="utf-8")
        script = folder / "run.sh"
        script.write_text(write_script(folder, session.host, vector, session.lift(vector)), encoding="utf-8")
        script.chmod(0o755)
        (folder / "README.md").write_text(_readme(session, vector, result, catalogue), encoding="utf-8")
        about = {"suite_version": __version__, "platform": platform_name(), "result": result_to_json(result)}
        (folder / _RESULT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    except (OSError, SceneError) as error:
        raise OutputError(f"the folder {folder} cannot be written: {error}") from error
    return result


def _excerpt(text: str, vector: Vector) -> str:
    """The part of a file that defines the vector, as a vector file of its own; all of it where that is unclear."""
    root = compose(text, vector.place.file)
    assert root is not None  # the vector came from there
    nodes = root.mapping("a vector file", ("interface", "vectors"))["vectors"].node
    assert isinstance(nodes, yaml.SequenceNode)
    if nodes.flow_style:
        return text
    lines = text.splitlines()
    starts = [node.start_mark.line for node in nodes.value] + [len(lines)]
    start = next((line for line in starts[:-1] if line + 1 == vector.place.line), None)
    if start is None:
        return text
    end = starts[starts.index(start) + 1]
    return "\n".join([f"interface: {vector.interface}", "vectors:", *lines[start:end]]).rstrip() + "\n"


def _readme(session: HostSession, vector: Vector, result: Result, catalogue: Mapping[str, Requirement]) -> str:
    templates = Environment(
        loader=FileSystemLoader(data_folder("reports")),
        undefined=StrictUndefined,
        # Markdown, not HTML; everything that came from a host is within code.
        autoescape=False,
        keep_trailing_newline=True,
    )
    stdio = {"stdout": result.stdout, "stderr": result.stderr}
    return templates.get_template("repro.md.j2").render(
        result=result,
        why=headline(result) if result.verdict is not Verdict.PASS else "It is as the specification wants it.",
        host=result.host,
        platform=platform_name(),
        requirements=[_requirement(catalogue[id]) for id in vector.requirements if id in catalogue],
        steps=[_step(step) for step in sorted(result.steps, key=lambda step: step.index)],
        outputs=[(name, _shown(text)) for name, text in stdio.items() if text],
        binary=session.host.binary,
        timed=any(isinstance(step.action, Harness) for step in vector.steps),
        channel=vector.guest.channel.value,
        nonce=NONCE.decode(),
        version=__version__,
        command=repro_command(result),
        files=list(_files(vector)),
    )


def _requirement(requirement: Requirement) -> dict[str, object]:
    return {
        "text": requirement.text,
        "level": requirement.level.value,
        "item": requirement.item,
        "sources": [(source, source_link(source)) for source in requirement.source],
    }


def _step(step: StepResult) -> dict[str, object]:
    return {
        "number": step.index + 1,
        "text": visible(step.text),
        "verdict": step.verdict.value,
        "message": visible(step.message) if step.verdict is not Verdict.PASS else "",
        "expected": visible(step.expected),
        "observed": visible(step.observed),
    }


def _shown(output: str) -> str:
    text = visible(output)
    return text if len(text) <= _OUTPUT_LIMIT else f"{text[:_OUTPUT_LIMIT]}…"


def _files(vector: Vector) -> Iterator[tuple[str, str]]:
    """The files that only some vectors have, and what they are."""
    preopens: tuple[Preopen, ...] = vector.environment.preopens
    for preopen in preopens:
        yield f"{TREE}/{preopen.folder}/", f"the directory that the guest is given as `{preopen.name}`"
    if vector.environment.stdin.data:
        yield "stdin", "what the host reads from stdin"
