"""Shards, merging them, and comparing runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasicheck.cli import main
from wasicheck.gate import read_baselines
from wasicheck.judge.model import Verdict
from wasicheck.judge.status import ExitStatus
from wasicheck.report.differences import counterpart, difference_json, difference_markdown, difference_text, differences
from wasicheck.report.merging import merge
from wasicheck.report.reading import read_results
from wasicheck.report.results import HostInfo, Results, ResultsError, header_to_json, write_results
from wasicheck.report.shards import Shard, parse_shard

Make = Callable[..., Any]
NAMES = ("a.jsonl", "b.jsonl")

# --- shards --------------------------------------------------------------------------------------


@given(ids=st.sets(st.text(max_size=30)), count=st.integers(1, 20))
def test_every_id_is_in_one_shard(ids: set[str], count: int) -> None:
    for id in ids:
        assert sum(Shard(index, count).holds(id) for index in range(1, count + 1)) == 1


def test_an_id_keeps_its_shard() -> None:
    # Another rule would take the shards of an earlier release apart.
    assert [n for n in (1, 2, 3, 4) if Shard(n, 4).holds("stdout-write-and-close")] == [2]


def test_shards_are_of_like_size() -> None:
    sizes = [sum(Shard(n, 4).holds(f"tcp-connect-{i}") for i in range(2000)) for n in (1, 2, 3, 4)]
    assert min(sizes) > 400


@pytest.mark.parametrize("text", ["", "2", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "²/4", " 1/4", "99999/99999"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)
    assert str(parse_shard("2/4")) == "2/4"


def test_a_header_keeps_its_shard(make_results: Make, tmp_path: Path) -> None:
    run = make_results()
    run = replace(run, header=replace(run.header, shard=Shard(2, 4)))
    write_results(tmp_path / "r", run)
    assert read_results(tmp_path / "r") == run
    assert "shard" not in header_to_json(make_results().header)
    (tmp_path / "r").write_text((tmp_path / "r").read_text().replace('"2/4"', '"6/4"'))
    with pytest.raises(ResultsError, match="r:1: `shard`: there is no shard 6/4"):
        read_results(tmp_path / "r")


# --- merging -------------------------------------------------------------------------------------


@pytest.fixture
def split(make_result: Make, make_results: Make) -> list[tuple[str, Results]]:
    """A run of twenty vectors in three shards, the files of which are called s1, s2 and s3."""
    results = [make_result(f"v{number:02}") for number in range(20)]
    shards = []
    for index in (1, 2, 3):
        shard = Shard(index, 3)
        run = make_results(*(r for r in results if shard.holds(r.id)), duration_s=float(index))
        date = datetime(2026, 11, 22, 10, 10 - index, tzinfo=UTC)
        shards.append((f"s{index}", replace(run, header=replace(run.header, shard=shard, date=date))))
    return shards


def changed(named: tuple[str, Results], **header: Any) -> tuple[str, Results]:
    name, run = named
    return name, replace(run, header=replace(run.header, **header))


def test_shards_become_one_run(split: list[tuple[str, Results]]) -> None:
    run = merge(split[::-1])
    assert [r.id for r in run.results] == [f"v{number:02}" for number in range(20)]
    assert (run.header.selected, run.header.shard, run.duration_s) == (20, None, 3.0)
    assert run.header.date == datetime(2026, 11, 22, 10, 7, tzinfo=UTC)
    assert not run.missing


def test_a_stopped_shard_makes_a_stopped_run(split: list[tuple[str, Results]]) -> None:
    name, stopped = split[1]
    split[1] = name, replace(stopped, results=stopped.results[:1], duration_s=None)
    run = merge(split)
    assert run.truncated
    assert run.missing == len(stopped.results) - 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: s[:2], r"^s1: shard 3/3 is missing"),
        (lambda s: s[:1], r"^s1: shards 2/3, 3/3 are missing"),
        (lambda s: [*s, ("again", s[0][1])], r"^again:1: the file is shard 1/3; so is s1"),
        (lambda s: [*s[:2], changed(s[2], shard=Shard(3, 4))], r"^s3:1: the file is shard 3/4; s1 is shard 1/3"),
        (lambda s: [*s[:2], changed(s[2], shard=None)], r"^s3:1: the file is a whole run"),
        (lambda s: [*s[:2], changed(s[2], suite_version="0.2.0")], r"^s3:1: the version of wasicheck is 0\.2\.0; s1"),
        (lambda s: [*s[:2], changed(s[2], platform="win32")], r"^s3:1: the platform is win32; s1 has linux-x86_64"),
        (lambda s: [*s[:2], changed(s[2], hosts=s[2][1].header.hosts[:1])], r"^s3:1: the hosts are wasmtime@49\.0\.3;"),
        (
            lambda s: [*s[:2], changed(s[2], hosts=tuple(replace(h, flags=("x",)) for h in s[2][1].header.hosts))],
            r"^s3:1: wasmtime@49\.0\.3 has the flags x; s1 has -Shttp",
        ),
        (
            lambda s: [*s[:2], ("s3", replace(s[2][1], results=s[1][1].results))],
            r"^s3: the result of v\d\d on wasmtime@49\.0\.3 does not belong to shard 3/3",
        ),
    ],
)
def test_what_is_not_one_run_is_not_merged(split: list[tuple[str, Results]], damage: Any, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        merge(damage(split))


def test_the_merge_command(
    split: list[tuple[str, Results]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tmp_path / name) for name, _ in split]
    for file, (_, run) in zip(files, split, strict=True):
        write_results(Path(file), run)
    out = tmp_path / "new" / "whole.jsonl"
    assert main(["merge", *files, "--out", str(out)]) == ExitStatus.OK
    assert len(read_results(out).results) == 20
    assert main(["merge", *files[:2], "--out", str(tmp_path / "part")]) == ExitStatus.USAGE_ERROR
    assert "shard 3/3 is missing" in capsys.readouterr().err
    assert not (tmp_path / "part").exists()


# --- comparing -----------------------------------------------------------------------------------

ONE = (HostInfo("wasmtime@49.0.3", "wasmtime", "49.0.3"),)


@pytest.fixture
def pair(make_result: Make, make_results: Make) -> tuple[Results, Results]:
    """Two runs that differ in every way."""

    def run(**verdicts: Verdict) -> Results:
        results = (make_result(id.replace("_", "-"), verdict=verdict) for id, verdict in verdicts.items())
        return make_results(*results, hosts=ONE)

    fail, ok = Verdict.FAIL, Verdict.PASS
    before = run(same=ok, breaks=ok, mends=fail, sinks=fail, softens=ok, lost=ok, gone=fail)
    after = run(
        same=ok, breaks=fail, mends=ok, sinks=Verdict.CRASH, softens=Verdict.NON_STRICT, lost=Verdict.ERROR, new=fail
    )
    return before, after


def test_runs_compared(pair: tuple[Results, Results]) -> None:
    [host] = differences(*pair, NAMES).hosts
    assert {d.after.id: d.change.value for d in host.changes} == {
        "breaks": "newly failing",
        "mends": "newly passing",
        "sinks": "worse",
        "softens": "changed",
        "lost": "no longer run",
    }
    assert (host.same, host.worse, host.errors) == (1, 3, 1)
    assert ([r.id for r in host.only_before], [r.id for r in host.only_after]) == (["gone"], ["new"])


def test_a_difference_is_told(pair: tuple[Results, Results]) -> None:
    found = differences(*pair, NAMES)
    text = difference_text(found)
    assert "Newly failing (1)\n  breaks\n    pass → fail\n    step 4 (vectors/cli/stdout.yaml:31): expected" in text
    assert "Newly passing (1)\n  mends\n    fail → pass\n    before: step 4" in text
    assert "Only in the second run (1)\n  new: fail\n" in text
    assert "1 failing without a result before, 1 error of the harness, 1 the same" in text
    markdown = difference_markdown(found)
    assert markdown.startswith("## ❌ `wasmtime@49.0.3` → `wasmtime@49.0.3`")
    assert "<summary>Newly failing (1)</summary>" in markdown
    data: Any = json.loads(json.dumps(difference_json(found)))
    assert data["worse"] == 3
    assert data["hosts"][0]["changes"]["worse"][0]["after"] == "crash"


W48, W49, JCO = (HostInfo(f"{n}@{v}", n, v) for n, v in (("wasmtime", "48"), ("wasmtime", "49"), ("jco", "1")))


@pytest.mark.parametrize(
    ("host", "among", "alone", "found"),
    [
        (W49, [W48, W49], False, W49),
        (W49, [W48, JCO], False, W48),
        (W49, [JCO], True, JCO),
        (W49, [JCO], False, None),
        (W49, [], True, None),
        (HostInfo("wasmtime@50", "wasmtime", "50"), [W48, W49], True, None),
    ],
)
def test_the_host_to_compare_with(host: HostInfo, among: list[HostInfo], alone: bool, found: HostInfo | None) -> None:
    assert counterpart(host, among, alone=alone) == found


def test_runs_that_cannot_be_compared(make_result: Make, make_results: Make) -> None:
    run = make_results(make_result(), hosts=ONE)
    with pytest.raises(ResultsError, match=r"b\.jsonl:1: no host to compare: wasmtime@49.0.3 here, none in a\.jsonl"):
        differences(make_results(hosts=()), run, NAMES)
    other = make_results(make_result(flags=("lift=callback",)), hosts=ONE)
    with pytest.raises(ResultsError, match="nothing to compare: no vector has results with the same flags"):
        differences(other, run, NAMES)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda a, b: (a, a), ExitStatus.OK),
        (lambda a, b: (a, b), ExitStatus.RED),
        (lambda a, b: (a, replace(a, duration_s=None)), ExitStatus.INTERRUPTED),
        (
            lambda a, b: (a, replace(a, results=(replace(a.results[0], verdict=Verdict.ERROR),))),
            ExitStatus.HARNESS_ERROR,
        ),
        (lambda a, b: (a, replace(a, results=())), ExitStatus.USAGE_ERROR),
    ],
)
def test_the_diff_command(pair: tuple[Results, Results], tmp_path: Path, change: Any, status: ExitStatus) -> None:
    for name, run in zip(NAMES, change(*pair), strict=True):
        write_results(tmp_path / name, run)
    files = [str(tmp_path / name) for name in NAMES]
    assert main(["diff", *files]) == status
    assert main(["diff", *files, "--json", "--markdown", str(tmp_path / "d.md")]) == status
    assert (tmp_path / "d.md").exists() == (status is not ExitStatus.USAGE_ERROR)


# --- baselines -----------------------------------------------------------------------------------


def test_the_baseline_of_each_host(make_result: Make, make_results: Make, tmp_path: Path) -> None:
    run = make_results(make_result(host="wasmtime@48"), make_result(host="jco@1"), hosts=(W48, JCO))
    write_results(tmp_path / "b", run)
    found = read_baselines(tmp_path / "b", [W49, JCO])
    assert {label: (b.name, len(b.results)) for label, b in found.items()} == {
        "wasmtime@49": ("the baseline wasmtime@48", 1),
        "jco@1": ("the baseline jco@1", 1),
    }


@pytest.mark.parametrize(
    ("hosts", "changes", "message"),
    [
        ([W49], {"hosts": (JCO,)}, "b:1: the baseline has no results of wasmtime@49, only of jco@1"),
        ([replace(W48, flags=("lift=callback",))], {"hosts": (W48,)}, "this run's are lift=callback"),
        ([W48], {"hosts": (W48,), "duration_s": None}, "the baseline has no footer: its run was stopped"),
    ],
)
def test_what_is_no_baseline(
    make_results: Make, tmp_path: Path, hosts: list[HostInfo], changes: dict[str, Any], message: str
) -> None:
    write_results(tmp_path / "b", make_results(**changes))
    with pytest.raises(ResultsError, match=message):
        read_baselines(tmp_path / "b", hosts)
