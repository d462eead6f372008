"""From frames to what each step yielded: memory that comes in pieces, steps that send no frame, frames that lie."""

from __future__ import annotations

import struct
import time

import pytest

from wasicheck.abi import Image
from wasicheck.guest.frames import Frame, Tag
from wasicheck.guest.steps import Layout
from wasicheck.judge.observation import Observation, Progress, observe
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.wit.types import STRING, U8, U16, U32, U64, ListType, Type

NOTHING = Layout(None, None)
Sent = tuple[Tag, int] | tuple[Tag, int, tuple[tuple[int, bytes], ...]]
HELLO: Sent = (Tag.HELLO, 0)


def seen(
    layouts: list[Layout], *frames: Sent, silent: tuple[int, ...] = (), passed_through: tuple[int, ...] = ()
) -> Observation:
    run = Run(
        frames=tuple(Frame(i, f[1], f[0], f[2] if len(f) > 2 else (), 100 + i) for i, f in enumerate(frames)),
        anomalies=(),
        exit=Exit(ExitReason.EXITED, 0),
        stdout=b"",
        stderr=b"",
    )
    quiet = tuple(i in silent for i in range(len(layouts)))
    return observe(tuple(layouts), quiet, run, frozenset(passed_through))


def test_nothing() -> None:
    found = seen([NOTHING])
    assert (found.started, found.ended, found.interrupted_at) == (False, False, None)


def test_values_in_several_pieces() -> None:
    text = (200, b"text")
    pair = (100, struct.pack("<II", 200, 4))
    found = seen([Layout(100, STRING)], HELLO, (Tag.DONE, 0, (pair, text)), (Tag.END, 1))
    assert (found.steps[0].value, found.steps[0].received_at) == ("text", 101)
    assert (found.started, found.ended, found.interrupted_at, found.unheard) == (True, True, None, 1)


def test_memory_stays_known_from_frame_to_frame() -> None:
    steps = [Layout(100, STRING), Layout(108, STRING)]
    first = (Tag.DONE, 0, ((100, struct.pack("<II", 200, 2)), (200, b"ab")))
    found = seen(steps, HELLO, first, (Tag.DONE, 1, ((108, struct.pack("<II", 201, 1)),)))
    assert [s.value for s in found.steps] == ["ab", "b"]


def test_what_is_reported_again_counts_as_it_is_now() -> None:
    steps = [Layout(100, U16), Layout(100, U16), Layout(100, U32)]
    found = seen(
        steps,
        HELLO,
        (Tag.DONE, 0, ((100, b"\1\0\3\0"),)),
        (Tag.DONE, 1, ((100, b"\2\0"),)),
        (Tag.DONE, 2),
    )
    assert [s.value for s in found.steps] == [1, 2, 0x30002]


@pytest.mark.parametrize(
    ("type", "pieces", "error"),
    [
        (U8, (), "the guest has not reported the 1 bytes at 0x64"),
        (U16, ((100, b"\0"),), "the guest has not reported the 2 bytes at 0x64"),
        (U8, ((101, b"\0"),), "the guest has not reported the 1 bytes at 0x64"),
        (U8, ((50, b"\0" * 50),), "the guest has not reported the 1 bytes at 0x64"),
        (STRING, ((100, struct.pack("<II", 300, 1)),), "the guest has not reported the 1 bytes at 0x12c"),
        (STRING, ((100, struct.pack("<II", 300, 1)), (300, b"\xff")), "invalid UTF-8"),
    ],
)
def test_memory_that_holds_no_value(type: Type, pieces: tuple[tuple[int, bytes], ...], error: str) -> None:
    (step,) = seen([Layout(100, type)], HELLO, (Tag.DONE, 0, pieces)).steps
    assert (step.progress, step.value) == (Progress.DONE, None)
    assert error in (step.error or "")


def test_an_empty_list_needs_no_memory() -> None:
    (step,) = seen([Layout(100, ListType(U8))], HELLO, (Tag.DONE, 0, ((100, bytes(8)),))).steps
    assert step.value == b""


