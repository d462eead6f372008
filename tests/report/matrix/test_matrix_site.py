"""The site's data and files, and the command that writes them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import synthetic
from lxml import etree

from wasicheck.cli import main
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.status import ExitStatus
from wasicheck.report.matrix.data import case_parts, index_data, matrix_json, specification_data
from wasicheck.report.matrix.model import build_matrix
from wasicheck.report.matrix.site import badge_names, badge_of, write_site
from wasicheck.report.matrix.specification import annotated
from wasicheck.report.matrix.words import ABSENT, SIGNS
from wasicheck.report.results import HostInfo, write_results
from wasicheck.resources import data_folder
from wasicheck.vectors.requirements import Requirement
from wasicheck.wit import wasi

Make = Callable[..., Any]
HOST = (HostInfo("wasmtime@49.0.3", "wasmtime", "49.0.3"),)


@pytest.fixture(scope="module")
def requirements() -> dict[str, Requirement]:
    return synthetic.requirements()


def test_every_verdict_has_a_letter_a_symbol_and_a_word_of_its_own() -> None:
    signs = [*SIGNS.values(), ABSENT]
    assert set(SIGNS) == set(Verdict)
    for part in ("letter", "symbol", "word", "meaning"):
        assert len({getattr(sign, part) for sign in signs}) == len(signs)


def test_the_specification_has_every_item_of_the_wit(requirements: dict[str, Requirement]) -> None:
    chapters = annotated(wasi(), requirements, ())
    items = {item.id: item for chapter in chapters for item in chapter.items}
    functions = [f for p in wasi().packages.values() for i in p.interfaces.values() for f in i.functions.values()]
    assert [f.item for f in functions if f.item not in items] == []
    assert sorted(id for item in items.values() for id in item.requirements) == sorted(requirements)
    assert items["wasi:cli/stdout@0.3.0#write-via-stream"].signature == (
        "write-via-stream: func(data: stream<u8>) -> future<result<_, error-code>>"
    )
    assert items["wasi:sockets/types@0.3.0#tcp-socket.create"].signature.startswith("create: static func(")
    assert items["wasi:cli/types@0.3.0#error-code"].signature.startswith("enum error-code { io,")
    packages = [chapter.package for chapter in chapters]
    assert len(dict.fromkeys(packages)) == sum(a != b for a, b in zip(packages, [None, *packages], strict=False))


def test_the_tables_data(make_result: Make, make_results: Make, requirements: dict[str, Requirement]) -> None:
    known = "cli.stdout.write-via-stream.error-after-drop"
    results = [
        make_result("a", requirements=(known,), title="Uh\x1b\u202eoh"),
        make_result("b", requirements=("own.thing",), verdict=Verdict.FAIL),
    ]
    matrix = build_matrix([("f", make_results(*results, hosts=HOST))])
    chapters = annotated(wasi(), requirements, matrix.rows)
    index: Any = index_data(matrix, requirements, chapters)
    specification: Any = specification_data(chapters, requirements)
    vectors = {vector[0]: vector for vector in index["vectors"]}
    assert vectors["a"][1] == "Uh\\x1b\\u{202e}oh"
    assert index["items"][vectors["a"][2]] == ("wasi:cli/stdout@0.3.0", "write-via-stream")
    assert index["items"][vectors["b"][2]] == ("wasi:cli/stdout@0.3.0", "in general")
    assert (vectors["a"][5], vectors["b"][5]) == ("p", "f")
    [number] = vectors["a"][8]
    id, level, provenance, _, _, _, links = specification["requirements"][number]
    assert (id, level, provenance) == (known, "must", "wit")
    assert links[0][1].startswith("https://github.com/WebAssembly/WASI/blob/v0.3.0/proposals/cli/wit/stdio.wit#L")
    [unknown] = vectors["b"][8]
    assert specification["requirements"][unknown] == ["own.thing", "", "", "", "", "", []]
    assert index["packages"] == ["cli"]


def test_a_case(make_result: Make, make_results: Make) -> None:
    result = make_result(
        verdict=Verdict.FAIL,
        stdout="x" * 9000 + "end",
        expected_failure="known",
        expected_link="javascript:alert(1)",
        flags=("lift=callback",),
    )
    [part] = case_parts(build_matrix([("f", make_results(result, hosts=HOST))]))
    data: Any = json.loads(json.dumps(part))
    place, [[body, seconds, command]] = data["cases"]["cli-stdout-write"]
    letter, flags, steps, _, exit, stdout, stderr, known, link, unexpected = data["bodies"][body]
    assert (place, seconds) == ("vectors/cli/stdout.yaml:12", 0.012)
    assert command == "wasicheck repro cli-stdout-write --host wasmtime@49.0.3 --abi callback"
    assert (letter, flags, exit, known) == ("f", ["lift=callback"], "exit status 0", "known")
    assert (stdout[0], stdout[-3:], len(stdout)) == ("…", "end", 4001)
    assert (link, stderr, unexpected) == ("", "", "")
    assert data["steps"][steps[0]] == [
        3, "vectors/cli/stdout.yaml:31", "await $written", "err(pipe)", "ok", "", "f", "must"
    ]  # fmt: skip


def test_what_hosts_have_in_common_is_told_once(requirements: dict[str, Requirement]) -> None:
    runs = synthetic.runs(requirements, 70, 4)
    parts: list[Any] = list(case_parts(build_matrix([(str(i), run) for i, run in enumerate(runs)])))
    assert [len(part["cases"]) for part in parts] == [60, 10]
    for part in parts:
        assert len(part["bodies"]) < 2 * len(part["cases"])
        assert len({json.dumps(step) for step in part["steps"]}) == len(part["steps"])


def test_matrix_json(make_result: Make, make_results: Make) -> None:
    results = [make_result("a"), make_result("b", verdict=Verdict.ERROR)]
    data: Any = matrix_json(build_matrix([("f", make_results(*results, hosts=HOST))]), {})
    assert data["hosts"][0]["divergence"] == {"failed": 0, "all": 2, "percent": "0"}
    assert data["hosts"][0]["coverage"] == {"supported": 1, "all": 2, "percent": "50.0"}
    assert (data["hosts"][0]["errors"], data["vectors"]) == (1, 2)
    assert data["results"][1]["verdicts"] == {"wasmtime@49.0.3": "error"}


def test_badges(make_result: Make, make_results: Make) -> None:
    matrix = build_matrix([("f", make_results(make_result("a"), make_result("b", verdict=Verdict.ERROR), hosts=HOST))])
    badge = badge_of("wasmtime@49.0.3", matrix.numbers(0))
    assert (badge.value, badge.tone) == ("0 % diverge, 50.0 % covered, 1 not judged", "good")
    assert badge.right > badge.left
    assert badge_names(["a@1", "a-1", "a@1 x/y", "…"]) == ["a-1.svg", "a-1~2.svg", "a-1-x-y.svg", "host.svg"]


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def run_file(samples: tuple[Result, ...], make_results: Make, tmp_path: Path) -> Path:
    """Results of every kind, with hostile texts."""
    results = [r for r in samples if r.host == "wasmtime@49.0.3"]
    write_results(tmp_path / "r.jsonl", make_results(*results, hosts=HOST))
    return tmp_path / "r.jsonl"


def test_the_command_writes_the_site(run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "site"
    assert main(["matrix", str(run_file), "--out", str(out)]) == ExitStatus.OK
    assert "wasmtime@49.0.3" in capsys.readouterr().out
    page = (out / "index.html").read_text()
    for address in re.findall(r'(?:src|href)="([^"#:]+)"', page):
        assert (out / address).is_file(), address
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    etree.parse(out / "badges" / "wasmtime-49.0.3.svg")
    assert json.loads((out / "matrix.json").read_text())["vectors"] == 12
    (out / "cases" / "99.js").write_text("stale")
    assert main(["matrix", str(run_file), "--out", str(out)]) == ExitStatus.OK
    assert sorted(path.name for path in (out / "cases").iterdir()) == ["0.js"]


def test_a_folder_of_something_else_is_left_alone(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("dear")
    for out in (tmp_path / "mine", run_file):
        assert main(["matrix", str(run_file), "--out", str(out)]) == ExitStatus.USAGE_ERROR
        assert "exists, and is no folder that `wasicheck matrix` wrote" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert main(["matrix", str(run_file), "--out", "/proc/site"]) == ExitStatus.USAGE_ERROR
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "the file is empty; expected a header line"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 at byte 1"),
        (b"<testsuites/>\n", "not JSON at column 1"),
        (b'{"kind":"result"}\n', "not a results file: the first line is not a header"),
        (b'{"kind":"header","format":7}\n', "format 7; expected format 1"),
        ("cut", "the run was stopped before its end: it has 11 of 12 results"),
        ("joined", "a line after the footer"),
    ],
)
def test_files_that_are_no_results(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, message: str
) -> None:
    whole = run_file.read_bytes()
    match content:
        case "cut":
            content = b"\n".join(whole.split(b"\n")[:-2])[:-20]
        case "joined":
            content = whole + whole
    bad = tmp_path / "bad.jsonl"
    if content is not None:
        bad.write_bytes(content)
    for files in ([bad], [run_file, bad]):
        assert main(["matrix", *map(str, files), "--out", str(tmp_path / "site")]) == ExitStatus.USAGE_ERROR
        errors = capsys.readouterr().err
        assert errors.startswith(f"wasicheck: {bad}")
        assert message in errors
        assert "Traceback" not in errors
    assert not (tmp_path / "site").exists()


def test_a_large_matrix_is_written_quickly(requirements: dict[str, Requirement], tmp_path: Path) -> None:
    runs = synthetic.runs(requirements, 2000, 12)
    started = time.process_time()
    matrix = build_matrix([(str(index), run) for index, run in enumerate(runs)])
    write_site(tmp_path / "site", data_folder("reports") / "matrix", matrix, requirements, wasi())
    assert time.process_time() - started < 5
    assert (tmp_path / "site" / "index.html").stat().st_size < 600_000
