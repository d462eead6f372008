"""The fixed part of every guest's core module: the driver, the waits, and the observation frames.

A guest is an event loop over its steps. Step n is the core function `$step<n>`; the driver `$go` calls it, through
`$take_step`, until it says that it is complete:

    DONE      complete: report it in a frame, go on to the next step
    SILENT    complete, with nothing to report
    WAIT      call again after the next event
    POLL      call again after polling and yielding
    REACHED   report that a harness step was reached, then call again
    SKIP      something the step refers to is not there: report that, go on

Only the driver waits, so the three lifts differ in a dozen lines: under the sync and stackful lifts it blocks in
`waitable-set.wait`, under the callback lift it returns the wait to the host.

Operations that may block occupy a slot of four words: the waitable's handle, a status (`IDLE`, `PENDING`,
`COMPLETE`), the code it completed with (a subtask's state, or a packed copy result) and its place in the order of
completion. `$event` files every event under its slot, whichever step is current.

A step that waits is limited by a `monotonic-clock.wait-for` in the same waitable set (slot 0). A frame is a stream
of its own, written, closed and awaited (slot 1), because a host may lose what it has buffered when the guest traps.

Hosts compile a guest anew for each run, and that takes most of the time of a small vector: some 0.1 ms for a function,
as much again for one in a table and for each import. So there are no more of them here than a guest needs; what stands
in capitals within code is filled in, or left out, by `wasicheck.guest.driver`.
"""

from __future__ import annotations

import struct

from wasicheck.guest.frames import PLACEHOLDER, Tag

DONE, SILENT, WAIT, POLL, REACHED, SKIP = range(6)
IDLE, PENDING, COMPLETE = range(3)
TIMER_SLOT, OUTPUT_SLOT, CONTROL_SLOT, FIRST_FREE_SLOT = range(4)
SLOT_SIZE = 16

# Static memory below the steps' own areas.
EVENT = 16
"""Where `waitable-set.wait` puts the handle and payload of an event."""
OUTPUT_RESULT = 32
CONTROL_PAIR = 64
"""Result of the control channel's `read-via-stream`: the stream, the future."""
CONTROL_BYTE = 72
LINE_FEED = 76
"""Holds a line feed, in guests whose frames end with one."""
HEADER = 96
"""The header of the frame under way: nonce, sequence, step, tag, length, checksum."""
PIECES = 144
MAX_PIECES = 16
"""A step that yields something adds up to three, two quiet steps may have gone before; the heap and a line feed."""
CHUNKS = PIECES + 8 * MAX_PIECES
"""What is written of the frame, in order: (address, length) pairs."""
CRC_TABLE = CHUNKS + 8 * (1 + 2 * MAX_PIECES)
OUT = CRC_TABLE + 1024
OUT_SIZE = 4096
"""A frame up to this size is gathered here and written at once."""
STATIC_END = OUT + OUT_SIZE


def status(slot: str) -> str:
    """Code that loads the status of a slot; hosts compile no function for it."""
    return f"(i32.load offset=4 {slot})"


_OUTPUT = f"(i32.add (global.get $slots) (i32.const {OUTPUT_SLOT * SLOT_SIZE}))"
_OUTPUT_IS_PENDING = f"(i32.eq {status(_OUTPUT)} (i32.const {PENDING}))"

MEMORY_MODULE = """\
(core module $Memory
  (memory (export "memory") {pages})
  (global $heap (export "heap") (mut i32) (i32.const {heap}))
  ;; A bump allocator: nothing is ever freed, so an address that was reported stays true.
  (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32) (local $end i32)
    (local.set $new (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $new) (local.get $size)))
    (if (i32.lt_u (local.get $end) (local.get $new)) (then unreachable))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u
          (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 16)))))
        (then unreachable))))
    (memory.copy (local.get $new) (local.get $old)
      (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
    (global.set $heap (local.get $end))
    (local.get $new)))"""