@pytest.mark.parametrize("tag", [Tag.PENDING, Tag.SKIPPED, Tag.REACHED])
def test_steps_that_are_not_complete_have_no_value(tag: Tag) -> None:
    (step,) = seen([Layout(100, U8)], HELLO, (tag, 0, ((100, b"\1"),))).steps
    assert (step.progress.value, step.value) == (tag.name.lower(), None)


def test_silent_steps_are_complete_if_anything_later_was_heard_of() -> None:
    steps = [Layout(100, U8), NOTHING, NOTHING, NOTHING, NOTHING]
    found = seen(steps, HELLO, (Tag.DONE, 2, ((100, b"\7"),)), silent=(0, 1, 3))
    assert [s.progress.value for s in found.steps] == ["done", "done", "done", "not reached", "not reached"]
    assert (found.steps[0].value, found.steps[0].received_at) == (7, 101)
    assert (found.unheard, found.interrupted_at) == (3, 4)


def test_the_end_vouches_for_silent_steps_alone() -> None:
    found = seen([NOTHING, NOTHING], HELLO, (Tag.END, 2), silent=(1,))
    assert [s.progress.value for s in found.steps] == ["not reached", "done"]


def test_silent_steps_at_the_end_do_not_hold_the_guest_up() -> None:
    found = seen([NOTHING, NOTHING], HELLO, (Tag.DONE, 0), silent=(1,))
    assert (found.unheard, found.interrupted_at) == (1, 2)


def test_a_harness_step_is_reached_first() -> None:
    reached = seen([NOTHING, NOTHING], HELLO, (Tag.REACHED, 0))
    assert (reached.steps[0].progress, reached.unheard, reached.interrupted_at) == (Progress.REACHED, 0, 0)
    through = seen([NOTHING, NOTHING], HELLO, (Tag.REACHED, 0), passed_through=(0,))
    assert (through.steps[0].progress, through.unheard, through.interrupted_at) == (Progress.DONE, 1, 1)
    behind = seen([NOTHING, NOTHING], HELLO, (Tag.REACHED, 0), (Tag.DONE, 0))
    assert (behind.steps[0].progress, behind.interrupted_at) == (Progress.DONE, 1)
    assert not (*reached.anomalies, *through.anomalies, *behind.anomalies)


@pytest.mark.parametrize(
    ("frames", "anomaly"),
    [
        ([(Tag.DONE, 0), HELLO], "DONE of step 1 of 2"),
        ([HELLO, (Tag.DONE, 1), (Tag.DONE, 0)], "DONE of step 1 of 2"),
        ([HELLO, (Tag.DONE, 2)], "DONE of step 3 of 2"),
        ([HELLO, (Tag.DONE, 3)], "DONE of step 4 of 2"),
        ([HELLO, (Tag.END, 1)], "END of step 2 of 2"),
        ([HELLO, (Tag.END, 2), (Tag.DONE, 1)], "DONE of step 2 of 2"),
    ],
)
def test_frames_that_no_guest_sends(frames: list[Sent], anomaly: str) -> None:
    assert seen([NOTHING, NOTHING], *frames).anomalies == (f"a frame out of order: {anomaly}",)


def test_large_values_do_not_take_long() -> None:
    numbers = tuple(range(100_000))
    image = Image(1 << 20)
    address = image.place(numbers, ListType(U64))
    texts = Image(1 << 24)
    strings = texts.place(("some text",) * 2_000, ListType(STRING))
    steps = [Layout(104 + 8 * i, U64) for i in range(500)]
    frames = [(Tag.DONE, i, ((104 + 8 * i, struct.pack("<Q", i)),)) for i in range(500)]
    began = time.perf_counter()
    found = seen(
        [*steps, Layout(address, ListType(U64)), Layout(strings, ListType(STRING))],
        HELLO,
        *frames,
        (Tag.DONE, 500, ((image.base, image.bytes),)),
        (Tag.DONE, 501, ((texts.base, texts.bytes),)),
    )
    assert time.perf_counter() - began < 2
    assert found.steps[500].value == numbers
    assert found.steps[501].value == ("some text",) * 2_000
    assert found.steps[499].value == 499
