"""Reading results files: strict, because a gate must not be green over a file that is not what it seems."""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Never, TypeVar

from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.report.results import FORMAT, SUITE, Header, HostInfo, Key, Results, ResultsError, key_of
from wasicheck.report.shards import Shard, parse_shard
from wasicheck.vectors.model import Level

MAX_SIZE = 1 << 30
"""The largest results file that is read, in bytes, where it is compressed."""

_GZIP = b"\x1f\x8b"
_Word = TypeVar("_Word", bound=StrEnum)

_RERUN = "the file is damaged: repeat the run, or delete the line to go on without it"
_NOT_OURS = "give the .jsonl or .jsonl.gz file that `wasicheck run --json FILE` wrote"


def read_results(path: Path) -> Results:
    """Read a results file; raise ResultsError at the first thing in it that is wrong.

    A file without footer is read as a truncated run; so is one whose last line was cut off in the middle.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ResultsError(str(path), 0, f"cannot be read: {error.strerror}", _NOT_OURS) from None
    return parse_results(_plain(data, str(path)), str(path))


def _plain(data: bytes, file: str) -> bytes:
    """The content of a file that may be compressed with gzip; of one that was cut off, as far as it goes."""
    if not data.startswith(_GZIP):
        return data
    unzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = unzip.decompress(data, MAX_SIZE)
    except zlib.error as error:
        raise ResultsError(file, 0, f"the compressed file is damaged: {error}", "repeat the run") from None
    if unzip.unconsumed_tail or unzip.unused_data:
        what = "more than one compressed file" if unzip.unused_data else f"more than {MAX_SIZE >> 30} GiB"
        raise ResultsError(file, 0, f"the compressed file holds {what}", _NOT_OURS)
    return content


def parse_results(data: bytes, file: str) -> Results:
    """Parse the content of a results file; `file` is what errors call it."""
    lines = data.split(b"\n")
    cut_off = lines.pop()
    if not lines:
        if cut_off:
            raise ResultsError(file, 1, "the first line is not a whole one; expected a header line", _NOT_OURS)
        raise ResultsError(file, 0, "the file is empty; expected a header line", _NOT_OURS)
    first = _load(lines[0], file, 1, _NOT_OURS)
    if first.members.get("kind") != "header":
        raise first.error("not a results file: the first line is not a header", _NOT_OURS)
    header = _header(first)
    labels = [host.label for host in header.hosts]
    results: dict[Key, tuple[int, Result]] = {}
    duration_s: float | None = None
    for number, line in enumerate(lines[1:], start=2):
        if duration_s is not None:
            hint = "one file is one run: `wasicheck merge` joins several"
            raise ResultsError(file, number, "a line after the footer; expected the end of the file", hint)
        item = _load(line, file, number, _RERUN)
        match item.members.get("kind"):
            case "result":
                result = _result(item, labels)
                key = key_of(result)
                if key in results:
                    what = f"a second result of {result.id!r} on {result.host!r} with flags {list(result.flags)}"
                    raise item.error(f"{what}; the first is in line {results[key][0]}", "keep one of the two lines")
                results[key] = (number, result)
            case "footer":
                duration_s = _footer(item, [result for _, result in results.values()])
            case "header":
                raise item.error("a second header", "one file is one run: `wasicheck merge` joins several")
            case kind:
                raise item.error(
                    f"unknown kind {kind!r}; expected result or footer", _nearest(kind, ("result", "footer"), _RERUN)
                )
    if cut_off and duration_s is not None:
        hint = "delete everything after the footer"
        raise ResultsError(file, len(lines) + 1, "text after the footer; expected the end of the file", hint)
    if len(results) > header.selected:
        what = f"{len(results)} results, but the header says that {header.selected} were selected"
        raise ResultsError(file, 1, what, "shards are joined by `wasicheck merge`, not by hand")
    return Results(header, tuple(result for _, result in results.values()), duration_s)


def parse_result(line: str, hosts: Iterable[str]) -> Result:
    """Parse the line of one result on one of these hosts; raise ResultsError."""
    return _result(_load(line.encode(), "a result", 1, _RERUN), list(hosts))


@dataclass(frozen=True)
class _Object:
    """A JSON object and where it stands; each reader takes the member of a name, or fails."""

    members: dict[str, object]
    file: str
    line: int
    name: str = ""

    def error(self, message: str, hint: str) -> ResultsError:
        return ResultsError(self.file, self.line, message, hint)

    def only(self, *names: str, optional: tuple[str, ...] = ()) -> None:
        for name in self.members:
            if name not in names and name not in optional:
                hint = _nearest(name, names, "the file is from another version of wasicheck, or was edited")
                raise self.error(f"unknown key {self._path(name)!r}", hint)
        for name in names:
            if name not in self.members:
                raise self.error(f"`{self._path(name)}` is missing", _RERUN)

    def text(self, name: str) -> str:
        value = self.members[name]
        if isinstance(value, str):
            return value
        raise self._expected("a text", name)

    def optional_text(self, name: str) -> str | None:
        return None if self.members[name] is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.members[name]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise self._expected("a list of texts", name)

    def count(self, name: str) -> int:
        value = self.members[name]
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._expected("a whole number, zero or more", name)

    def seconds(self, name: str) -> float:
        value = self.members[name]
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
            return float(value)
        raise self._expected("a number of seconds, zero or more", name)

    def word(self, name: str, words: type[_Word]) -> _Word:
        value = self.text(name)
        try:
            return words(value)
        except ValueError:
            known = [word.value for word in words]
            what = f"unknown {name} {value!r} in `{self._path(name)}`; expected one of {', '.join(known)}"
            raise self.error(what, _nearest(value, known, _RERUN)) from None

    def inner(self, name: str) -> _Object:
        value = self.members[name]
        if isinstance(value, dict):
            return self._at(value, name)
        raise self._expected("an object", name)

    def inners(self, name: str) -> tuple[_Object, ...]:
        value = self.members[name]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return tuple(self._at(item, f"{name}[{index}]") for index, item in enumerate(value))
        raise self._expected("a list of objects", name)

    def date(self, name: str) -> datetime:
        text = self.text(name)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            value = None
        if value is None or value.utcoffset() != timedelta(0):
            raise self._expected("a date and time in UTC (2026-11-22T19:12:00Z)", name)
        return value.astimezone(UTC)

    def _at(self, members: dict[str, object], name: str) -> _Object:
        return _Object(members, self.file, self.line, self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name

    def _expected(self, what: str, name: str) -> ResultsError:
        shown = json.dumps(self.members[name])
        shown = shown if len(shown) <= 60 else shown[:59] + "…"
        return self.error(f"`{self._path(name)}` is {shown}; expected {what}", _RERUN)


def _load(line: bytes, file: str, number: int, hint: str) -> _Object:
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant)
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start + 1}; expected a JSON object"
        raise ResultsError(file, number, what, hint) from None
    except json.JSONDecodeError as error:
        what = f"not JSON at column {error.colno} ({error.msg}); expected a JSON object"
        raise ResultsError(file, number, what, hint) from None
    except (ValueError, RecursionError) as error:
        raise ResultsError(file, number, f"not JSON ({error}); expected a JSON object", hint) from None
    if not isinstance(value, dict):
        raise ResultsError(file, number, "not a JSON object", hint)
    return _Object(value, file, number)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        [(name, _), *_] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {name!r} occurs twice")
    return members


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


def _header(item: _Object) -> Header:
    # The format first: another one may have any other keys.
    version = item.members.get("format")
    if version != FORMAT:
        hint = "read it with the wasicheck that wrote it, or repeat the run"
        raise item.error(f"format {json.dumps(version)}; expected format {FORMAT}", hint)
    item.only("kind", "format", "suite", "hosts", "platform", "date", "selected", optional=("shard",))
    suite = item.inner("suite")
    suite.only("name", "version")
    if suite.text("name") != SUITE:
        raise item.error(f"the results are of the suite {suite.text('name')!r}; expected {SUITE!r}", _NOT_OURS)
    hosts: list[HostInfo] = []
    for host in item.inners("hosts"):
        host.only("label", "name", "version", "flags")
        info = HostInfo(host.text("label"), host.text("name"), host.optional_text("version"), host.texts("flags"))
        if any(other.label == info.label for other in hosts):
            raise item.error(f"the host {info.label!r} is listed twice", "give each host a label of its own")
        hosts.append(info)
    return Header(
        suite_version=suite.text("version"),
        hosts=tuple(hosts),
        platform=item.text("platform"),
        date=item.date("date"),
        selected=item.count("selected"),
        shard=_shard(item) if "shard" in item.members else None,
    )


def _shard(item: _Object) -> Shard:
    try:
        return parse_shard(item.text("shard"))
    except ValueError as error:
        raise item.error(f"`shard`: {error}", _RERUN) from None


def _result(item: _Object, hosts: list[str]) -> Result:
    item.only("kind", *Result.__dataclass_fields__)
    host = item.text("host")
    if host not in hosts:
        known = ", ".join(hosts) or "none"
        raise item.error(
            f"the host {host!r} is not in the header; expected one of: {known}", _nearest(host, hosts, _RERUN)
        )
    return Result(
        id=item.text("id"),
        title=item.text("title"),
        interface=item.text("interface"),
        host=host,
        verdict=item.word("verdict", Verdict),
        level=item.word("level", Level),
        requirements=item.texts("requirements"),
        place=item.text("place"),
        flags=item.texts("flags"),
        steps=tuple(_step(step) for step in item.inners("steps")),
        reason=item.text("reason"),
        exit=item.text("exit"),
        stdout=item.text("stdout"),
        stderr=item.text("stderr"),
        duration_s=item.seconds("duration_s"),
        command=item.text("command"),
        expected_failure=item.optional_text("expected_failure"),
        expected_link=item.optional_text("expected_link"),
        unexpected=item.optional_text("unexpected"),
    )


def _step(item: _Object) -> StepResult:
    item.only(*(name for name in StepResult.__dataclass_fields__ if name != "value"), optional=("value",))
    return StepResult(
        index=item.count("index"),
        place=item.text("place"),
        text=item.text("text"),
        expected=item.text("expected"),
        observed=item.text("observed"),
        verdict=item.word("verdict", Verdict),
        level=item.word("level", Level),
        message=item.text("message"),
        value=item.text("value") if "value" in item.members else None,
    )


def _footer(item: _Object, results: list[Result]) -> float:
    item.only("kind", "results", "verdicts", "duration_s")
    if item.count("results") != len(results):
        what = f"the footer counts {item.count('results')} results; there are {len(results)} above it"
        raise item.error(what, "lines were lost, added or moved: repeat the run")
    verdicts = item.inner("verdicts")
    verdicts.only(*(verdict.value for verdict in Verdict))
    for verdict, count in ((verdict, sum(r.verdict is verdict for r in results)) for verdict in Verdict):
        if verdicts.count(verdict.value) != count:
            what = f"the footer counts {verdicts.count(verdict.value)} times {verdict}; there are {count} above it"
            raise item.error(what, "lines were edited, or not all of them were: repeat the run")
    return item.seconds("duration_s")


def _nearest(word: object, known: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else otherwise
