"""The JSON-lines format: what is written is read back, and nothing else is."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.reading import parse_results, read_results
from wasicheck.report.results import Results, ResultsError, ResultsWriter, header_to_json, write_results

Make = Callable[..., Any]
SCHEMA = json.loads((files("wasicheck.report") / "results.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def written(results: Results) -> bytes:
    stream = io.BytesIO()
    writer = ResultsWriter(stream, results.header)
    for result in results.results:
        writer.write(result)
    if results.duration_s is not None:
        writer.finish(results.duration_s)
    return stream.getvalue()


def test_what_is_written_is_read_back(samples: tuple[Result, ...], make_results: Make, tmp_path: Path) -> None:
    results = make_results(*samples)
    write_results(tmp_path / "run.jsonl", results)
    read = read_results(tmp_path / "run.jsonl")
    assert read == results
    assert not read.truncated
    assert read.missing == 0


def test_what_is_compressed_is_read_back(samples: tuple[Result, ...], make_results: Make, tmp_path: Path) -> None:
    results, path = make_results(*samples), tmp_path / "run.jsonl.gz"
    write_results(path, results)
    whole = path.read_bytes()
    assert read_results(path) == results
    assert gzip.decompress(whole) == written(results)
    write_results(path, results)
    assert path.read_bytes() == whole


def test_a_compressed_file_that_was_cut_off_is_a_run_that_was_stopped(
    samples: tuple[Result, ...], make_results: Make, tmp_path: Path
) -> None:
    results, path = make_results(*samples), tmp_path / "run.jsonl.gz"
    write_results(path, results)
    path.write_bytes(path.read_bytes()[:-30])
    read = read_results(path)
    assert read.truncated
    assert read.results == results.results[: len(read.results)]
    assert read.results


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:12] + bytes(20) + data[32:], "the compressed file is damaged"),
        (lambda data: data + data, "holds more than one compressed file"),
    ],
)
def test_a_compressed_file_that_is_damaged_is_refused(
    samples: tuple[Result, ...], make_results: Make, tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "run.jsonl.gz"
    write_results(path, make_results(*samples))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResultsError, match=message):
        read_results(path)


def test_every_line_is_valid_by_the_schema(samples: tuple[Result, ...], make_results: Make) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    lines = [json.loads(line) for line in written(make_results(*samples)).splitlines()]
    assert [line["kind"] for line in lines] == ["header", *["result"] * len(samples), "footer"]
    for line in lines:
        VALIDATOR.validate(line)


def test_a_step_has_the_whole_value_where_it_is_cut_short(
    make_step: Make, make_result: Make, make_results: Make, tmp_path: Path
) -> None:
    steps = (make_step(observed='"a"'), make_step(observed='"aaa"… (9 bytes)', value='"aaaaaaaaa"'))
    results = make_results(make_result(steps=steps))
    line = json.loads(written(results).splitlines()[1])
    VALIDATOR.validate(line)
    assert ["value" in step for step in line["steps"]] == [False, True]
    write_results(tmp_path / "run.jsonl", results)
    assert read_results(tmp_path / "run.jsonl") == results


@pytest.mark.parametrize("line", range(3))
def test_the_schema_refuses_a_line_with_a_key_more_or_less(make_result: Make, make_results: Make, line: int) -> None:
    whole = json.loads(written(make_results(make_result())).splitlines()[line])
    assert VALIDATOR.is_valid(whole)
    assert not VALIDATOR.is_valid(whole | {"more": 1})
    for key in whole:
        assert not VALIDATOR.is_valid({name: value for name, value in whole.items() if name != key}), key


def test_the_header_says_what_ran(make_results: Make) -> None:
    assert header_to_json(make_results(selected=7).header) == {
        "kind": "header",
        "format": 1,
        "suite": {"name": "wasicheck", "version": "0.1.0"},
        "hosts": [
            {"label": "wasmtime@49.0.3", "name": "wasmtime", "version": "49.0.3", "flags": ("-Shttp",)},
            {"label": "jco@1.35.0", "name": "jco", "version": None, "flags": ()},
        ],
        "platform": "linux-x86_64",
        "date": "2026-11-22T19:12:00Z",
        "selected": 7,
    }


def test_a_date_of_any_zone_is_written_in_utc(make_results: Make) -> None:
    results = make_results()
    east = datetime(2026, 11, 22, 21, 12, tzinfo=timezone(timedelta(hours=2)))
    header = replace(results.header, date=east)
    assert parse_results(written(replace(results, header=header)), "f").header.date == datetime(
        2026, 11, 22, 19, 12, tzinfo=UTC
    )


def test_each_line_is_flushed(make_result: Make, make_results: Make) -> None:
    class Stream(io.BytesIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed = self.getvalue().count(b"\n")

    stream = Stream()
    writer = ResultsWriter(stream, make_results().header)
    assert stream.flushed == 1
    writer.write(make_result())
    assert stream.flushed == 2
    writer.finish(0.5)
    assert stream.flushed == 3


def test_the_writer_refuses_a_second_result_of_the_same(make_result: Make, make_results: Make) -> None:
    writer = ResultsWriter(io.BytesIO(), make_results().header)
    writer.write(make_result())
    writer.write(make_result(flags=("lift=callback",)))
    with pytest.raises(ValueError, match=r"a result of cli-stdout-write on wasmtime@49\.0\.3"):
        writer.write(make_result(verdict=Verdict.FAIL))


def test_a_file_without_footer_is_truncated(make_result: Make, make_results: Make) -> None:
    results = make_results(make_result(), selected=3, duration_s=None)
    read = parse_results(written(results), "f")
    assert read == results
    assert read.truncated
    assert read.missing == 2


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_line_cut_off_at_the_end_is_truncated(make_result: Make, make_results: Make, cut: int) -> None:
    results = make_results(make_result("a"), make_result("b"), duration_s=None)
    read = parse_results(written(results)[:-cut], "f")
    assert read.truncated
    assert [result.id for result in read.results] == ["a"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters()))
def test_any_text_survives(make_result: Make, make_results: Make, text: str) -> None:
    result = make_result(stdout=text, title=text)
    [read] = parse_results(written(make_results(result)), "f").results
    assert read == result


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(data=st.data())
def test_damage_never_makes_the_reader_fail_otherwise(
    make_result: Make, make_results: Make, data: st.DataObject
) -> None:
    content = bytearray(written(make_results(make_result(verdict=Verdict.FAIL))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    line = 0
    try:
        parse_results(bytes(content), "f")
    except ResultsError as error:
        line = error.line
    assert 0 <= line <= content.count(b"\n") + 1


def edited(lines: list[bytes], number: int, **changes: Any) -> list[bytes]:
    """The lines with keys of one (counted from 1) changed; `...` takes a key away."""
    members = json.loads(lines[number - 1]) | changes
    members = {key: value for key, value in members.items() if value is not ...}
    return [*lines[: number - 1], json.dumps(members).encode(), *lines[number:]]


STEP = {"index": 1, "verdict": "pass", "level": "must"} | dict.fromkeys(
    ("place", "text", "expected", "observed", "message"), ""
)
HOST: dict[str, Any] = {"label": "wasmtime@49.0.3", "name": "wasmtime", "version": None, "flags": []}
COUNTS = {verdict.value: 0 for verdict in Verdict}


@pytest.mark.parametrize(
    ("number", "changes", "line", "message", "hint"),
    [
        (1, {"format": 2}, 1, "format 2; expected format 1", "the wasicheck that wrote it"),
        (1, {"format": ...}, 1, "format null; expected format 1", ""),
        (1, {"suite": "wasicheck"}, 1, '`suite` is "wasicheck"; expected an object', "damaged"),
        (1, {"suite": {"name": "other", "version": "1"}}, 1, "of the suite 'other'", "--json"),
        (1, {"suite": {"name": "wasicheck"}}, 1, "`suite.version` is missing", "damaged"),
        (1, {"hosts": [1]}, 1, "`hosts` is [1]; expected a list of objects", "damaged"),
        (1, {"hosts": [HOST, HOST]}, 1, "the host 'wasmtime@49.0.3' is listed twice", "a label of its own"),
        (1, {"hosts": [HOST | {"flags": "x"}]}, 1, '`hosts[0].flags` is "x"; expected a list of texts', "damaged"),
        (1, {"hosts": [HOST | {"version": 4}]}, 1, "`hosts[0].version` is 4; expected a text", "damaged"),
        (1, {"hosts": []}, 2, "the host 'wasmtime@49.0.3' is not in the header; expected one of: none", ""),
        (1, {"date": "yesterday"}, 1, '`date` is "yesterday"; expected a date and time in UTC', ""),
        (1, {"date": "2026-11-22T19:12:00+02:00"}, 1, "expected a date and time in UTC", ""),
        (1, {"date": "2026-11-22T19:12:00"}, 1, "expected a date and time in UTC", ""),
        (1, {"selected": 1}, 1, "2 results, but the header says that 1 were selected", "wasicheck merge"),
        (1, {"selected": True}, 1, "`selected` is true; expected a whole number", ""),
        (1, {"selected": -1}, 1, "`selected` is -1; expected a whole number", ""),
        (1, {"platfrom": "x"}, 1, "unknown key 'platfrom'", "did you mean 'platform'?"),
        (1, {"kind": "result"}, 1, "not a results file", "--json"),
        (2, {"kind": "footre"}, 2, "unknown kind 'footre'", "did you mean 'footer'?"),
        (2, {"kind": ...}, 2, "unknown kind None", "damaged"),
        (2, {"verdict": "passs"}, 2, "unknown verdict 'passs' in `verdict`; expected one of", "did you mean 'pass'?"),
        (2, {"verdict": "zzz"}, 2, "unknown verdict 'zzz'", "damaged"),
        (2, {"verdict": 1}, 2, "`verdict` is 1; expected a text", "damaged"),
        (2, {"level": "shall"}, 2, "unknown level 'shall'", ""),
        (2, {"host": "wasmtime@49.0"}, 2, "'wasmtime@49.0' is not in the header", "did you mean 'wasmtime@49.0.3'?"),
        (2, {"title": ...}, 2, "`title` is missing", "damaged"),
        (2, {"reasons": "x"}, 2, "unknown key 'reasons'", "did you mean 'reason'?"),
        (2, {"zzz": "x"}, 2, "unknown key 'zzz'", "another version"),
        (2, {"duration_s": -0.5}, 2, "`duration_s` is -0.5; expected a number of seconds", ""),
        (2, {"duration_s": "1"}, 2, "expected a number of seconds", ""),
        (2, {"duration_s": False}, 2, "expected a number of seconds", ""),
        (2, {"requirements": [1]}, 2, "expected a list of texts", ""),
        (2, {"exit": ["x" * 99]}, 2, '`exit` is ["' + "x" * 57 + "…; expected a text", ""),
        (2, {"steps": [STEP | {"verdict": "fial"}]}, 2, "'fial' in `steps[0].verdict`", "did you mean 'fail'?"),
        (2, {"steps": [STEP | {"index": 1.5}]}, 2, "`steps[0].index` is 1.5; expected a whole number", ""),
        (2, {"steps": {}}, 2, "`steps` is {}; expected a list of objects", ""),
        (3, {"id": "a"}, 3, "result of 'a' on 'wasmtime@49.0.3' with flags []; the first is in line 2", "keep one"),
        (4, {"results": 3}, 4, "the footer counts 3 results; there are 2 above it", "lost, added or moved"),
        (4, {"verdicts": COUNTS | {"pass": 1}}, 4, "the footer counts 1 times pass; there are 2 above it", "edited"),
        (4, {"verdicts": {"pass": 2}}, 4, "`verdicts.non-strict` is missing", ""),
        (4, {"duration_s": None}, 4, "`duration_s` is null; expected a number of seconds", ""),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(
    make_result: Make, make_results: Make, number: int, changes: dict[str, Any], line: int, message: str, hint: str
) -> None:
    lines = written(make_results(make_result("a"), make_result("b"))).splitlines()
    with pytest.raises(ResultsError) as caught:
        parse_results(b"\n".join([*edited(lines, number, **changes), b""]), "run.jsonl")
    error = caught.value
    assert (error.file, error.line) == ("run.jsonl", line)
    assert message in error.message
    assert hint in error.hint
    assert str(error) == f"run.jsonl:{line}: {error.message}\n  hint: {error.hint}"


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"", "not JSON at column 1"),
        (b'{"kind": "result",', "not JSON at column"),
        (b'{"kind": "\xff"}', "not UTF-8 at byte 11"),
        (b"[]", "not a JSON object"),
        (b'{"kind": NaN}', "not JSON (NaN is no JSON number)"),
        (b'{"kind": "result", "id": 1, "id": 2}', "not JSON (the key 'id' occurs twice)"),
        (b"[" * 200_000, "not JSON ("),
        (b'{"kind": ' + b"1" * 5000 + b"}", "not JSON ("),
    ],
)
def test_a_damaged_line_is_named(make_result: Make, make_results: Make, damaged: bytes, message: str) -> None:
    lines = written(make_results(make_result("a"), make_result("b"))).splitlines()
    lines[2] = damaged
    with pytest.raises(ResultsError) as caught:
        parse_results(b"\n".join([*lines, b""]), "f")
    assert caught.value.line == 3
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 0, "the file is empty"),
        (b"\x7fELF\x02\x01", 1, "the first line is not a whole one"),
        (b"\x7fELF\n\x01", 1, "not JSON at column 1"),
        (b'<?xml version="1.0"?>\n', 1, "not JSON at column 1"),
        (b'{"kind": "summary"}\n', 1, "the first line is not a header"),
    ],
)
def test_a_foreign_file_is_refused(content: bytes, line: int, message: str) -> None:
    with pytest.raises(ResultsError) as caught:
        parse_results(content, "f")
    assert caught.value.line == line
    assert message in caught.value.message
    assert "wasicheck run" in caught.value.hint


def test_nothing_may_follow_the_footer(make_result: Make, make_results: Make) -> None:
    content = written(make_results(make_result("a")))
    with pytest.raises(ResultsError, match="f:4: a line after the footer") as caught:
        parse_results(content + content, "f")
    assert "wasicheck merge" in caught.value.hint
    with pytest.raises(ResultsError, match="f:4: text after the footer"):
        parse_results(content + b"{", "f")


def test_a_truncated_run_stays_truncated(make_result: Make, make_results: Make, tmp_path: Path) -> None:
    results = make_results(make_result(), selected=2, duration_s=None)
    write_results(tmp_path / "run.jsonl", results)
    assert read_results(tmp_path / "run.jsonl") == results


def test_a_second_header_is_refused(make_result: Make, make_results: Make) -> None:
    header = written(make_results(make_result("a"))).splitlines(keepends=True)[0]
    with pytest.raises(ResultsError, match="f:2: a second header"):
        parse_results(header + header, "f")


def test_a_path_that_cannot_be_used_is_named(make_results: Make, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"nowhere\.jsonl: cannot be read: No such file"):
        read_results(tmp_path / "nowhere.jsonl")
    with pytest.raises(ResultsError, match="cannot be written: Is a directory"):
        write_results(tmp_path, make_results())
