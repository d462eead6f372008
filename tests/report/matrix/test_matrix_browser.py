"""The site in a real headless Chromium, opened from a file as a user would."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import synthetic

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.matrix.model import build_matrix
from wasicheck.report.matrix.site import write_site
from wasicheck.report.matrix.words import PROVENANCES
from wasicheck.report.results import Header, HostInfo, Results
from wasicheck.resources import data_folder
from wasicheck.wit import wasi

playwright = pytest.importorskip(
    "playwright.sync_api", reason="NOT TESTED in a browser: pip install playwright (it is among the dev extras)"
)
pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VECTORS, HOSTS = 2000, 12


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium or the like, else Playwright's own."""
    with playwright.sync_playwright() as driver:
        binary = next((found for name in NAMES if (found := shutil.which(name))), driver.chromium.executable_path)
        if not Path(binary).exists():
            pytest.skip("NOT TESTED in a browser: apt-get install chromium, or playwright install chromium")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = driver.chromium.launch(executable_path=binary, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def runs() -> list[Results]:
    return synthetic.runs(synthetic.requirements(), VECTORS, HOSTS)


@pytest.fixture(scope="module")
def large(runs: list[Results], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of 2,000 vectors on 12 hosts."""
    return site(tmp_path_factory.mktemp("large"), runs)


def site(folder: Path, runs: list[Results]) -> Path:
    matrix = build_matrix([(str(index), run) for index, run in enumerate(runs)])
    write_site(folder / "site", data_folder("reports") / "matrix", matrix, synthetic.requirements(), wasi())
    return folder / "site"


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens a site at an address; what the console says and what goes wrong fails the test."""
    contexts: list[Any] = []
    said: list[str] = []

    def visited(folder: Path, address: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(f"{(folder / 'index.html').as_uri()}{address}")
        page.wait_for_function("document.documentElement.dataset.ready")
        return page

    yield visited
    for context in contexts:
        context.close()
    assert said == []


def words(page: Any) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(page.url).fragment)


def rows(page: Any) -> list[str]:
    names: list[str] = page.eval_on_selector_all(
        "#table tbody tr", "rows => rows.map(r => r.querySelector('.name, code').textContent)"
    )
    return names


# --- the first view ------------------------------------------------------------------------------


def test_the_first_view_is_there_within_a_second(large: Path, visit: Any) -> None:
    times = []
    for _ in range(3):
        page = visit(large)
        assert page.locator("#table tbody tr").count() == 7
        times.append(page.evaluate("performance.getEntriesByType('paint').at(-1)?.startTime ?? performance.now()"))
        times[-1] = max(times[-1], page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(times) < 1000, times


def test_columns_and_their_numbers(large: Path, visit: Any, runs: list[Results]) -> None:
    page = visit(large)
    names = page.eval_on_selector_all("thead tr:first-child th", "all => all.map(t => [t.textContent, t.colSpan])")
    assert names[:4] == [["Vectors", 1], ["wasmtime", 4], ["jco", 3], ["wasmer", 2]]
    versions = page.eval_on_selector_all("thead tr:last-child th", "all => all.map(t => t.title)")
    assert versions == [run.header.hosts[0].label for run in runs]
    failed = sum(r.verdict in (Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH) for r in runs[5].results)
    assert page.locator("tr.all td").nth(5).inner_text().split()[:2] == ["✗", str(failed)]
    host = page.locator(".host").nth(5)
    assert f"{failed:,} of 2,000" in host.locator(".divergence").inner_text()
    errors = sum(r.verdict is Verdict.ERROR for r in runs[5].results)
    assert f"? {errors} errors of the harness" in host.locator(".beside").inner_text()


def test_every_verdict_has_its_sentence(large: Path, visit: Any) -> None:
    page = visit(large)
    page.locator("#legend summary").click()
    legend = page.locator("#legend").inner_text() + page.locator(".sentences").inner_text()
    for part in ("non-strict", "unsupported", "timeout", "denominator", "must", "should", "may"):
        assert part in legend


# --- rows and filters ----------------------------------------------------------------------------


def test_rows_open_and_the_address_keeps_them(large: Path, visit: Any) -> None:
    page = visit(large)
    page.get_by_role("button", name="wasi:cli").click()
    page.get_by_role("button", name="wasi:cli/stdout@0.3.0").click()
    page.get_by_role("button", name="write-via-stream").click()
    shown = rows(page)
    assert page.locator("tr.level-4").count() == 17 == len([name for name in shown if re.search(r"-\d+$", name)])
    assert rows(visit(large, "#" + urlsplit(page.url).fragment)) == shown
    page.get_by_role("button", name="wasi:cli/stdout@0.3.0").click()
    assert page.locator("tr.level-4").count() == 0
    page.get_by_role("button", name="wasi:cli", exact=False).first.click()
    assert len(rows(page)) == 7
    assert "open" in words(page)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ({"package": "random"}, lambda r, i: ":random/" in r[0].interface),
        ({"level": "may"}, lambda r, i: r[0].level == "may"),
        ({"text": "write-via STDOUT"}, lambda r, i: "write-via" in r[0].id and "stdout" in r[0].interface),
        ({"verdict": "c"}, lambda r, i: any(x.verdict is Verdict.CRASH for x in r)),
        (
            {"package": "cli", "verdict": "e"},
            lambda r, i: ":cli/" in r[0].interface and any(x.verdict == "error" for x in r),
        ),
    ],
)
def test_filters(large: Path, visit: Any, runs: list[Results], fill: dict[str, str], expected: Any) -> None:
    page = visit(large)
    for name, value in fill.items():
        field = page.locator(f"#filters [name={name}]")
        field.fill(value) if name == "text" else field.select_option(value)
    count = sum(expected(r, 0) for r in zip(*(run.results for run in runs), strict=True))
    assert count
    assert page.locator("#count").inner_text() == f"{count:,} vector{'s' if count > 1 else ''} of 2,000"
    assert words(page) == {name: [value] for name, value in fill.items()}
    again = visit(large, "#" + urlsplit(page.url).fragment)
    assert again.locator("#count").inner_text() == page.locator("#count").inner_text()
    for name, value in fill.items():
        assert again.locator(f"#filters [name={name}]").input_value() == value


def test_only_differing_and_only_here(large: Path, visit: Any, runs: list[Results]) -> None:
    rows_of = build_matrix([(str(index), run) for index, run in enumerate(runs)]).rows
    page = visit(large)
    page.get_by_label("only differing").check()
    assert page.locator("#count").inner_text().startswith(f"{sum(r.differing for r in rows_of):,} vectors of")
    page.get_by_label("only differing").uncheck()
    page.get_by_label("Fails only on").select_option("wasmtime@49.0.3")
    alone = [r.id for r in rows_of if r.only == 3]
    assert 0 < len(alone) < 60
    # So few that they are all shown.
    assert set(alone) <= set(rows(page))
    assert page.locator("tr.level-4").count() == len(alone)
    page.get_by_role("button", name="Clear", exact=True).click()
    assert words(page) == {}
    assert len(rows(page)) == 7


def test_nothing_found(large: Path, visit: Any) -> None:
    page = visit(large, "#text=there-is-no-such-thing")
    assert page.get_by_text("No vector is like that.").is_visible()
    page.get_by_role("button", name="Clear the filters").click()
    assert len(rows(page)) == 7


@pytest.mark.parametrize("address", ["#case=none&host=none", "#open=,,x&view=y&package=zz", "#%ff%00&only=%3Cb%3E"])
def test_addresses_that_mean_nothing(large: Path, visit: Any, address: str) -> None:
    page = visit(large, address)
    assert page.locator("h1").is_visible()
    assert not page.locator("dialog[open]").count()


# --- cases ---------------------------------------------------------------------------------------


def a_failure(runs: list[Results], host: int) -> Result:
    return next(r for r in runs[host].results if r.verdict is Verdict.FAIL and r.level == "must")


def test_a_cell_opens_its_case(large: Path, visit: Any, runs: list[Results]) -> None:
    failure = a_failure(runs, 5)
    page = visit(large, f"#text={failure.id}")
    page.get_by_role("link", name=f"fail: {failure.id} on {failure.host}").click()
    case = page.locator("dialog[open]")
    case.locator(".steps").wait_for()
    text = case.inner_text()
    for part in (failure.title, f"✗ fail on {failure.host}", "err(io | pipe)", "err(other(none))", "lift=sync"):
        assert part in text
    assert f"wasicheck repro {failure.id} --host {failure.host}" in text
    assert any(f"from {words}" in text for words in PROVENANCES.values())
    assert case.locator(".statements a").first.get_attribute("href").startswith("https://github.com/WebAssembly/")
    assert case.locator(".others a").count() == HOSTS
    assert words(page)["case"] == [failure.id]
    # The same on another host, and back.
    case.locator(".others a").nth(0).click()
    page.wait_for_function("document.querySelector('.banner').textContent.includes('wasmtime@46.0.1')")
    page.go_back()
    page.wait_for_function(f"document.querySelector('.banner').textContent.includes('{failure.host}')")
    page.go_back()
    page.locator("dialog[open]").wait_for(state="detached")
    assert "case" not in words(page)


def test_a_case_is_linked(large: Path, visit: Any, runs: list[Results]) -> None:
    failure = a_failure(runs, 8)
    page = visit(large, f"#case={failure.id}&host={failure.host}")
    page.locator("dialog[open] .steps").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    assert "case" not in words(page)


def test_texts_of_hosts_are_only_text(tmp_path: Path, visit: Any, make_result: Any) -> None:
    nasty = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
    result = make_result(
        id="nasty-1",
        title=nasty,
        host=f"h@{nasty}",
        verdict=Verdict.FAIL,
        stdout=nasty,
        stderr="\u2028\ud800\x1b[31m",
        reason=nasty,
        expected_failure=nasty,
        expected_link="javascript:alert(1)",
        unexpected=nasty,
        requirements=("own.requirement",),
    )
    header = Header("0.1.0", (HostInfo(result.host, nasty, nasty),), nasty, datetime(2026, 1, 1, tzinfo=UTC), 1)
    page = visit(site(tmp_path, [Results(header, (result,), 1.0)]))
    page.locator("[name=verdict]").select_option("f")
    page.locator("tr.level-4 a.v").click()
    page.locator("dialog[open] .steps").wait_for()
    assert nasty in page.locator("dialog[open]").inner_text()
    assert page.locator("img, dialog a[href^=javascript]").count() == 0


# --- the specification ---------------------------------------------------------------------------


def test_the_specification(large: Path, visit: Any) -> None:
    page = visit(large)
    page.get_by_role("link", name="By specification").click()
    page.locator(".chapter summary").filter(has_text="wasi:cli/stdout@0.3.0").click()
    item = page.locator("[data-item='wasi:cli/stdout@0.3.0#write-via-stream']")
    assert "write-via-stream: func(data: stream<u8>)" in item.inner_text()
    assert item.locator(".others").first.locator("a").count() == HOSTS
    item.locator(".others a").first.click()
    page.locator("dialog[open] .steps").wait_for()
    page.locator("dialog .path a").first.click()
    page.locator("dialog[open]").wait_for(state="detached")
    assert words(page)["item"] == ["wasi:cli/stdout@0.3.0#write-via-stream"]
    linked = visit(large, "#" + urlsplit(page.url).fragment)
    linked.locator("[data-item='wasi:cli/stdout@0.3.0#write-via-stream']").wait_for()


def test_the_specification_is_filtered(large: Path, visit: Any) -> None:
    page = visit(large, "#view=spec&package=cli&level=may")
    page.locator("#spec .chapter").first.wait_for()
    known = synthetic.requirements().values()
    count = sum(r.item.startswith("wasi:cli/") and r.level == "may" for r in known)
    assert page.locator("#count").inner_text() == f"{count} requirements"


# --- keyboard, phone, light and dark -------------------------------------------------------------


def test_everything_is_reached_by_keyboard(large: Path, visit: Any) -> None:
    page = visit(large)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "text"
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
    focused = "document.activeElement.closest('tr').querySelector('.name, code').textContent"
    assert page.evaluate(focused) == "wasi:cli"
    for key, name in (
        ("ArrowRight", "wasi:cli"),
        ("ArrowDown", "wasi:cli/environment@0.3.0"),
        ("ArrowRight", "wasi:cli/environment@0.3.0"),
        ("ArrowDown", "get-environment"),
        ("ArrowRight", "get-environment"),
        ("ArrowDown", "get-environment-0"),
        ("ArrowLeft", "get-environment"),
        ("ArrowDown", "get-environment-0"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == name, key
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.closest('td').cellIndex") == HOSTS
    page.keyboard.press("Enter")
    page.locator("dialog[open] .statements").wait_for()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    assert page.evaluate("document.activeElement.closest('td').cellIndex") == HOSTS
    page.keyboard.press("Control+Home")
    assert page.evaluate(focused) == "All"
    # The table is one stop of the tab key.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('tbody') === null")


@pytest.mark.parametrize("address", ["", "#text=stdout", "#view=spec&text=stdout&package=cli"])
def test_a_phone(large: Path, visit: Any, runs: list[Results], address: str) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    page = visit(large, address, **phone)
    if "spec" in address:
        page.locator("#spec .item").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if not address:
        page.get_by_role("button", name="wasi:cli").tap()
        assert len(rows(page)) > 7
        assert page.locator("#scroll").evaluate("box => box.scrollWidth > box.clientWidth")
        failure = a_failure(runs, 5)
        page.goto(page.url.split("#")[0] + f"#case={failure.id}&host={failure.host}")
        page.locator("dialog[open] .steps").wait_for()
        assert page.locator("dialog").evaluate("box => box.scrollWidth <= box.clientWidth")
        assert page.locator("dialog .close").bounding_box()["width"] >= 36


LUMINANCE = """
element => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const back = (one) => {
    for (; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const linear = (c) => (c <= 10.31 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const [a, b] = [light(parse(getComputedStyle(element).color)), light(back(element))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_readable_and_verdicts_are_more_than_colours(large: Path, visit: Any, scheme: str) -> None:
    page = visit(large, "#verdict=c&package=cli", color_scheme=scheme)
    page.locator("#legend summary").click()
    chips = page.locator("#legend .v").all()
    assert len(chips) == 10
    assert len({chip.inner_text() for chip in chips}) == 10
    for chip in [*chips, *page.locator(".level, .muted, .size, .vector code, .host b").all()[:60]]:
        assert chip.evaluate(LUMINANCE) >= 4.5, chip.evaluate("one => one.outerHTML")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(16, 19, 24)") == (scheme == "dark")
