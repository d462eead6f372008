"""Steps that send no frame of their own: what they yielded comes with the next frame."""

from __future__ import annotations

import struct

import pytest

from wasicheck.guest.frames import Frame, Tag
from wasicheck.guest.steps import Layout
from wasicheck.judge.observation import Progress, StepObservation, observe
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.wit.types import U64

FIRST, SECOND = (96, struct.pack("<Q", 7)), (104, struct.pack("<Q", 9))
HELLO = Frame(0, 0, Tag.HELLO, (), 10)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ((HELLO,), StepObservation(Progress.NOT_REACHED)),
        ((HELLO, Frame(1, 1, Tag.DONE, (FIRST, SECOND), 20)), StepObservation(Progress.DONE, 7, 20)),
        ((HELLO, Frame(1, 1, Tag.SKIPPED, (FIRST,), 20)), StepObservation(Progress.DONE, 7, 20)),
        ((HELLO, Frame(1, 2, Tag.END, (FIRST,), 30)), StepObservation(Progress.DONE, 7, 30)),
        ((HELLO, Frame(1, 0, Tag.PENDING, (), 20)), StepObservation(Progress.PENDING, None, 20)),
        (
            (HELLO, Frame(1, 1, Tag.DONE, (SECOND,), 20)),
            StepObservation(Progress.DONE, None, 20, "the guest has not reported the 8 bytes at 0x60"),
        ),
    ],
    ids=["not-heard-of", "with-the-next", "with-a-skipped-one", "with-the-end", "pending", "value-missing"],
)
def test_value_of_a_quiet_step(frames: tuple[Frame, ...], expected: StepObservation) -> None:
    run = Run(frames, (), Exit(ExitReason.EXITED, 0), b"", b"")
    layouts = (Layout(FIRST[0], U64), Layout(SECOND[0], U64))
    assert observe(layouts, (True, False), run).steps[0] == expected
