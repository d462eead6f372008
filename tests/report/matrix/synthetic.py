"""Runs of many vectors on many hosts, made up: every verdict, texts of a usual length, and answers that differ."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from wasicheck import __version__
from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.report.results import Header, HostInfo, Results, write_results
from wasicheck.resources import data_folder
from wasicheck.vectors.model import Level
from wasicheck.vectors.requirements import Requirement, load_requirements

HOSTS = [
    *(("wasmtime", v) for v in ("46.0.1", "47.0.2", "48.0.2", "49.0.3")),
    *(("jco", v) for v in ("1.33.0", "1.34.1", "1.35.0")),
    *(("wasmer", v) for v in ("7.0.0", "7.1.0")),
    ("wamr", "3.0.1"),
    ("wasmedge", "0.17.0"),
    ("own-host", "2026.11"),
]
FLAGS = ("lift=sync", "lower=async")
_SHARES = (0.0, 0.01, 0.015, 0.02, 0.06, 0.08, 0.1, 0.2, 0.25, 0.3, 0.35, 0.5)
_BAD = (Verdict.FAIL,) * 6 + (Verdict.UNSUPPORTED,) * 5 + (Verdict.TIMEOUT, Verdict.CRASH, Verdict.SKIP, Verdict.ERROR)


def requirements() -> dict[str, Requirement]:
    """The project's own."""
    return dict(load_requirements(data_folder("vectors") / "requirements"))


def runs(known: dict[str, Requirement], vectors: int, hosts: int, seed: int = 1) -> list[Results]:
    """One run for each host, all of the same vectors, the requirements of which are those of the project in turn."""
    chance = random.Random(seed)
    cited = [r for r in known.values() if "#" in r.item and r.item.startswith("wasi:")]
    drafts = [_draft(number, cited[number * 7 % len(cited)], chance) for number in range(vectors)]
    made = []
    for index, (name, version) in enumerate(HOSTS[:hosts]):
        info = HostInfo(f"{name}@{version}", name, version, FLAGS)
        results = [_result(draft, info.label, _SHARES[index], chance) for draft in drafts]
        header = Header(__version__, (info,), "linux-x86_64", datetime(2026, 11, 20, 9, index, tzinfo=UTC), vectors)
        made.append(Results(header, tuple(results), 120.0 + index))
    return made


def write_runs(folder: Path, results: Sequence[Results]) -> list[Path]:
    """Write each run to a file of its own."""
    paths = [folder / f"{run.header.hosts[0].label}.jsonl" for run in results]
    for path, run in zip(paths, results, strict=True):
        write_results(path, run)
    return paths


def _draft(number: int, requirement: Requirement, chance: random.Random) -> Result:
    interface, _, item = requirement.item.partition("#")
    id = f"{item.replace('.', '-').lower()}-{number}"
    steps = tuple(
        StepResult(
            i, f"vectors/made/up.yaml:{10 * number + i}", f"{item}(step {i})", "ok($x)", "ok", Verdict.PASS, Level.MUST
        )
        for i in range(chance.randint(2, 6))
    )
    return Result(
        id=id,
        title=requirement.text[:90],
        interface=interface,
        host="",
        verdict=Verdict.PASS,
        level=requirement.level,
        requirements=(requirement.id,),
        place=f"vectors/made/up.yaml:{10 * number}",
        flags=FLAGS,
        steps=steps,
        reason="",
        exit="exit status 0",
        stdout="",
        stderr="",
        duration_s=0.02,
    )


def _result(draft: Result, host: str, share: float, chance: random.Random) -> Result:
    verdict = Verdict.INFO if draft.level is Level.MAY else Verdict.PASS
    if chance.random() < share:
        verdict = chance.choice(_BAD)
        if verdict is Verdict.FAIL and draft.level in (Level.SHOULD, Level.TYPICAL):
            verdict = Verdict.NON_STRICT
    steps = draft.steps
    reason = stderr = ""
    match verdict:
        case Verdict.FAIL | Verdict.NON_STRICT | Verdict.TIMEOUT:
            wrong = StepResult(
                1, steps[1].place, steps[1].text, "err(io | pipe)", "err(other(none))", verdict, draft.level
            )
            steps = (steps[0], wrong, *steps[2:])
            reason = f"step 2, {wrong.place}: expected err(io | pipe), observed err(other(none))"
        case Verdict.UNSUPPORTED | Verdict.SKIP | Verdict.ERROR:
            steps, reason = (), f"the import {draft.interface} is missing, or something of its kind"
        case Verdict.CRASH:
            steps, reason, stderr = steps[:1], "died of signal 11", "thread 'main' panicked at src/host.rs:77\n"
        case _:
            pass
    fields = {**vars(draft), "host": host, "verdict": verdict, "steps": steps, "reason": reason, "stderr": stderr}
    return Result(**{**fields, "duration_s": 0.02 + chance.random() / 10})
