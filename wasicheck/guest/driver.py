"""The runtime of a guest for each combination of lift, channel, limits and polling: its text, and what it calls.

A core module of its own for it, assembled once, would save a third of the time that a guest takes to compile; but each
run of it would take the host longer than that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from wasicheck.guest.runtime import CALLS, DRIVER, ENDS_LINES, EVENT, FRAMES, LIMITS, LINE_FEED, NO_FRAMES, SLOTS
from wasicheck.vectors.model import Channel, Lift, World

CHANNEL: dict[str, str] = {
    "output.new": "(result i64)",
    "output.open": "(param i32) (result i32)",
    "output.write": "(param i32 i32 i32) (result i32)",
    "output.close": "(param i32)",
    "output.await": "(param i32 i32) (result i32)",
    "output.forget": "(param i32)",
}
"""What a runtime calls to write a frame, with core signatures; what is behind them depends on the channel."""
TIMER = {"timer": "(param i64) (result i32)"}
"""What it calls, `async`, to limit a wait."""

_WAIT = f"""\
(func $wait
  (call $event (call $waitable-set.wait (global.get $set) (i32.const {EVENT}))
    (i32.load (i32.const {EVENT})) (i32.load (i32.const {EVENT + 4}))))"""

_POLL = f"""\
(func $poll
  (call $event (call $waitable-set.poll (global.get $set) (i32.const {EVENT}))
    (i32.load (i32.const {EVENT})) (i32.load (i32.const {EVENT + 4}))))"""

_BLOCKING_LOOP = """\
  (local $outcome i32)
  (call $init)
  (block $finished
    (loop $next
      (local.set $outcome (call $go))
      (br_if $finished (i32.eqz (local.get $outcome)))
      (if (i32.eq (local.get $outcome) (i32.const 1)) (then (call $wait) (br $next)))
      POLL
      (br $next)))"""

_SYNC_ENTRY = f"""\
(func (export "run") (result i32)
{_BLOCKING_LOOP}
  (global.get $result))"""

_STACKFUL_ENTRY = f"""\
(func (export "run")
{_BLOCKING_LOOP}
  (if (i32.eqz (global.get $returned)) (then (call $task.return (global.get $result)))))"""

_CALLBACK_ENTRY = """\
;; The callback ABI: 0 is EXIT, 1 YIELD, 2 WAIT with the waitable set above it.
(func $drive (result i32)
  (local $outcome i32)
  (local.set $outcome (call $go))
  (if (i32.eq (local.get $outcome) (i32.const 1))
    (then (return (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))))
  (if (i32.eq (local.get $outcome) (i32.const 2)) (then (return (i32.const 1))))
  OVER
  (i32.const 0))
(func (export "callback") (param $code i32) (param $handle i32) (param $payload i32) (result i32)
  POLL
  (call $event (local.get $code) (local.get $handle) (local.get $payload))
  (call $drive))"""


_RUN = """\
(func (export "run") (result i32)
  (call $init)
  (call $drive))"""

_BEGIN = """\
(global $request (mut i32) (i32.const 0))
(global $begun (mut i32) (i32.const 0))
;; The instance may have handled a request before: what the steps keep in static memory is as it was at first.
(func $begin (param $handle i32)
  (global.set $request (local.get $handle))
  (global.set $step (i32.const 0))
  (global.set $phase (i32.const 0))
  (global.set $ended (i32.const 0))
  (if (global.get $begun)
    (then (memory.copy (global.get $image) (global.get $pristine) (global.get $image_size)))
    (else (memory.copy (global.get $pristine) (global.get $image) (global.get $image_size))))
  (global.set $begun (i32.const 1))
  (call $init))"""

_HANDLE = f"""\
{_BEGIN}
(func (export "handle") (param $handle i32) (result i32)
  HOLD
  (call $begin (local.get $handle))
  (call $drive))"""

_HANDLE_STACKFUL = f"""\
{_BEGIN}
(func (export "handle") (param $handle i32)
{_BLOCKING_LOOP.replace("(call $init)", "HOLD (call $begin (local.get $handle))")}
  OVER)"""

_DEFAULT_RESULT = "(if (i32.eqz (global.get $returned)) (then (call $task.return (global.get $result))))"
"""What a command gives when its steps are over; a handler's steps have to give its result themselves."""


