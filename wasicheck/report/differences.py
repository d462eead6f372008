"""Two runs compared: what fails newly, what passes newly, what answers otherwise, what only one of them has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wasicheck.judge.changes import Change, broken_step, compare, failing
from wasicheck.judge.model import Result, Verdict
from wasicheck.report.results import HostInfo, Results, ResultsError
from wasicheck.report.text import headline, label, one_line, plural

_TITLES: dict[Change, str] = {
    Change.NEWLY_FAILING: "Newly failing",
    Change.WORSE: "Failing worse",
    Change.NEWLY_PASSING: "Newly passing",
    Change.NOT_RUN: "No longer run",
    Change.CHANGED: "Changed answers",
}
"""What is shown of changes, in this order."""
_ONLY_LIMIT = 20


@dataclass(frozen=True)
class Difference:
    """A vector with results in both runs."""

    change: Change
    before: Result
    after: Result


@dataclass(frozen=True)
class HostDifference:
    """A host (or two versions of it, or two hosts) in both runs: `same` counts what did not change."""

    before: str
    after: str
    changes: tuple[Difference, ...]
    same: int
    only_before: tuple[Result, ...]
    only_after: tuple[Result, ...]

    def of(self, change: Change) -> tuple[Difference, ...]:
        """The differences of one kind."""
        return tuple(d for d in self.changes if d.change is change)

    @property
    def worse(self) -> int:
        """How many results are what a gate must not let through: worse than before, or failing without a before."""
        new = sum(failing(result.verdict) for result in self.only_after)
        return len(self.of(Change.NEWLY_FAILING)) + len(self.of(Change.WORSE)) + new

    @property
    def errors(self) -> int:
        """How many results are errors of the harness that were none before."""
        return sum(
            result.verdict is Verdict.ERROR
            for result in (*(d.after for d in self.of(Change.NOT_RUN)), *self.only_after)
        )


@dataclass(frozen=True)
class Differences:
    """Everything that differs between two runs; `unmatched` are the labels of hosts that only one of them has."""

    hosts: tuple[HostDifference, ...]
    unmatched: tuple[str, ...]

    @property
    def worse(self) -> int:
        """As `HostDifference.worse`, over all hosts."""
        return sum(host.worse for host in self.hosts)

    @property
    def errors(self) -> int:
        """As `HostDifference.errors`, over all hosts."""
        return sum(host.errors for host in self.hosts)


def counterpart(host: HostInfo, among: Sequence[HostInfo], *, alone: bool) -> HostInfo | None:
    """The host of another run to compare with: the same label, else the only one of its name, else the only one.

    `alone`: the host is the only one of its own run.
    """
    for candidates in ([h for h in among if h.label == host.label], [h for h in among if h.name == host.name]):
        if len(candidates) == 1:
            return candidates[0]
    return among[0] if alone and len(among) == 1 else None


def differences(before: Results, after: Results, names: tuple[str, str]) -> Differences:
    """Compare two runs; `names` is what errors call them.

    Raises ResultsError where nothing can be compared: no host of the one has a counterpart in the other, or no vector
    of any has.
    """
    hosts: list[HostDifference] = []
    unmatched: list[str] = []
    matched: set[str] = set()
    for info in after.header.hosts:
        other = counterpart(info, before.header.hosts, alone=len(after.header.hosts) == 1)
        if other is None or other.label in matched:
            unmatched.append(info.label)
            continue
        matched.add(other.label)
        hosts.append(_host(other.label, before, info.label, after))
    unmatched += [h.label for h in before.header.hosts if h.label not in matched]
    if not hosts:
        what = f"no host to compare: {_hosts(after)} here, {_hosts(before)} in {names[0]}"
        raise ResultsError(names[1], 1, what, "compare runs of one host, or runs whose hosts have the same names")
    if not any(host.changes or host.same for host in hosts):
        what = f"nothing to compare: no vector has results with the same flags here and in {names[0]}"
        raise ResultsError(names[1], 0, what, "compare runs with the same --abi and --lower of the same vectors")
    return Differences(tuple(hosts), tuple(unmatched))


def _host(before: str, earlier: Results, after: str, later: Results) -> HostDifference:
    old = {(r.id, r.flags): r for r in earlier.results if r.host == before}
    new = {(r.id, r.flags): r for r in later.results if r.host == after}
    both = [Difference(compare(old[key], new[key]), old[key], new[key]) for key in sorted(old.keys() & new.keys())]
    changes = tuple(d for d in both if d.change is not Change.SAME)
    return HostDifference(
        before,
        after,
        changes,
        len(both) - len(changes),
        tuple(old[key] for key in sorted(old.keys() - new.keys())),
        tuple(new[key] for key in sorted(new.keys() - old.keys())),
    )


def _hosts(results: Results) -> str:
    return ", ".join(host.label for host in results.header.hosts) or "none"


def difference_text(found: Differences) -> str:
    """The differences for a terminal or a log."""
    lines: list[str] = []
    for host in found.hosts:
        lines += [_heading(host), ""]
        for title, entries in _sections(host):
            lines.append(f"{title} ({len(entries):,})")
            for name, was, how in entries:
                lines += [f"  {name}", *(f"    {line}" for line in (was, how) if line)]
            lines.append("")
        for title, only in _only(host):
            lines.append(f"{title} ({len(only):,})")
            lines += [f"  {label(result)}: {result.verdict}" for result in _shown(only)]
            lines += [f"  and {len(only) - _ONLY_LIMIT:,} more"] if len(only) > _ONLY_LIMIT else []
            lines.append("")
        lines += [_closing(host), ""]
    lines += [f"{label} is in one of the runs only." for label in found.unmatched]
    return "\n".join(lines).rstrip() + "\n"


def difference_markdown(found: Differences) -> str:
    """The differences as GitHub-flavoured Markdown."""
    lines: list[str] = []
    for host in found.hosts:
        mark = "❌" if host.worse or host.errors else "✅"
        lines += [f"## {mark} {_code(host.before)} → {_code(host.after)}", "", _closing(host), ""]
        for title, entries in _sections(host):
            lines += [f"<details><summary>{title} ({len(entries):,})</summary>", ""]
            for name, was, how in entries:
                lines += [f"- {_code(name)}: {_code(was)}", *([f"  {_code(how)}"] if how else [])]
            lines += ["", "</details>", ""]
        for title, only in _only(host):
            names = ", ".join(f"{_code(label(result))} ({result.verdict})" for result in _shown(only))
            more = f" and {len(only) - _ONLY_LIMIT:,} more" if len(only) > _ONLY_LIMIT else ""
            lines += [f"{title} ({len(only):,}): {names}{more}", ""]
    lines += [f"{_code(label)} is in one of the runs only.\n" for label in found.unmatched]
    return "\n".join(lines)


def difference_json(found: Differences) -> dict[str, object]:
    """The differences as data: for each host the ids by kind of change, with the verdict before and after."""
    return {
        "worse": found.worse,
        "errors": found.errors,
        "hosts": [
            {
                "before": host.before,
                "after": host.after,
                "same": host.same,
                "changes": {
                    change.value: [
                        {
                            "id": d.after.id,
                            "flags": list(d.after.flags),
                            "before": d.before.verdict.value,
                            "after": d.after.verdict.value,
                            "why": _why(d),
                        }
                        for d in host.of(change)
                    ]
                    for change in _TITLES
                },
                "only-before": [_only_json(result) for result in host.only_before],
                "only-after": [_only_json(result) for result in host.only_after],
            }
            for host in found.hosts
        ],
        "unmatched": list(found.unmatched),
    }


def _only_json(result: Result) -> dict[str, object]:
    return {"id": result.id, "flags": list(result.flags), "verdict": result.verdict.value}


def _heading(host: HostDifference) -> str:
    return f"{host.before} → {host.after}"


def _sections(host: HostDifference) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Title and (vector, verdicts, reason) of every kind of change that there is."""
    sections = []
    for change, title in _TITLES.items():
        entries = [(label(d.after), _verdicts(d), _why(d)) for d in host.of(change)]
        if entries:
            sections.append((title, entries))
    return sections


