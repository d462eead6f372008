"""The runtime as a core module: assembled once for each combination of lift, limits and polling.

What differs from guest to guest (where its areas are, its steps) it imports, so its bytes can be put into any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from wasmtime import wat2wasm

from wasicheck.guest.runtime import CORE, EVENT, LIMITS, NO_LIMITS
from wasicheck.vectors.model import Lift

IMPORTS: dict[str, str] = {
    "waitable-set.new": "(result i32)",
    "waitable.join": "(param i32 i32)",
    "subtask.drop": "(param i32)",
    "output.new": "(result i64)",
    "output.open": "(param i32) (result i32)",
    "output.write": "(param i32 i32 i32) (result i32)",
    "output.close": "(param i32)",
    "output.await": "(param i32 i32) (result i32)",
    "output.forget": "(param i32)",
    "timer": "(param i64) (result i32)",
    "subtask.cancel": "(param i32) (result i32)",
    "waitable-set.wait": "(param i32 i32) (result i32)",
    "waitable-set.poll": "(param i32 i32) (result i32)",
    "thread.yield": "(result i32)",
    "task.return": "(param i32)",
}
"""What a runtime may import from the component, each with its core signature."""
_ALWAYS = tuple(IMPORTS)[:9]
_LIMITED = ("timer", "subtask.cancel")

EXPORTS: tuple[str, ...] = (
    '"phase" (global $phase (mut i32))',
    '"result" (global $result (mut i32))',
    '"returned" (global $returned (mut i32))',
    '"set" (global $set (mut i32))',
    '"reported" (global $reported (mut i32))',
    '"complete" (func $complete (param i32 i32))',
    '"copying" (func $copying (param i32 i32 i32))',
    '"calling" (func $calling (param i32 i32))',
    '"status" (func $status (param i32) (result i32))',
    '"crc32" (func $crc32 (param i32 i32 i32) (result i32))',
    '"piece" (func $piece (param i32 i32))',
)
"""What steps import from the runtime."""

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
  (if (i32.eqz (global.get $returned)) (then (call $task.return (global.get $result))))
  (i32.const 0))
(func (export "run") (result i32)
  (call $init)
  (call $drive))
(func (export "callback") (param $code i32) (param $handle i32) (param $payload i32) (result i32)
  POLL
  (call $event (local.get $code) (local.get $handle) (local.get $payload))
  (call $drive))"""


@dataclass(frozen=True)
class Runtime:
    """A runtime: the fields of its core module as text, its bytes, and what it imports from the component."""

    text: str
    wasm: bytes
    imports: tuple[str, ...]


@cache
def runtime(lift: Lift, *, limits: bool, polls: bool) -> Runtime:
    """The runtime for guests lifted in that way, with or without limits on waits and steps that poll."""
    imports = list(_ALWAYS) + (list(_LIMITED) if limits else [])
    functions = [CORE, LIMITS if limits else NO_LIMITS]
    if polls:
        imports.append("waitable-set.poll")
        functions.append(_POLL)
    if lift is not Lift.SYNC:
        imports.append("task.return")
    if lift is Lift.CALLBACK:
        # A yield comes back without an event.
        poll = "(if (i32.eqz (local.get $code)) (then (call $poll)))"
        functions.append(_CALLBACK_ENTRY.replace("POLL", poll if polls else ""))
    else:
        imports += ["waitable-set.wait"] + (["thread.yield"] if polls else [])
        poll = "(call $poll) (drop (call $thread.yield))"
        entry = _SYNC_ENTRY if lift is Lift.SYNC else _STACKFUL_ENTRY
        functions += [_WAIT, entry.replace("POLL", poll if polls else "")]
    fields = [f'(import "" "{name}" (func ${name} {IMPORTS[name]}))' for name in imports]
    text = "\n".join([*fields, *functions])
    return Runtime(text, bytes(wat2wasm(f"(module $Runtime\n{text})")), tuple(imports))