@dataclass(frozen=True)
class Runtime:
    """A runtime: its part of the guest's core module as text, and what that calls."""

    text: str
    builtins: tuple[str, ...]
    """Canonical built-ins."""
    reports: bool
    """Whether it writes frames: what `CHANNEL` names has to be there."""
    limits: bool
    """Whether it limits waits: what `TIMER` names has to be there."""


@cache
def runtime(
    lift: Lift,
    world: World,
    channel: Channel,
    *,
    waits: bool,
    limits: bool,
    polls: bool,
    proceeds: bool,
    holds: bool = False,
) -> Runtime:
    """The runtime for guests lifted in that way, with or without steps that wait or poll, and limits on that.

    `proceeds`: there are whole streams that go on beside the steps. `holds`: a handler holds other calls back, by
    back-pressure, until its steps are over.
    """
    command, callback = world is World.COMMAND, lift is Lift.CALLBACK
    reports = channel is not Channel.NONE
    # Hosts that serve may keep the console's lines together, and lose what is no line when they are stopped.
    lines = channel is Channel.STDOUT and not command
    # Nothing else waits.
    limits = limits and waits

    functions = [SLOTS, FRAMES if reports else NO_FRAMES, DRIVER]
    functions += [ENDS_LINES] if lines else []
    functions += [CALLS] if waits else []
    functions += [LIMITS] if limits else []
    functions += [_POLL] if polls else []
    if callback:
        functions += [_CALLBACK_ENTRY, _RUN if command else _HANDLE]
    else:
        functions.append(_WAIT)
        functions.append(_HANDLE_STACKFUL if not command else _SYNC_ENTRY if lift is Lift.SYNC else _STACKFUL_ENTRY)

    builtins = ["waitable-set.new", "waitable.join"]
    builtins += ["subtask.drop"] if waits else []
    builtins += ["subtask.cancel"] if limits else []
    builtins += ["waitable-set.poll"] if polls else []
    builtins += ["task.return"] if command and lift is not Lift.SYNC else []
    # The state of a handler's steps is the instance's own: until they are over no other call may begin.
    holds = holds and not command
    builtins += ["backpressure.inc", "backpressure.dec"] if holds else []
    builtins += [] if callback else ["waitable-set.wait"]
    builtins += ["thread.yield"] if polls and not callback else []

    drop = "(if (i32.eq (local.get $code) (i32.const 1)) (then (call $subtask.drop (local.get $handle))))"
    flush = "(if (global.get $output) (then (if (call $flush) (then (return (i32.const 1))))))"
    # A yield comes back to a callback without an event.
    poll = (
        "(if (i32.eqz (local.get $code)) (then (call $poll)))"
        if callback
        else "(call $poll) (drop (call $thread.yield))"
    )
    parts = {
        r"FRAME\((\d+)\)": r"(call $frame (i32.const \1))" if reports else "",
        r"FLUSH\b": flush if reports else "",
        r"LINE\b": f"(call $piece (i32.const {LINE_FEED}) (i32.const 1))" if lines else "",
        r"SUBTASK\b": drop if waits else "",
        r"EXPIRED\b": "(br_if $waits (i32.eqz (call $expired)))" if limits else "(br $waits)",
        r"DISARM\b": "(call $disarm)" if limits else "",
        r"PROCEED\b": "(call $proceed)" if proceeds else "",
        r"POLL\b": poll if polls else "",
        r"HOLD\b": "(call $backpressure.inc)" if holds else "",
        r"OVER\b": _DEFAULT_RESULT if command else "(call $backpressure.dec)" if holds else "",
    }
    imports = (CHANNEL if reports else {}) | (TIMER if limits else {})
    fields = [f'(import "" "{name}" (func ${name} {signature}))' for name, signature in imports.items()]
    text = _filled("\n".join([*fields, *functions]), parts)
    return Runtime(re.sub(r"\n(?=.)", "\n    ", text), tuple(builtins), reports, limits)


def _filled(text: str, parts: dict[str, str]) -> str:
    """Text with code in the place of what matches, without the lines that this leaves empty."""
    for name, code in parts.items():
        text = re.sub(name, code, text)
    return re.sub(r"\n +(?=\n)", "", text)
