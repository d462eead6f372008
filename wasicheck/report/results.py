"""The results of a run as JSON lines: a header, one line per result, a footer.

Every line is a JSON object with a `kind`; `results.schema.json` beside this module is the schema of a line. The
header says what ran where, each result stands alone, and the footer counts what is above it. Lines are flushed
one by one: a run that was killed leaves a file without footer, which can be read and says that it is truncated.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, cast

from wasicheck.errors import InputError
from wasicheck.judge.model import Result, Verdict
from wasicheck.report.shards import Shard

FORMAT = 1
"""Raised whenever a reader of the earlier format would misread or refuse a file."""
SUITE = "wasicheck"

Key = tuple[str, str, tuple[str, ...]]
"""What a result is found by: id, host label, flags. Each occurs once in a run."""


@dataclass(frozen=True)
class HostInfo:
    """A host of the run.

    `label` is what results cite (`wasmtime@49.0.3`), `version` what the host says of itself (None: it does not say),
    `flags` what it was started with beyond its runner's defaults.
    """

    label: str
    name: str
    version: str | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """What ran: `suite_version` of wasicheck, `platform` (`linux-x86_64`), `date` of the start with its time zone.

    `selected` is the number of results the run is to have: one per vector, host and set of flags. `shard` says which
    part of a run this is, None of a whole one.
    """

    suite_version: str
    hosts: tuple[HostInfo, ...]
    platform: str
    date: datetime
    selected: int
    shard: Shard | None = None


@dataclass(frozen=True)
class Results:
    """A run: `duration_s` is wall-clock seconds from the footer, None where there is no footer (`truncated`)."""

    header: Header
    results: tuple[Result, ...]
    duration_s: float | None

    @property
    def truncated(self) -> bool:
        """Whether the run did not come to its end."""
        return self.duration_s is None

    @property
    def missing(self) -> int:
        """How many selected results there are none of."""
        return max(0, self.header.selected - len(self.results))


class ResultsError(InputError):
    """A results file that cannot be used: where (line 0: the file as a whole), what was expected, the likely fix."""

    def __init__(self, file: str, line: int, message: str, hint: str) -> None:
        super().__init__(file, line, message, hint)
        self.file = file
        self.line = line
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}\n  hint: {self.hint}"


class ResultsWriter:
    """Writes a run to a binary stream, line by line; the stream stays the caller's to close."""

    def __init__(self, stream: BinaryIO, header: Header) -> None:
        self._stream = stream
        self._verdicts: Counter[Verdict] = Counter()
        self._keys: set[Key] = set()
        self._write(header_to_json(header))

    def write(self, result: Result) -> None:
        """Append a result; raise ValueError if there is one of the same id, host and flags."""
        key = key_of(result)
        if key in self._keys:
            raise ValueError(f"there is a result of {result.id} on {result.host} {list(result.flags)} already")
        self._keys.add(key)
        self._verdicts[result.verdict] += 1
        self._write(result_to_json(result))

    def finish(self, duration_s: float) -> None:
        """Append the footer."""
        self._write(footer_to_json(self._verdicts, duration_s))

    def _write(self, line: Mapping[str, object]) -> None:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # A lone surrogate (a file name that is not UTF-8) has no UTF-8, and its backslash escape is JSON's own.
        self._stream.write(text.encode("utf-8", "backslashreplace") + b"\n")
        self._stream.flush()


def key_of(result: Result) -> Key:
    """Return what the result is found by."""
    return result.id, result.host, result.flags


def open_stream(path: Path) -> BinaryIO:
    """Open a file to write results to, its folder made: compressed if it is called `*.gz`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a time in it, the same results make the same file.
    return cast(BinaryIO, GzipFile(path, "wb", mtime=0)) if path.suffix == ".gz" else path.open("wb")


def write_results(path: Path, results: Results) -> None:
    """Write a whole run to a file, its folder made, without footer if it has none; raise ResultsError if it cannot."""
    try:
        with open_stream(path) as stream:
            writer = ResultsWriter(stream, results.header)
            for result in results.results:
                writer.write(result)
            if results.duration_s is not None:
                writer.finish(results.duration_s)
    except OSError as error:
        raise ResultsError(
            str(path), 0, f"cannot be written: {error.strerror}", "check the path and its rights"
        ) from None


def header_to_json(header: Header) -> dict[str, object]:
    """Return the header line."""
    return {
        "kind": "header",
        "format": FORMAT,
        "suite": {"name": SUITE, "version": header.suite_version},
        "hosts": [asdict(host) for host in header.hosts],
        "platform": header.platform,
        "date": f"{header.date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "selected": header.selected,
        **({"shard": str(header.shard)} if header.shard is not None else {}),
    }


def result_to_json(result: Result) -> dict[str, object]:
    """Return the line of a result: its fields under their own names, rounded to microseconds."""
    # Not by asdict, whose copies of everything take longer than judging a result.
    steps = [{key: part for key, part in vars(s).items() if key != "value" or part is not None} for s in result.steps]
    return {"kind": "result", **vars(result), "steps": steps, "duration_s": round(result.duration_s, 6)}


def footer_to_json(verdicts: Mapping[Verdict, int], duration_s: float) -> dict[str, object]:
    """Return the footer line, every verdict with its count."""
    return {
        "kind": "footer",
        "results": sum(verdicts.values()),
        "verdicts": {verdict.value: verdicts.get(verdict, 0) for verdict in Verdict},
        "duration_s": round(duration_s, 6),
    }
