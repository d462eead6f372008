"""Runs of the fake host, as its tests look at them."""

from contextlib import suppress
from pathlib import Path

from wasicheck.judge.run import Exit, ExitReason
from wasicheck.vectors.surroundings import Environment, Source, Stdin

MILLISECOND = 1_000_000
OK = Exit(ExitReason.EXITED, 0)
CONTROL = Environment(stdin=Stdin(Source.CONTROL))
PIPE = Environment(stdin=Stdin(Source.PIPE))


def tags(run):
    return [(frame.tag.name, frame.step) for frame in run.frames]


def inhabitants(folder):
    """The processes whose working directory is in a folder, or was before it was removed."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found += [link] if str(link.readlink()).startswith(f"{folder}/") else []
    return found


def probe(misbehave, tmp_path, environment, *args):
    """What the host reports of its surroundings, line by line, with the run."""
    report = tmp_path / "report"
    run = misbehave("probes", f"report={report}", *args, environment=environment)
    assert run.failure is None
    return run, report.read_text().splitlines()
