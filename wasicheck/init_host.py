"""`wasicheck init-host`: a runner.toml to start from, and the proof that a runner works and can fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wasicheck.guest.compiler import Build
from wasicheck.host.errors import HostError
from wasicheck.host.host import Host
from wasicheck.judge.expectations import NO_EXPECTATIONS
from wasicheck.judge.model import Result, Verdict
from wasicheck.outputs import write_report
from wasicheck.report.text import headline
from wasicheck.resources import data_folder
from wasicheck.session import open_session
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, Vector

_CONTROL = "control-"
"""How the ids of vectors begin that a working runner fails."""


@dataclass(frozen=True)
class Proof:
    """One vector of the proof and what came of it; `str()` is a line for the user."""

    vector: Vector
    result: Result

    @property
    def control(self) -> bool:
        """Whether the vector's expectation is wrong on purpose."""
        return self.vector.id.startswith(_CONTROL)

    @property
    def holds(self) -> bool:
        """Whether the runner did what a working one does; what it does not offer is no failure."""
        return self.result.verdict in ((Verdict.FAIL,) if self.control else (Verdict.PASS, Verdict.SKIP))

    def __str__(self) -> str:
        title, verdict = self.vector.title, self.result.verdict
        if self.control and self.holds:
            return f"ok    {title}: it did, as it must"
        if self.control and verdict is Verdict.PASS:
            return f"WRONG {title}: but it passed: what the runner reports is not what the guest did"
        if verdict is Verdict.SKIP:
            return f"skip  {title}: {self.result.reason}"
        return f"ok    {title}" if self.holds else f"WRONG {title}: {verdict}, {headline(self.result)}"


def write_runner(folder: Path, name: str | None, binary: str | None, *, again: bool) -> tuple[Path, ...]:
    """Write runner.toml and, where there is none, expectations.toml; return which were written.

    `again`: a runner.toml that is there stays, and nothing is written; else it is a HostError. Raises OutputError.
    """
    runner, expectations = folder / "runner.toml", folder / "expectations.toml"
    if runner.exists():
        if again:
            return ()
        raise HostError(f"{runner} is there already; prove it with --check, or choose another folder")
    template = data_folder("runners") / "template"
    write_report(runner, _runner_text(template, name or _name_for(folder), binary), "the runner")
    made = [runner]
    if not expectations.exists():
        write_report(expectations, (template / "expectations.toml").read_bytes(), "the expectations")
        made.append(expectations)
    return tuple(made)


def prove(host: Host) -> Iterator[Proof]:
    """Run the vectors of the proof, one by one."""
    path = data_folder("runners") / "template" / "proof.yaml"
    suite = load_text(path.read_text(encoding="utf-8"), path.name, {"proof": Level.MUST})
    for problem in suite.problems:
        raise problem
    with open_session(host, Build(), NO_EXPECTATIONS) as session:
        for vector in suite.vectors.values():
            yield Proof(vector, session.run(vector))


def _name_for(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return name or "my-host"


def _runner_text(folder: Path, name: str, binary: str | None) -> str:
    program = binary or name
    if "/" in program:
        # In the file, paths are relative to its own folder.
        program = str(Path(program).absolute())
    templates = Environment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    # A JSON string of these characters is a TOML string as well.
    quoted = {
        "name": json.dumps(name, ensure_ascii=False),
        "variable": json.dumps(re.sub(r"\W", "_", name).upper()),
        "program": json.dumps(program, ensure_ascii=False),
    }
    return templates.get_template("runner.toml.in").render(quoted)
