"""The warm helper of hosts that translate a component before they run it: one process per worker."""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from wasicheck.host.errors import PrepareError, RefusedError
from wasicheck.host.forking import FORKING
from wasicheck.host.host import Host

_CLOSING_S = 2.0


class Preparer:
    """Prepares components with the `[prepare]` helper of one host; several threads may use it at once.

    The helper starts with the first component and ends when the preparer is closed, with all that it made. A helper
    that dies or does not answer in time is ended, and a new one is started for the next component.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._made: dict[bytes, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self, component: bytes) -> Path:
        """Return the folder that the helper has filled for the component.

        Raises PrepareError with its words otherwise, RefusedError if it cannot prepare this one.
        """
        key = hashlib.sha256(component).digest()
        with self._lock:
            if key not in self._made:
                self._made[key] = self._prepare(component, key.hex()[:32])
            return self._made[key]

    def close(self) -> None:
        """End the helper and remove what it made."""
        with self._lock:
            self._stop()
            self._made.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _prepare(self, component: bytes, name: str) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="wasicheck-prepared-", ignore_cleanup_errors=True)
        root = Path(self._folder.name)
        guest, output = root / f"{name}.wasm", root / name
        guest.write_bytes(component)
        output.mkdir(exist_ok=True)
        try:
            answer = self._ask({"component": str(guest), "output": str(output)}, root / "helper.log")
        except BaseException:
            # Its next line would be taken for the answer to the next request.
            self._stop(patience_s=0.0)
            raise
        match answer:
            case {"ok": True}:
                return output
            case {"error": str(why)}:
                # What it could not cope with may have left it unfit for others.
                self._stop()
                raise RefusedError(f"the helper of {self._host.label} cannot prepare the component: {why}")
            case _:
                self._stop()
                raise PrepareError(f"the helper of {self._host.label} answered {json.dumps(answer)[:200]}")

    def _ask(self, request: dict[str, str], log: Path) -> object:
        process = self._process or self._start(log)
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._read_line(process)
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            said = log.read_text(errors="replace").strip()[-800:] or "it printed nothing"
            raise PrepareError(f"the helper of {self._host.label} ended: {said}")
        try:
            return json.loads(line)
        except ValueError:
            raise PrepareError(f"the helper of {self._host.label} answered {line[:200]!r}, which is no JSON") from None

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        argv = self._host.helper_command()
        if argv is None:
            raise PrepareError(f"{self._host.label} has no [prepare]")
        try:
            with log.open("wb") as errors, FORKING:
                self._process = subprocess.Popen(
                    argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
                )
        except OSError as error:
            raise PrepareError(f"the helper of {self._host.label} cannot be started: {error}") from None
        return self._process

    def _read_line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        assert self._host.runner.prepare is not None
        descriptor, line = process.stdout.fileno(), bytearray()
        give_up = time.monotonic() + self._host.runner.prepare.deadline / 1e9
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, give_up - time.monotonic())):
                    raise PrepareError(f"the helper of {self._host.label} did not answer in time")
                if not (data := os.read(descriptor, 65536)):
                    break
                line += data
        return bytes(line)

    def _stop(self, patience_s: float = _CLOSING_S) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
