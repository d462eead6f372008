"""Properties on a real host, and a counterexample that is put into a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from scene import call

from wasicheck.guest.compiler import Build
from wasicheck.judge.model import Verdict
from wasicheck.judge.status import ExitStatus
from wasicheck.properties.catalogue import PROPERTIES
from wasicheck.properties.model import Body
from wasicheck.properties.search import examine
from wasicheck.resources import data_folder
from wasicheck.session import HostSession, find_host
from wasicheck.vectors.requirements import requirement_ids


@pytest.fixture(scope="module")
def wasmtime() -> HostSession:
    """A session on wasmtime."""
    return HostSession(find_host("wasmtime"), Build())


@pytest.mark.parametrize("name", ["property-file-contents", "property-fields-changes", "property-stream-elements"])
def test_it_holds_with_another_seed(name: str, wasmtime: HostSession) -> None:
    levels = requirement_ids(data_folder("vectors") / "requirements")
    assert examine(PROPERTIES[name], wasmtime.judged, levels, examples=5, number=1).verdict is Verdict.PASS


def test_a_counterexample_can_be_put_into_a_file(
    wasmtime: HostSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(codes: tuple[int, int]) -> Body:
        code, more = codes
        return {"steps": [{"call": f"exit-with-code({code})", "expect": "exit"}], "after": {"exit": f"code({more})"}}

    property = replace(
        PROPERTIES["property-exit-codes"], bodies=st.tuples(st.integers(0, 9), st.integers(0, 9)).map(wrong)
    )
    levels = requirement_ids(data_folder("vectors") / "requirements")
    result = examine(property, wasmtime.judged, levels, examples=20, number=0)
    assert result.verdict is Verdict.FAIL
    text = result.reason.split("\n\n")[-1]
    assert "exit-with-code(0)" in text
    assert "code(1)" in text
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "found.yaml").write_text(text)
    assert call("run", "--host", "wasmtime", "--vectors", str(tmp_path / "own")) == ExitStatus.RED
    assert "fail          counterexample-exit-codes [lift=sync, lower=async]" in capsys.readouterr().out