SLOTS = f"""\
(global $step (mut i32) (i32.const 0))
(global $phase (mut i32) (i32.const 0))
(global $ended (mut i32) (i32.const 0))
(global $result (mut i32) (i32.const 0))
(global $returned (mut i32) (i32.const 0))
(global $set (mut i32) (i32.const 0))
(global $order (mut i32) (i32.const 0))
(global $reported (mut i32) (i32.const 0))

;; --- slots ---
(func $complete (param $slot i32) (param $code i32)
  (i32.store offset=4 (local.get $slot) (i32.const {COMPLETE}))
  (i32.store offset=8 (local.get $slot) (local.get $code))
  (global.set $order (i32.add (global.get $order) (i32.const 1)))
  (i32.store offset=12 (local.get $slot) (global.get $order)))
(func $pending (param $slot i32) (param $handle i32)
  (i32.store (local.get $slot) (local.get $handle))
  (i32.store offset=4 (local.get $slot) (i32.const {PENDING}))
  (call $waitable.join (local.get $handle) (global.get $set)))
;; The packed result of a stream or future operation: BLOCKED is -1.
(func $copying (param $slot i32) (param $handle i32) (param $packed i32)
  (i32.store (local.get $slot) (local.get $handle))
  (if (i32.eq (local.get $packed) (i32.const -1))
    (then (call $pending (local.get $slot) (local.get $handle)))
    (else (call $complete (local.get $slot) (local.get $packed)))))
(func $event (param $code i32) (param $handle i32) (param $payload i32)
  (local $slot i32)
  (if (i32.eqz (local.get $code)) (then (return)))
  ;; A subtask that is merely STARTING (0) or STARTED (1) goes on.
  (if (i32.and (i32.eq (local.get $code) (i32.const 1)) (i32.lt_u (local.get $payload) (i32.const 2))) (then (return)))
  (local.set $slot (global.get $slots))
  (loop $next
    (if (i32.and (i32.eq {status("(local.get $slot)")} (i32.const {PENDING}))
                 (i32.eq (i32.load (local.get $slot)) (local.get $handle)))
      (then
        (call $waitable.join (local.get $handle) (i32.const 0))
        SUBTASK
        (call $complete (local.get $slot) (local.get $payload))
        (return)))
    (local.set $slot (i32.add (local.get $slot) (i32.const {SLOT_SIZE})))
    (br_if $next (i32.lt_u (local.get $slot) (global.get $slots_end)))))"""

CALLS = """\
;; The packed result of an async-lowered call: the state, and above it the subtask unless it is RETURNED (2).
(func $calling (param $slot i32) (param $packed i32)
  (if (i32.eq (i32.and (local.get $packed) (i32.const 15)) (i32.const 2))
    (then (call $complete (local.get $slot) (i32.const 2)))
    (else
      (call $pending (local.get $slot) (i32.shr_u (local.get $packed) (i32.const 4)))
      (i32.store offset=8 (local.get $slot) (i32.and (local.get $packed) (i32.const 15))))))"""


def _crc_table() -> str:
    """CRC-32 of each byte as data: what hosts have not to compile is quicker than what they have."""
    words = list(range(256))
    for _ in range(8):
        words = [word >> 1 ^ (0xEDB88320 if word & 1 else 0) for word in words]
    return "".join(f"\\{byte:02x}" for byte in struct.pack("<256I", *words))


