"""The summaries: terminal, log and Markdown."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from wasicheck.judge.model import Result, Verdict
from wasicheck.report.digest import COLUMNS, XFAIL, XPASS, column_of, digest
from wasicheck.report.markdown import markdown_summary
from wasicheck.report.results import HostInfo, Results
from wasicheck.report.summary import STYLES, plain_summary, summary
from wasicheck.report.text import details, duration, headline, label, one_line, plural, repro_command, visible
from wasicheck.vectors.model import Level

Make = Callable[..., Any]
ONE_HOST = (HostInfo("wasmtime@49.0.3", "wasmtime", "49.0.3"),)


def rendered(results: Results, width: int = 90, **options: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(summary(results, **options))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def test_the_plain_summary_as_a_whole(make_result: Make, make_results: Make) -> None:
    results = make_results(
        *(make_result(f"cli-{n}") for n in range(1200)),
        make_result("cli-weak", verdict=Verdict.NON_STRICT),
        make_result("cli-known", verdict=Verdict.FAIL, expected_failure="known"),
        make_result("cli-broken", verdict=Verdict.FAIL, flags=("lift=callback",)),
        *(make_result(f"tty-{n}", verdict=Verdict.SKIP, reason="needs a terminal") for n in range(3)),
        make_result("http", verdict=Verdict.SKIP, reason="no world"),
        *(make_result(f"s-{n}", host="jco@1.35.0", verdict=Verdict.UNSUPPORTED, reason="no x") for n in range(2)),
        duration_s=95.2,
    )
    assert plain_summary(results) == (
        "wasicheck 0.1.0: 1,209 runs on 2 hosts, linux-x86_64, 2026-11-22 19:12 UTC\n"
        "\n"
        "host              pass  non-strict  xfail   skip   fail  unsupported  total\n"
        "wasmtime@49.0.3  1,200           1      1      4      1            .  1,207\n"
        "jco@1.35.0           .           .      .      .      .            2      2\n"
        "\n"
        "fail          cli-broken [lift=callback] on wasmtime@49.0.3\n"
        "              step 4 (vectors/cli/stdout.yaml:31): expected err(pipe), observed ok\n"
        "              wasicheck repro cli-broken --host wasmtime@49.0.3 --abi callback\n"
        "\n"
        "unsupported   s-0 and 1 more on jco@1.35.0\n"
        "              no x (vectors/cli/stdout.yaml:12)\n"
        "              wasicheck repro s-0 --host jco@1.35.0\n"
        "\n"
        "skipped\n"
        "      3  needs a terminal\n"
        "      1  no world\n"
        "\n"
        "3 red of 1,209, 1 expected failure, 1 min 35 s\n"
    )


def test_the_terminal_summary_as_a_whole(make_result: Make, make_results: Make) -> None:
    results = make_results(
        *(make_result(f"cli-{n}") for n in range(97)),
        make_result("cli-known", verdict=Verdict.FAIL, expected_failure="known"),
        make_result("tty", verdict=Verdict.SKIP, reason="needs a terminal"),
        make_result("cli-fixed", unexpected="listed as a known failure, but it passes: remove the entry"),
        hosts=ONE_HOST,
    )
    assert rendered(results) == (
        "\n"
        " wasicheck 0.1.0  100 runs on 1 host, linux-x86_64, 2026-11-22 19:12 UTC\n"
        "\n"
        " wasmtime@49.0.3  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  100\n"
        "                  97 pass   1 xfail   1 skip\n"
        "                  1 xpass\n"
        "\n"
        " ✘ xpass       cli-fixed  wasmtime@49.0.3\n"
        "   listed as a known failure, but it passes: remove the entry\n"
        "   $ wasicheck repro cli-fixed --host wasmtime@49.0.3\n"
        "\n"
        " Skipped\n"
        "       1  needs a terminal\n"
        "\n"
        " ✘ 1 red of 100, 1 expected failure, 12.5 s\n"
    )


def test_a_green_run_says_so_in_green(make_result: Make, make_results: Make) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(summary(make_results(make_result(), hosts=ONE_HOST)))
    assert "\x1b[1;32m ✔ all 1 as expected, 12.5 s" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_plain_summary_is_plain(samples: tuple[Result, ...], make_results: Make) -> None:
    assert plain_summary(make_results(*samples)).isascii()


def test_every_red_result_is_named_everywhere(samples: tuple[Result, ...], make_results: Make) -> None:
    results = make_results(*samples)
    for text in (rendered(results), plain_summary(results), markdown_summary(results)):
        for result in samples:
            assert (result.id in text) is result.red


@pytest.mark.parametrize("render", [rendered, plain_summary, markdown_summary])
def test_what_exceeds_the_limit_is_counted(make_result: Make, make_results: Make, render: Callable[..., str]) -> None:
    results = [make_result(f"cli-{n}", verdict=Verdict.CRASH, reason=f"reason {n}") for n in range(4)]
    results += [make_result(f"http-{n}", verdict=Verdict.UNSUPPORTED, reason="no http") for n in range(3)]
    text = render(make_results(*results), limit=2)
    assert "cli-1" in text
    assert "cli-2" not in text
    assert "5 more" in text
    if render is not markdown_summary:
        assert "and 5 more red: 2 crash, 3 unsupported" in text


@pytest.mark.parametrize("render", [rendered, plain_summary, markdown_summary])
def test_a_run_cut_short_says_so(make_result: Make, make_results: Make, render: Callable[..., str]) -> None:
    text = render(make_results(make_result(), selected=5, duration_s=None, hosts=ONE_HOST))
    assert "nothing red in the 1 that ran" in text
    assert "The results are truncated" in text
    assert "4 of 5 selected were not run." in text
    assert "✔" not in text
    assert "✅" not in text


@pytest.mark.parametrize("render", [rendered, plain_summary, markdown_summary])
def test_a_run_of_nothing_is_not_green(make_results: Make, render: Callable[..., str]) -> None:
    text = render(make_results())
    assert "nothing was run" in text
    assert "✔" not in text
    assert "✅" not in text


def test_a_run_without_hosts_has_a_summary(make_results: Make) -> None:
    assert "nothing was run" in rendered(make_results(hosts=()))
    assert "nothing was run" in plain_summary(make_results(hosts=()))


@pytest.mark.parametrize("render", [rendered, plain_summary])
def test_many_reasons_for_skips_are_cut(make_result: Make, make_results: Make, render: Callable[..., str]) -> None:
    skips = [make_result(f"s-{n}", verdict=Verdict.SKIP, reason=f"reason {n}") for n in range(9)]
    text = render(make_results(*skips))
    assert "reason 5" in text
    assert "reason 6" not in text
    assert "3  for 3 other reasons" in text


def test_the_bar_has_the_same_length_whatever_is_in_it(make_result: Make, make_results: Make) -> None:
    for passing, crashing in ((1, 0), (0, 1), (999, 1), (1, 999), (3, 4)):
        results = [make_result(f"p{n}") for n in range(passing)]
        results += [make_result(f"c{n}", verdict=Verdict.CRASH, reason="c") for n in range(crashing)]
        assert rendered(make_results(*results, hosts=ONE_HOST)).count("━") == 50


def test_one_crash_among_a_thousand_shows_in_the_bar(make_result: Make, make_results: Make) -> None:
    results = [make_result(f"p{n}") for n in range(999)] + [make_result(verdict=Verdict.CRASH, reason="c")]
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    console.print(summary(make_results(*results, hosts=ONE_HOST)))
    assert "\x1b[32m" + "━" * 49 + "\x1b[0m\x1b[1;91m━\x1b[0m" in console.file.getvalue()  # type: ignore[attr-defined]


def test_hostile_output_stays_on_its_line(make_result: Make, make_results: Make) -> None:
    bad = make_result("a", verdict=Verdict.CRASH, reason="\x1b[2J\n[red]x[/red] </details>```\n`|", stderr="````\x07")
    text = rendered(make_results(bad))
    assert "\\x1b[2J\\n[red]x[/red] </details>```\\n`| (vectors" in text
    markdown = markdown_summary(make_results(bad))
    assert "\x1b" not in markdown
    assert "&lt;/details&gt;" in markdown
    assert "\n`````text\n" in markdown


def test_the_markdown_summary(samples: tuple[Result, ...], make_results: Make) -> None:
    text = markdown_summary(make_results(*samples))
    lines = text.splitlines()
    assert lines[0] == "## ❌ wasicheck 0.1.0: 7 red of 15, 2 expected failures, 12.5 s"
    head = next(index for index, line in enumerate(lines) if line.startswith("| host "))
    assert len({line.count("|") for line in lines[head : head + 4]}) == 1
    assert lines[head + 2].startswith("| wasmtime@49.0.3 | 1 | 1 | 1 | 2 | 1 |")
    assert "| 1 | needs a terminal |" in lines
    assert "<b>fail</b> <code>cli-stdout-broken-pipe [lift=callback]</code> on wasmtime@49.0.3<br>step 4" in text
    assert "stdout:\nout" in text


def test_markdown_cuts_long_output(make_result: Make, make_results: Make) -> None:
    text = markdown_summary(make_results(make_result(verdict=Verdict.CRASH, reason="c", stdout="x" * 50_000)))
    assert len(text) < 5_000
    assert "… (50,000 characters)" in text


def test_markdown_takes_cells_literally(make_result: Make, make_results: Make) -> None:
    text = markdown_summary(make_results(make_result(verdict=Verdict.SKIP, reason="a|b *c* <d>")))
    assert "| 1 | a\\|b \\*c\\* &lt;d&gt; |" in text


def test_columns_add_up(samples: tuple[Result, ...], make_results: Make) -> None:
    boiled = digest(make_results(*samples))
    assert set(STYLES) == set(COLUMNS) == {*Verdict, XFAIL, XPASS}
    for host in boiled.hosts:
        assert sum(host.counts.values()) == host.total
    assert boiled.red_count == sum(len(group.results) for group in boiled.red) == 7
    assert boiled.xfail_count == 2


def test_red_is_sorted_by_host_and_severity(samples: tuple[Result, ...], make_results: Make) -> None:
    boiled = digest(make_results(*reversed(samples)))
    assert [(group.first.host, group.first.verdict) for group in boiled.red] == [
        *(("wasmtime@49.0.3", v) for v in ("error", "crash", "crash", "timeout", "fail", "pass")),
        ("jco@1.35.0", "unsupported"),
    ]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"verdict": Verdict.FAIL}, Verdict.FAIL),
        ({"verdict": Verdict.FAIL, "expected_failure": "r"}, XFAIL),
        ({"verdict": Verdict.FAIL, "unexpected": "r"}, Verdict.FAIL),
        ({"verdict": Verdict.NON_STRICT, "unexpected": "r"}, Verdict.NON_STRICT),
        ({"verdict": Verdict.PASS, "unexpected": "r"}, XPASS),
        ({"verdict": Verdict.INFO, "unexpected": "r"}, XPASS),
        ({"verdict": Verdict.SKIP, "expected_failure": None}, Verdict.SKIP),
    ],
)
def test_each_result_is_in_one_column(make_result: Make, changes: dict[str, Any], column: str) -> None:
    assert column_of(make_result(**changes)) == column


def test_the_headline_is_the_first_step_of_the_verdict(make_result: Make, make_step: Make) -> None:
    steps = (
        make_step(index=1, verdict=Verdict.NON_STRICT),
        make_step(index=2, message="no frame arrived"),
        make_step(index=3),
    )
    result = make_result(verdict=Verdict.FAIL, steps=steps)
    assert headline(result) == (
        "step 3 (vectors/cli/stdout.yaml:31): expected err(pipe), observed ok (no frame arrived)"
    )
    assert headline(make_result(verdict=Verdict.CRASH, steps=steps)) == "crash (vectors/cli/stdout.yaml:12)"
    long = make_result(verdict=Verdict.FAIL, steps=(make_step(observed="x" * 5000 + "\n"),))
    assert len(headline(long)) < 200


def test_details_leave_passing_steps_out(make_result: Make, make_step: Make) -> None:
    steps = (
        make_step(index=0, verdict=Verdict.PASS),
        make_step(index=1, message="m", level=Level.SHOULD),
        make_step(index=2, verdict=Verdict.SKIP, observed="not reached"),
    )
    result = make_result(
        verdict=Verdict.FAIL,
        steps=steps,
        reason="why",
        unexpected="listed",
        expected_link="https://a.example/1",
    )
    assert details(result, {"cli.stdout.write": "wit-doc"}).splitlines() == [
        "Bytes written to stdout arrive in order",
        "listed",
        "why",
        "step 2 (vectors/cli/stdout.yaml:31): await $written",
        "    fail (should): m",
        "    expected err(pipe)",
        "    observed ok",
        "step 3 (vectors/cli/stdout.yaml:31): await $written: not reached",
        "requirement: cli.stdout.write (must, wit-doc)",
        "vector: vectors/cli/stdout.yaml:12",
        "exit: exit status 0",
        "repeat: wasicheck repro cli-stdout-write --host wasmtime@49.0.3",
        "link: https://a.example/1",
    ]


def test_a_reason_that_is_the_steps_is_not_said_twice(make_result: Make) -> None:
    located = make_result(verdict=Verdict.FAIL, reason="step 4, vectors/cli/stdout.yaml:31: expected err(pipe)")
    assert located.reason not in details(located, {})
    other = make_result(verdict=Verdict.FAIL, reason="the host exited with status 1")
    assert other.reason in details(other, {})


def test_details_of_an_informative_result_tell_what_was_observed(make_result: Make, make_step: Make) -> None:
    result = make_result(verdict=Verdict.INFO, steps=(make_step(verdict=Verdict.PASS, observed="17"),))
    assert "    observed 17" in details(result, {}).splitlines()


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({}, "wasicheck repro cli-stdout-write --host wasmtime@49.0.3"),
        ({"flags": ("lift=sync",)}, "wasicheck repro cli-stdout-write --host wasmtime@49.0.3"),
        ({"flags": ("x=y", "lift=stackful")}, "wasicheck repro cli-stdout-write --host wasmtime@49.0.3 --abi stackful"),
        (
            {"flags": ("lift=sync", "lower=sync")},
            "wasicheck repro cli-stdout-write --host wasmtime@49.0.3 --lower sync",
        ),
        ({"command": "wasicheck repro a --host x/runner.toml"}, "wasicheck repro a --host x/runner.toml"),
        ({"host": "./my host/runner.toml"}, "wasicheck repro cli-stdout-write --host './my host/runner.toml'"),
    ],
)
def test_the_command_that_repeats(make_result: Make, changes: dict[str, Any], command: str) -> None:
    assert repro_command(make_result(**changes)) == command


def test_words(make_result: Make) -> None:
    assert label(make_result("a", flags=("x=1", "y=2"))) == "a [x=1, y=2]"
    assert (plural(0, "run"), plural(1, "run"), plural(1024, "run")) == ("0 runs", "1 run", "1,024 runs")
    assert visible("a\tb\nc\r\x85\u202e\U0001fffe") == "a\tb\nc\\r\\x85\\u{202e}\\u{1fffe}"
    assert one_line(" a\n\tb ") == "a\\n\\tb"
    assert one_line("0123456789" * 3, 10) == "012345…789"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (9.99, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (187, "3 min 07 s"),
        (3900, "1 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
