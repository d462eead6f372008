"""How results are put into words: the one line and the few lines that every report form shows of a result."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from wasicheck.judge.model import SEVERITY, Result, StepResult, Verdict

_UNSEEN = re.compile(
    # What XML 1.0 forbids or discourages, and what a terminal acts on instead of showing: controls, direction marks,
    # surrogates and noncharacters.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff"
    + "".join(chr(plane << 16 | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_VALUE_LIMIT = 72
_LINE_LIMIT = 400


def visible(text: str) -> str:
    r"""Return the text with every character that would not show as an escape (`\x1b`); tabs and newlines stay."""
    return _UNSEEN.sub(_escape, text)


def one_line(text: str, limit: int = _LINE_LIMIT) -> str:
    """Return the text visible, on one line, and cut in the middle to `limit` characters."""
    text = visible(text.strip()).replace("\n", "\\n").replace("\t", "\\t")
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def label(result: Result) -> str:
    """The id, with the guest's flags where it has some: `cli-stdout-broken [lift=callback]`."""
    return f"{result.id} [{', '.join(result.flags)}]" if result.flags else result.id


def headline(result: Result) -> str:
    """Why the result is what it is, in one line: `step 4 (vectors/cli/stdout.yaml:31): expected …, observed …`."""
    if result.unexpected is not None:
        return one_line(result.unexpected)
    step = worst_step(result)
    if step is not None:
        return f"{_numbered(step)} ({one_line(step.place)}): {_finding(step)}"
    # What stands behind the first paragraph of a reason is for those who want all of it.
    reason = result.reason.partition("\n\n")[0]
    return f"{one_line(reason or result.verdict)} ({one_line(result.place)})"


def cause(result: Result) -> str:
    """What results of several vectors may have in common: the headline, without the vector's place where it can be."""
    if result.unexpected is None and worst_step(result) is None:
        return one_line(result.reason or result.verdict)
    return headline(result)


def worst_step(result: Result) -> StepResult | None:
    """The first step with the result's own verdict; None where the verdict is not a step's, or is `pass`."""
    if result.verdict in (Verdict.PASS, Verdict.SKIP):
        return None
    return next((step for step in result.steps if step.verdict is result.verdict), None)


def repro_command(result: Result) -> str:
    """The command line that repeats the result and writes down how: the result's own, else one made of its label."""
    return result.command or repro_words(result, result.host)


def repro_words(result: Result, host: str, vectors: str | None = None) -> str:
    """The command line that repeats the result on the host that `--host` finds, with vectors of the user's own."""
    words = ["wasicheck", "repro", result.id, "--host", host]
    if vectors is not None:
        words += ["--vectors", vectors]
    for flag in result.flags:
        # The defaults need no saying.
        match flag.partition("="):
            case ("lift", _, lift) if lift != "sync":
                words += ["--abi", lift]
            case ("lower", _, lowering) if lowering != "async":
                words += ["--lower", lowering]
    return shlex.join(words)


def details(result: Result, provenance: Mapping[str, str]) -> str:
    """All that is known of a result but the host's output, in lines; `provenance` is by requirement."""
    lines = [visible(result.title)]
    if result.unexpected is not None:
        lines.append(visible(result.unexpected))
    worst = worst_step(result)
    if result.reason and not (worst is not None and worst.place in result.reason):
        # A reason with the step's place says what follows in more lines.
        lines.append(visible(result.reason))
    for step in sorted(result.steps, key=lambda step: step.index):
        lines += _step_lines(step, observed_only=result.verdict is Verdict.INFO)
    for requirement in result.requirements:
        source = f", {provenance[requirement]}" if requirement in provenance else ""
        lines.append(f"requirement: {visible(requirement)} ({result.level}{source})")
    facts = {"vector": result.place, "exit": result.exit, "repeat": repro_command(result)}
    lines += [f"{name}: {visible(fact)}" for name, fact in facts.items() if fact]
    if result.expected_link is not None:
        lines.append(f"link: {visible(result.expected_link)}")
    return "\n".join(lines)


def severity(result: Result) -> int:
    """Rank of the verdict, worst first."""
    return SEVERITY.index(result.verdict)


def duration(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `3 min 07 s`, `1 h 05 min`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def plural(count: int, noun: str) -> str:
    """`1 vector`, `1,024 vectors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _numbered(step: StepResult) -> str:
    """People count steps from 1."""
    return f"step {step.index + 1}"


def _finding(step: StepResult) -> str:
    finding = f"expected {one_line(step.expected, _VALUE_LIMIT)}, observed {one_line(step.observed, _VALUE_LIMIT)}"
    if step.message and step.message != step.observed:
        finding += f" ({one_line(step.message, 2 * _VALUE_LIMIT)})"
    return finding


def _step_lines(step: StepResult, observed_only: bool) -> list[str]:
    """What a step came to; nothing of one that passed, unless what was observed is all the result has to tell."""
    heading = f"{_numbered(step)} ({visible(step.place)}): {visible(step.text)}"
    match step.verdict:
        case Verdict.PASS if not observed_only:
            return []
        case Verdict.SKIP:
            return [f"{heading}: {visible(step.observed)}"]
        case _:
            message = f": {visible(step.message)}" if step.message else ""
            return [
                heading,
                f"    {step.verdict} ({step.level}){message}",
                f"    expected {visible(step.expected)}",
                f"    observed {visible(step.observed)}",
            ]


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\r":
        return "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