FRAMES = f"""\
;; --- checksum: CRC-32 as in zlib ---
(data (i32.const {CRC_TABLE}) "{_crc_table()}")
(func $crc32 (param $crc i32) (param $at i32) (param $length i32) (result i32)
  (local $end i32)
  (local.set $crc (i32.xor (local.get $crc) (i32.const -1)))
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (block $done
    (loop $next
      (br_if $done (i32.eq (local.get $at) (local.get $end)))
      (local.set $crc (i32.xor
        (i32.load offset={CRC_TABLE} (i32.shl
          (i32.and (i32.xor (local.get $crc) (i32.load8_u (local.get $at))) (i32.const 255)) (i32.const 2)))
        (i32.shr_u (local.get $crc) (i32.const 8))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.xor (local.get $crc) (i32.const -1)))

;; --- frames ---
(data (i32.const {HEADER}) "{PLACEHOLDER.decode()}")
(global $sequence (mut i32) (i32.const 0))
(global $pieces (mut i32) (i32.const 0))
(global $output (mut i32) (i32.const 0))
(global $output_end (mut i32) (i32.const 0))
(global $output_future (mut i32) (i32.const 0))
(global $chunk (mut i32) (i32.const 0))
(global $chunks (mut i32) (i32.const 0))
(func $piece (param $address i32) (param $length i32)
  (if (i32.eqz (local.get $length)) (then (return)))
  (i32.store (i32.add (i32.const {PIECES}) (i32.shl (global.get $pieces) (i32.const 3))) (local.get $address))
  (i32.store offset=4 (i32.add (i32.const {PIECES}) (i32.shl (global.get $pieces) (i32.const 3))) (local.get $length))
  (global.set $pieces (i32.add (global.get $pieces) (i32.const 1))))
(func $add_chunk (param $address i32) (param $length i32)
  (i32.store (i32.add (i32.const {CHUNKS}) (i32.shl (global.get $chunks) (i32.const 3))) (local.get $address))
  (i32.store offset=4 (i32.add (i32.const {CHUNKS}) (i32.shl (global.get $chunks) (i32.const 3))) (local.get $length))
  (global.set $chunks (i32.add (global.get $chunks) (i32.const 1))))
;; Begin a frame of the pieces noted so far; `$flush` writes it.
(func $frame (param $tag i32)
  (local $n i32) (local $at i32) (local $length i32) (local $crc i32) (local $to i32)
  ;; What the host has put on the heap since the last frame.
  (call $piece (global.get $reported) (i32.sub (global.get $heap) (global.get $reported)))
  (global.set $reported (global.get $heap))
  LINE
  (loop $measure
    (if (i32.lt_u (local.get $n) (global.get $pieces)) (then
      (local.set $length (i32.add (local.get $length) (i32.add (i32.const 8)
        (i32.load offset={PIECES + 4} (i32.shl (local.get $n) (i32.const 3))))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $measure))))
  (i32.store (i32.const {HEADER + 16}) (global.get $sequence))
  (i32.store (i32.const {HEADER + 20}) (global.get $step))
  (i32.store (i32.const {HEADER + 24}) (local.get $tag))
  (i32.store (i32.const {HEADER + 28}) (local.get $length))
  (global.set $sequence (i32.add (global.get $sequence) (i32.const 1)))
  (local.set $crc (call $crc32 (i32.const 0) (i32.const {HEADER + 16}) (i32.const 16)))
  (global.set $chunks (i32.const 0))
  (local.set $n (i32.const 0))
  (local.set $to (i32.const {OUT + 36}))
  (call $add_chunk (i32.const {HEADER}) (i32.const 36))
  (loop $lay
    (if (i32.lt_u (local.get $n) (global.get $pieces)) (then
      (local.set $at (i32.add (i32.const {PIECES}) (i32.shl (local.get $n) (i32.const 3))))
      (local.set $crc (call $crc32 (local.get $crc) (local.get $at) (i32.const 8)))
      (local.set $crc (call $crc32 (local.get $crc) (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))
      (if (i32.le_u (local.get $length) (i32.const {OUT_SIZE - 36}))
        (then
          (i64.store align=4 (local.get $to) (i64.load align=4 (local.get $at)))
          (memory.copy (i32.add (local.get $to) (i32.const 8)) (i32.load (local.get $at))
            (i32.load offset=4 (local.get $at)))
          (local.set $to (i32.add (local.get $to) (i32.add (i32.const 8) (i32.load offset=4 (local.get $at))))))
        (else
          (call $add_chunk (local.get $at) (i32.const 8))
          (call $add_chunk (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $lay))))
  (i32.store (i32.const {HEADER + 32}) (local.get $crc))
  (if (i32.le_u (local.get $length) (i32.const {OUT_SIZE - 36})) (then
    (memory.copy (i32.const {OUT}) (i32.const {HEADER}) (i32.const 36))
    (global.set $chunks (i32.const 0))
    (call $add_chunk (i32.const {OUT}) (i32.sub (local.get $to) (i32.const {OUT})))))
  (global.set $pieces (i32.const 0))
  (global.set $chunk (i32.const {CHUNKS}))
  (global.set $output (i32.const 1)))
;; Write the frame: 1 open, 2 offer a chunk, 3 await it, 4 await the channel's future. Returns 1 to wait.
(func $flush (result i32)
  (local $pair i64) (local $code i32) (local $n i32)
  (loop $again
    (if (i32.eq (global.get $output) (i32.const 1)) (then
      (local.set $pair (call $output.new))
      (global.set $output_end (i32.wrap_i64 (i64.shr_u (local.get $pair) (i64.const 32))))
      (global.set $output_future (call $output.open (i32.wrap_i64 (local.get $pair))))
      (global.set $output (i32.const 2))))
    (if (i32.eq (global.get $output) (i32.const 2)) (then
      (if (i32.ge_u (global.get $chunk) (i32.add (i32.const {CHUNKS}) (i32.shl (global.get $chunks) (i32.const 3))))
        (then
          (call $output.close (global.get $output_end))
          (call $copying {_OUTPUT} (global.get $output_future)
            (call $output.await (global.get $output_future) (i32.const {OUTPUT_RESULT})))
          (global.set $output (i32.const 4)))
        (else
          (call $copying {_OUTPUT} (global.get $output_end)
            (call $output.write (global.get $output_end)
              (i32.load (global.get $chunk)) (i32.load offset=4 (global.get $chunk))))
          (global.set $output (i32.const 3))))))
    (if {_OUTPUT_IS_PENDING} (then (return (i32.const 1))))
    (if (i32.eq (global.get $output) (i32.const 3)) (then
      (local.set $code (i32.load offset=8 {_OUTPUT}))
      (local.set $n (i32.shr_u (local.get $code) (i32.const 4)))
      (i32.store (global.get $chunk) (i32.add (i32.load (global.get $chunk)) (local.get $n)))
      (i32.store offset=4 (global.get $chunk) (i32.sub (i32.load offset=4 (global.get $chunk)) (local.get $n)))
      (if (i32.eqz (i32.load offset=4 (global.get $chunk)))
        (then (global.set $chunk (i32.add (global.get $chunk) (i32.const 8)))))
      ;; Nobody takes frames any more: give this one up.
      (if (i32.and (local.get $code) (i32.const 15))
        (then (global.set $chunk (i32.add (i32.const {CHUNKS}) (i32.shl (global.get $chunks) (i32.const 3))))))
      (global.set $output (i32.const 2))
      (br $again))))
  (call $output.forget (global.get $output_future))
  (global.set $output (i32.const 0))
  (i32.const 0))"""

