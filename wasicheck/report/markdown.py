"""The Markdown summary, for a step summary of GitHub Actions, a merge request or an issue."""

from __future__ import annotations

import re

from wasicheck.report.digest import Digest, RedGroup, digest
from wasicheck.report.results import Results
from wasicheck.report.summary import closing, is_green, number, title, warnings
from wasicheck.report.text import details, headline, one_line, visible

LIMIT = 50
"""How many red entries are shown unless told otherwise."""
_OUTPUT_LIMIT = 2_000
"""Characters of the host's output per entry: a step summary has to stay below 1 MiB."""


def markdown_summary(results: Results, *, limit: int = LIMIT) -> str:
    """Return the summary as GitHub-flavoured Markdown, at most `limit` red entries in full."""
    boiled = digest(results)
    version, what = title(results)
    mark = "✅" if is_green(results, boiled) else "❌"
    lines = [f"## {mark} wasicheck {literal(version)}: {literal(closing(results, boiled))}", "", literal(what), ""]
    for warning in warnings(results):
        lines += [f"> **Warning:** {literal(warning)}", ""]
    lines += [*_table(boiled), ""]
    if boiled.red:
        lines += ["### Red", ""]
        for group in boiled.red[:limit]:
            lines += [*_red(group), ""]
    if boiled.red[limit:]:
        hidden = sum(len(group.results) for group in boiled.red[limit:])
        lines += [f"… and {hidden:,} more.", ""]
    if boiled.skips:
        lines += ["### Skipped", "", "| count | reason |", "| ---: | --- |"]
        lines += [f"| {count:,} | {literal(one_line(reason))} |" for reason, count in boiled.skips]
        lines.append("")
    return "\n".join(lines)


def literal(text: str) -> str:
    r"""Return the text with what Markdown would act upon taken literally; also inside a table's cell."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", _html(visible(text)))


def _table(boiled: Digest) -> list[str]:
    lines = ["| host | " + " | ".join((*boiled.columns, "total", "red")) + " |"]
    lines.append("| --- |" + " ---: |" * (len(boiled.columns) + 2))
    for host in boiled.hosts:
        counts = [number(host.counts[column]) for column in boiled.columns]
        red = f"**{host.red:,}**" if host.red else "0"
        lines.append(f"| {literal(host.host)} | " + " | ".join((*counts, f"{host.total:,}", red)) + " |")
    return lines


def _red(group: RedGroup) -> list[str]:
    first = group.first
    heading = (
        f"<b>{group.column}</b> <code>{_html(group.labels)}</code> on {_html(first.host)}<br>{_html(headline(first))}"
    )
    body = [details(first, {})]
    for name, text in (("stdout", first.stdout), ("stderr", first.stderr)):
        if text:
            body.append(f"{name}:\n{_cut(visible(text))}")
    return [
        f"<details><summary>{heading}</summary>",
        "",
        *_fenced("\n".join(body)),
        "",
        "</details>",
    ]


def _fenced(text: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", text, fence]


def _cut(text: str) -> str:
    return text if len(text) <= _OUTPUT_LIMIT else f"{text[:_OUTPUT_LIMIT]}\n… ({len(text):,} characters)"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
