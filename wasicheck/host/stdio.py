"""The host's three standard streams, arranged as a vector says: the child's descriptors and the harness's ends."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from wasicheck.host.sandbox import SceneError
from wasicheck.vectors.staging import Stdio
from wasicheck.vectors.surroundings import Environment, Sink, Source, Stdin

OUTPUTS = ((Stdio.STDOUT, 1), (Stdio.STDERR, 2))


@dataclass
class Wiring:
    """Open descriptors. `child` is what becomes 0, 1 and 2 (None: closed); the rest are the harness's own ends.

    `feed` takes what the host shall read; `readable` are outputs to read from the start, `held` pipes that are not
    to be read yet, `files` outputs that are regular files (open for reading). All harness ends are non-blocking.
    """

    child: list[int | None] = field(default_factory=lambda: [None, None, None])
    feed: int | None = None
    feed_ends: bool = False
    """Whether `feed` is to be closed as soon as the bytes given at the start are written."""
    readable: dict[Stdio, int] = field(default_factory=dict)
    held: dict[Stdio, int] = field(default_factory=dict)
    files: dict[Stdio, int] = field(default_factory=dict)

    def release_child(self) -> None:
        """Close the child's descriptors on this side, once it has its own."""
        for index, descriptor in enumerate(self.child):
            self.child[index] = None
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        """Close everything that is still open."""
        self.release_child()
        if self.feed is not None:
            os.close(self.feed)
            self.feed = None
        for ends in (self.readable, self.held, self.files):
            while ends:
                os.close(ends.popitem()[1])


def wire(environment: Environment, folder: Path) -> Wiring:
    """Open what the environment asks for, files inside `folder`; SceneError where this system cannot stage it."""
    wiring = Wiring()
    try:
        _wire_source(wiring, environment.stdin, folder)
        for (stream, number), sink in zip(OUTPUTS, (environment.stdout, environment.stderr), strict=True):
            _wire_sink(wiring, sink, stream, number, folder)
    except (OSError, SceneError) as error:
        wiring.close()
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"the standard streams cannot be arranged: {error}") from None
    return wiring


def _wire_source(wiring: Wiring, stdin: Stdin, folder: Path) -> None:
    match stdin.source:
        case Source.CONTROL | Source.PIPE | Source.BYTES:
            wiring.child[0], wiring.feed = os.pipe()
            os.set_blocking(wiring.feed, False)
            wiring.feed_ends = stdin.source is Source.BYTES
        case Source.NULL:
            wiring.child[0] = os.open(os.devnull, os.O_RDONLY)
        case Source.FILE:
            path = folder / "stdin"
            path.write_bytes(stdin.data)
            wiring.child[0] = os.open(path, os.O_RDONLY)
        case Source.CLOSED:
            wiring.child[0] = None
        case Source.DIRECTORY:
            path = folder / "stdin"
            path.mkdir()
            wiring.child[0] = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        case Source.WRITE_ONLY:
            wiring.child[0] = os.open(folder / "stdin", os.O_WRONLY | os.O_CREAT, 0o600)
        case Source.TERMINAL:
            wiring.feed, wiring.child[0] = _terminal()
        case _:
            assert_never(stdin.source)


def _wire_sink(wiring: Wiring, sink: Sink, stream: Stdio, number: int, folder: Path) -> None:
    match sink:
        case Sink.PIPE:
            wiring.readable[stream], wiring.child[number] = os.pipe()
            os.set_blocking(wiring.readable[stream], False)
        case Sink.UNREAD:
            wiring.held[stream], wiring.child[number] = os.pipe()
            os.set_blocking(wiring.held[stream], False)
        case Sink.BROKEN:
            reader, wiring.child[number] = os.pipe()
            os.close(reader)
        case Sink.FULL:
            if not Path("/dev/full").is_char_device():
                raise SceneError(f"{stream.value} cannot be full: this system has no /dev/full")
            wiring.child[number] = os.open("/dev/full", os.O_WRONLY)
        case Sink.FILE:
            path = folder / stream.value
            wiring.child[number] = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            wiring.files[stream] = os.open(path, os.O_RDONLY)
        case Sink.READ_ONLY:
            wiring.child[number] = os.open(folder / stream.value, os.O_RDONLY | os.O_CREAT, 0o600)
        case Sink.CLOSED:
            wiring.child[number] = None
        case Sink.TERMINAL:
            wiring.readable[stream], wiring.child[number] = _terminal()
        case _:
            assert_never(sink)


def _terminal() -> tuple[int, int]:
    # Not at the top: these modules exist on Unix alone, and few vectors need a terminal.
    import pty
    import tty

    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    return ours, theirs