NO_FRAMES = """\
;; --- frames: this guest reports nothing ---
(func $piece (param $address i32) (param $length i32))"""

DRIVER = f"""\
;; --- the driver: 0 finished, 1 wait for an event, 2 poll and yield ---
(func $init
  (global.set $reported (global.get $heap))
  (global.set $set (call $waitable-set.new))
  FRAME({Tag.HELLO}))
(func $go (result i32)
  (local $outcome i32)
  PROCEED
  (loop $next
    FLUSH
    (if (i32.eq (global.get $step) (global.get $steps)) (then
      (if (global.get $ended) (then (return (i32.const 0))))
      (global.set $ended (i32.const 1))
      FRAME({Tag.END})
      (br $next)))
    (local.set $outcome (call $take_step))
    (if (i32.eq (local.get $outcome) (i32.const {REACHED})) (then
      FRAME({Tag.REACHED})
      (br $next)))
    (block $waits
      (if (i32.le_u (local.get $outcome) (i32.const {SILENT}))
        (then
          (i32.store8 (i32.add (global.get $flags) (global.get $step)) (i32.const 1))
          (if (i32.eq (local.get $outcome) (i32.const {DONE})) (then FRAME({Tag.DONE}))))
        (else (if (i32.eq (local.get $outcome) (i32.const {SKIP}))
          (then FRAME({Tag.SKIPPED}))
          (else
            EXPIRED
            FRAME({Tag.PENDING})))))
      DISARM
      (global.set $phase (i32.const 0))
      (global.set $step (i32.add (global.get $step) (i32.const 1)))
      (br $next)))
  (select (i32.const 2) (i32.const 1) (i32.eq (local.get $outcome) (i32.const {POLL}))))"""

ENDS_LINES = f'(data (i32.const {LINE_FEED}) "\\0a")'
"""Every frame then ends with a line feed: what buffers lines holds nothing of it back."""

LIMITS = f"""\
;; --- limits: a timer is armed when a step first waits, and given up when the step is over ---
(func $expired (result i32)
  (local $status i32)
  (local.set $status {status("(global.get $slots)")})
  (if (i32.eq (local.get $status) (i32.const {IDLE})) (then
    (call $calling (global.get $slots) (call $timer
      (i64.load (i32.add (global.get $limits) (i32.shl (global.get $step) (i32.const 3))))))
    (local.set $status {status("(global.get $slots)")})))
  (i32.eq (local.get $status) (i32.const {COMPLETE})))
(func $disarm
  (if (i32.eq {status("(global.get $slots)")} (i32.const {PENDING})) (then
    (call $waitable.join (i32.load (global.get $slots)) (i32.const 0))
    (drop (call $subtask.cancel (i32.load (global.get $slots))))
    (call $subtask.drop (i32.load (global.get $slots)))))
  (i32.store offset=4 (global.get $slots) (i32.const {IDLE})))"""
