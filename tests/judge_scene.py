"""Hand-made runs: a vector, and the frames that a guest of it could send."""

from __future__ import annotations

from collections.abc import Sequence

from inline import one

from wasicheck.abi import Image
from wasicheck.guest.compiler import Build, Guest, compile_vector
from wasicheck.guest.frames import Frame, Tag
from wasicheck.judge.judge import judge
from wasicheck.judge.model import Result
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.values import Value
from wasicheck.vectors.model import Vector
from wasicheck.wit import wasi

OK = Exit(ExitReason.EXITED, 0)
TRAPPED = Exit(ExitReason.EXITED, 134)
KILLED = Exit(ExitReason.DEADLINE, 9)
SEGFAULT = Exit(ExitReason.SIGNALED, 11)

NUMBER = "- call: clocks/monotonic-clock.now()\n  expect: {}\n"
WAIT = "- call: clocks/monotonic-clock.wait-for(1ms)\n"
NEW = "- new: stream<u8>\n  as: [r, w]\n"


class Scene:
    """A vector, and the frames that a guest of it could send."""

    def __init__(self, steps: str, *, requirement: str = "must", more: str = "") -> None:
        self.vector: Vector = one(steps, requirement=requirement, more=more)
        self.guest: Guest = compile_vector(self.vector, wasi(), Build())
        self.end = (Tag.END, len(self.vector.steps))

    def done(self, step: int, value: Value | None = None) -> tuple[Tag, int, tuple[tuple[int, bytes], ...]]:
        """The frame that says that a step is complete, with what it yields."""
        layout = self.guest.layouts[step]
        if value is None or layout.address is None or layout.type is None:
            return Tag.DONE, step, ()
        image = Image(layout.address)
        image.place(value, layout.type)
        return Tag.DONE, step, ((layout.address, image.bytes),)

    def run(self, *frames: tuple[object, ...], exit: Exit = OK, hello: bool = True, **seen: object) -> Run:
        sent = [(Tag.HELLO, 0), *frames] if hello else list(frames)
        return Run(
            frames=tuple(Frame(i, f[1], f[0], f[2] if len(f) > 2 else ()) for i, f in enumerate(sent)),  # type: ignore[arg-type]
            **{"anomalies": (), "exit": exit, "stdout": b"", "stderr": b""} | seen,  # type: ignore[arg-type]
        )

    def judge(self, *runs: Run, missing: tuple[str, ...] = (), errors: Sequence[str | None] = ()) -> Result:
        return judge(self.vector, self.guest.layouts, runs, host="h", missing=missing, internal_errors=errors)


def verdicts(result: Result) -> list[str]:
    return [s.verdict.value for s in result.steps]
