"""Results of hand-made runs, as files keep them, and what vacuity finds in them."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

from inline import load
from judge_scene import OK, Scene

from wasicheck.check.vacuity import VacuityReport, check_vacuity
from wasicheck.judge.model import Result
from wasicheck.judge.run import Exit
from wasicheck.report.reading import parse_results
from wasicheck.report.results import Header, HostInfo, ResultsWriter
from wasicheck.values import Handle, Value, Variant
from wasicheck.vectors.loader import Suite

SOCKET = "- call: sockets/types.tcp-socket.create(ipv4)\n  expect: ok($socket)\n"
LIMIT = SOCKET + "- call: $socket.get-hop-limit()\n  expect: {}\n"
"""A step that yields `result<u8, error-code>`."""
CREATED = Variant("ok", Handle(3))
REFUSED = Variant("err", Variant("access-denied"))
WAITING = "- start: clocks/monotonic-clock.wait-for(1s)\n  as: op\n- await: $op\n  within: 1ms\n  expect: pending\n"


def written(*results: Result) -> bytes:
    """A results file."""
    stream = BytesIO()
    date = datetime(2026, 1, 1, tzinfo=UTC)
    writer = ResultsWriter(stream, Header("0", (HostInfo("h", "h", None),), "p", date, len(results)))
    for result in results:
        writer.write(result)
    writer.finish(1.0)
    return stream.getvalue()


def result(scene: Scene, *values: Value | None, exit: Exit = OK, ended: bool = True, **seen: object) -> Result:
    """The result of a run in which the steps yielded these values."""
    frames = [scene.done(index, value) for index, value in enumerate(values)]
    return scene.judge(scene.run(*frames, *([scene.end] if ended else []), exit=exit, **seen))


def vacuity(scene: Scene, *results: Result) -> VacuityReport:
    """Check results as a file gives them back."""
    return check_vacuity(Suite({"one": scene.vector}, ()), parse_results(written(*results), "r.jsonl").results)


def checked(steps: str, *values: Value | None, more: str = "", **seen: object) -> VacuityReport:
    scene = Scene(steps, more=more)
    return vacuity(scene, result(scene, *values, **seen))  # type: ignore[arg-type]


def parts(report: VacuityReport) -> list[str]:
    return [hole.part for hole in report.holes]


TABLE = """\
interface: wasi:sockets/types@0.3.0
vectors:
  - id: limit-{row}
    title: 'The limit of {row}'
    requirements: [must]
    table: [{row: a, gives: ok(_)}, {row: b, gives: ok(64)}]
    steps:
      - call: tcp-socket.create(ipv4)
        expect: ok($socket)
      - call: $socket.get-hop-limit()
        expect: '{gives}'
"""


def limits() -> list[Result]:
    scene = Scene(LIMIT.format("ok(_)"))
    found = []
    for vector in load(TABLE).values():
        scene.vector = vector
        found.append(result(scene, CREATED, Variant("ok", 64)))
    return found