def _only(host: HostDifference) -> list[tuple[str, tuple[Result, ...]]]:
    parts = [("Only in the first run", host.only_before), ("Only in the second run", host.only_after)]
    return [(title, results) for title, results in parts if results]


def _shown(results: tuple[Result, ...]) -> list[Result]:
    """What is failing comes first, and is never cut off."""
    first = [result for result in results if failing(result.verdict)]
    rest = [result for result in results if not failing(result.verdict)]
    return first + rest[: max(0, _ONLY_LIMIT - len(first))]


def _verdicts(d: Difference) -> str:
    return d.after.verdict.value if d.before.verdict is d.after.verdict else f"{d.before.verdict} → {d.after.verdict}"


def _why(d: Difference) -> str:
    """What the later run has to say of the change; of a newly passing vector, what was wrong."""
    if d.change is Change.NEWLY_PASSING:
        return f"before: {headline(d.before)}"
    if d.change is Change.WORSE and (step := broken_step(d.before, d.after)) is not None:
        return (
            f"step {step.index + 1} was right: expected {one_line(step.expected)}, observed {one_line(step.observed)}"
        )
    if d.after.verdict is Verdict.PASS:
        return ""
    if d.before.verdict is d.after.verdict:
        return f"before: {headline(d.before)}; now: {headline(d.after)}"
    return headline(d.after)


def _closing(host: HostDifference) -> str:
    new = sum(failing(result.verdict) for result in host.only_after)
    parts = [f"{len(host.of(change)):,} {title.lower()}" for change, title in _TITLES.items() if host.of(change)]
    parts += [f"{new:,} failing without a result before"] if new else []
    parts += [f"{plural(host.errors, 'error')} of the harness"] if host.errors else []
    return ", ".join((*parts, f"{host.same:,} the same"))


def _code(text: str) -> str:
    """Inline code, fenced by more backticks than any run in the text has."""
    text = one_line(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text}{pad}{fence}"
