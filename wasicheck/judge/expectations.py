"""`expectations.toml`: the known failures of a host, each with its reason, and what they make of a result.

An entry

    [[expect]]
    id = "cli-stdout-broken-*"        # an id, or a glob over ids
    verdict = ["fail", "timeout"]     # one or several; any of fail, timeout, crash, unsupported if left out
    reason = "why the specification is on the vector's side"
    link = "https://…"                # upstream report; optional
    versions = ">=46,<49"             # of the host, as in PEP 440; optional
    flags = ["lift=callback"]         # only where the guest was built with all of them; optional
    steps = [3]                       # only where no other step went wrong; counted from 1; optional

excuses a result whose verdict it lists. It never excuses `error` (ours, not the host's) and says nothing about `skip`.
Where several entries fit a result, an exact id goes before a glob, and an earlier entry before a later one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase, translate
from functools import cached_property

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from wasicheck.errors import InputError
from wasicheck.judge.model import Result, StepResult, Verdict

DEFAULT_VERDICTS = (Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH, Verdict.UNSUPPORTED)
"""What an entry without `verdict` expects: any red verdict that is the host's."""
LISTABLE = (*DEFAULT_VERDICTS, Verdict.NON_STRICT)
"""The verdicts that an entry may list."""

_KEYS = ("id", "verdict", "reason", "link", "versions", "flags", "steps")
_FLAG = re.compile(r"[a-z][a-z0-9-]*=[^\s=]+")


class ExpectationsError(InputError):
    """An expectations file that cannot be used: where, what was expected, and the likely fix."""

    def __init__(self, file: str, line: int, message: str, hint: str) -> None:
        super().__init__(file, line, message, hint)
        self.file = file
        self.line = line
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}\n  hint: {self.hint}"


@dataclass(frozen=True)
class Problem:
    """An entry that is well formed and yet wrong: it names no vector."""

    file: str
    line: int
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}\n  hint: {self.hint}"


@dataclass(frozen=True)
class Entry:
    """One known failure; `line` is 1-based, that of its `[[expect]]`."""

    id: str
    verdicts: tuple[Verdict, ...]
    reason: str
    line: int
    link: str | None = None
    versions: SpecifierSet | None = None
    flags: tuple[str, ...] = ()
    steps: tuple[int, ...] = ()

    @property
    def is_glob(self) -> bool:
        """Whether `id` is a pattern rather than an id."""
        return any(character in self.id for character in "*?[")

    def concerns(self, result: Result, version: Version | None) -> bool:
        """Whether an entry that names this vector is about it, built with these flags, on this version of the host."""
        return set(self.flags) <= set(result.flags) and (
            self.versions is None or (version is not None and self.versions.contains(version, prereleases=True))
        )


@dataclass(frozen=True)
class Expectations:
    """The entries of one file, in its order."""

    file: str
    entries: tuple[Entry, ...]

    @cached_property
    def _exact(self) -> Mapping[str, Sequence[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if not entry.is_glob:
                found.setdefault(entry.id, []).append(entry)
        return found

    @cached_property
    def _globs(self) -> Sequence[Entry]:
        return tuple(entry for entry in self.entries if entry.is_glob)

    def naming(self, id: str) -> tuple[Entry, ...]:
        """The entries about the vector with that id, whatever version or flags: those with the id itself first."""
        return (*self._exact.get(id, ()), *(entry for entry in self._globs if fnmatchcase(id, entry.id)))

    def entry_for(self, result: Result, host_version: str | None) -> Entry | None:
        """Return the entry that is about this result, if there is one.

        Entries limited to `versions` are about no host whose version is unknown or not of the form of PEP 440.
        """
        version = _version(host_version)
        return next((entry for entry in self.naming(result.id) if entry.concerns(result, version)), None)


NO_EXPECTATIONS = Expectations("", ())
"""For a host without an expectations file."""


def apply(expectations: Expectations, result: Result, host_version: str | None) -> Result:
    """Return the result with `expected_failure`, `expected_link` and `unexpected` as the expectations have them."""
    entry = expectations.entry_for(result, host_version)
    if entry is None or result.verdict in (Verdict.ERROR, Verdict.SKIP):
        return result
    where = f"{expectations.file}:{entry.line}"
    if result.verdict in entry.verdicts:
        others = _other_steps(entry, result.steps)
        if others is None:
            return replace(result, expected_failure=entry.reason, expected_link=entry.link)
        listed = f"step {_either(map(str, entry.steps))}"
        what = f"listed as a known failure of {listed} ({where}: {entry.reason}), but {others}: correct the entry"
    elif result.verdict in (Verdict.PASS, Verdict.INFO):
        action = "narrow the entry" if entry.is_glob else "remove the entry"
        what = f"listed as a known failure ({where}: {entry.reason}), but it passes: {action}"
    else:
        listed = _either(entry.verdicts)
        what = f"listed as known {listed} ({where}: {entry.reason}), but it is {result.verdict}: correct the entry"
    return replace(result, unexpected=what)


def unmatched(expectations: Expectations, all_ids: Collection[str]) -> tuple[Problem, ...]:
    """Return a problem for each entry that names none of the suite's vectors.

    `all_ids` are the ids of all vectors, whether selected or not: an entry outside a selection is no problem.
    """
    problems = []
    known = frozenset(all_ids)
    for entry in expectations.entries:
        if any(map(re.compile(translate(entry.id)).match, known)) if entry.is_glob else entry.id in known:
            continue
        kind = "the glob matches" if entry.is_glob else "the id names"
        near = get_close_matches(entry.id, all_ids, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "remove the entry; `wasicheck list` shows all ids"
        problems.append(Problem(expectations.file, entry.line, f"{kind} no vector: {entry.id!r}", hint))
    return tuple(problems)


def parse_expectations(text: str, file: str) -> Expectations:
    """Parse the text of an expectations file; raise ExpectationsError at the first thing that is wrong."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Beside TOMLDecodeError, which is a ValueError: endless digits and endless nesting.
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ExpectationsError(file, line, f"not TOML: {error}", "strings are quoted, lists in [ ]") from None
    lines = _key_lines(text)
    for key in document:
        if key != "expect":
            raise ExpectationsError(
                file,
                lines[0].get(key, 1),
                f"unknown key {key!r}; expected [[expect]] tables only",
                _nearest(key, ["expect"]),
            )
    tables = document.get("expect", [])
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        line = lines[0].get("expect", 1)
        raise ExpectationsError(file, line, "`expect` is not a list of tables", "write [[expect]], in double brackets")
    entries: list[Entry] = []
    for index, table in enumerate(tables, start=1):
        # Written as `expect = [{…}]` the entries have no header lines of their own.
        at = lines[index] if index < len(lines) else {}
        entry = _Reader(file, at, at.get("", lines[0].get("expect", 1)), table).entry()
        for earlier in entries:
            if earlier.id == entry.id and _overlap(earlier, entry):
                raise ExpectationsError(
                    file,
                    entry.line,
                    f"{entry.id!r} is listed already, in line {earlier.line}, for some of the same versions and flags",
                    "join the two entries, or give them `versions` or `flags` that exclude each other",
                )
        entries.append(entry)
    return Expectations(file, tuple(entries))


@dataclass(frozen=True)
class _Reader:
    """One `[[expect]]` table and the lines of its keys."""

    file: str
    lines: Mapping[str, int]
    line: int
    table: Mapping[str, object]

    def entry(self) -> Entry:
        for key in self.table:
            if key not in _KEYS:
                raise self.error(key, f"unknown key {key!r}", _nearest(key, _KEYS))
        return Entry(
            id=self.text("id", "an entry names the vector it is about"),
            verdicts=self.verdicts(),
            reason=self.text("reason", "say in one sentence why the specification is on the vector's side"),
            line=self.line,
            link=self.link(),
            versions=self.versions(),
            flags=self.flags(),
            steps=self.steps(),
        )

    def error(self, key: str, message: str, hint: str) -> ExpectationsError:
        return ExpectationsError(self.file, self.lines.get(key, self.line), message, hint)

    def text(self, key: str, hint: str) -> str:
        if key not in self.table:
            raise self.error(key, f"`{key}` is missing", hint)
        value = self.table[key]
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"`{key}` is not a text: {value!r}", hint)
        return value.strip()

    def items(self, key: str, form: str) -> list[object]:
        value = self.table[key]
        if not isinstance(value, list) or not value:
            raise self.error(key, f"`{key}` is not a list: {value!r}", f"write it as {form}")
        return value

    def verdicts(self) -> tuple[Verdict, ...]:
        if "verdict" not in self.table:
            return DEFAULT_VERDICTS
        value = self.table["verdict"]
        verdicts = []
        for item in [value] if isinstance(value, str) else self.items("verdict", 'verdict = ["fail", "timeout"]'):
            if item == "error":
                hint = "`error` is the harness's failure, never the host's: it cannot be expected"
                raise self.error("verdict", "verdict 'error' cannot be listed", hint)
            if item not in LISTABLE:
                message = f"verdict {item!r} cannot be listed; expected {_either(LISTABLE)}"
                raise self.error("verdict", message, _nearest(str(item), LISTABLE))
            verdicts.append(Verdict(str(item)))
        return tuple(dict.fromkeys(verdicts))

    def link(self) -> str | None:
        if "link" not in self.table:
            return None
        link = self.text("link", 'write it as link = "https://…"')
        if not re.fullmatch(r"https?://\S+", link):
            raise self.error("link", f"`link` is not a URL: {link!r}", 'write it as link = "https://…"')
        return link

    def versions(self) -> SpecifierSet | None:
        if "versions" not in self.table:
            return None
        text = self.text("versions", 'write it as versions = ">=46,<49"')
        try:
            specifiers = SpecifierSet(text)
        except InvalidSpecifier:
            message = f"`versions` is not a set of version specifiers: {text!r}"
            raise self.error("versions", message, 'write it as versions = ">=46,<49"') from None
        if any(specifier.operator == "===" for specifier in specifiers):
            raise self.error("versions", f"`versions` compares texts, not versions: {text!r}", "use == instead of ===")
        return specifiers

    def flags(self) -> tuple[str, ...]:
        if "flags" not in self.table:
            return ()
        flags = []
        for item in self.items("flags", 'flags = ["lift=callback"]'):
            if not isinstance(item, str) or not _FLAG.fullmatch(item):
                message = f"{item!r} is not a flag of the form name=value"
                raise self.error("flags", message, 'write it as flags = ["lift=callback"]')
            flags.append(item)
        return tuple(flags)

    def steps(self) -> tuple[int, ...]:
        if "steps" not in self.table:
            return ()
        steps = []
        for item in self.items("steps", "steps = [3]"):
            if not isinstance(item, int) or isinstance(item, bool) or item < 1:
                raise self.error("steps", f"{item!r} is not the number of a step", "write it as steps = [3]")
            steps.append(item)
        return tuple(steps)


_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r"|^[ \t]*(?P<header>\[\[[ \t]*expect[ \t]*\]\])"
    r"|^[ \t]*\[?[ \t]*(?P<key>[A-Za-z0-9_-]+)[ \t]*[=.\]]"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*",
    re.DOTALL | re.MULTILINE,
)
"""The tokens that decide whether a line begins an entry, gives a key, or only looks like it; tomllib tells no lines."""


def _key_lines(text: str) -> list[dict[str, int]]:
    """Return the 1-based lines of keys: those before the first `[[expect]]`, then one dict per entry.

    The header's own line is under the empty key.
    """
    lines: list[dict[str, int]] = [{}]
    for token in _TOKEN.finditer(text):
        if token["header"]:
            lines.append({"": text.count("\n", 0, token.start("header")) + 1})
        elif token["key"]:
            lines[-1].setdefault(token["key"], text.count("\n", 0, token.start("key")) + 1)
    return lines


def _overlap(a: Entry, b: Entry) -> bool:
    """Whether some version and flags are covered by both entries."""
    chosen = dict(flag.split("=", 1) for flag in a.flags)
    if any(chosen.get(name, value) != value for name, value in (flag.split("=", 1) for flag in b.flags)):
        return False
    if a.versions is None or b.versions is None:
        return True
    both = a.versions & b.versions
    return any(both.contains(version, prereleases=True) for version in _samples(both))


def _samples(specifiers: SpecifierSet) -> Iterator[Version]:
    """Yield versions such that one of them is in the set unless it is empty.

    A set's borders are the versions it mentions, and for `==1.2.*` and `~=1.2` those with a component raised by one;
    so a sample at each border, one just above each, and one below all are enough.
    """
    yield Version("0")
    for specifier in specifiers:
        release = Version(specifier.version.removesuffix(".*")).release
        borders = [release, *((*release[:n], release[n] + 1) for n in range(len(release)))]
        yield Version(specifier.version.removesuffix(".*"))
        for border in borders:
            text = ".".join(map(str, border))
            yield Version(text)
            yield Version(f"{text}{'.0' * 6}.1")


def _version(text: str | None) -> Version | None:
    try:
        return None if text is None else Version(text)
    except InvalidVersion:
        return None


def _other_steps(entry: Entry, steps: tuple[StepResult, ...]) -> str | None:
    """Say what else went wrong than the steps that the entry is limited to; None if nothing did."""
    if not entry.steps:
        return None
    # Results count steps from 0, people from 1.
    wrong = [step.index + 1 for step in steps if step.verdict in (*DEFAULT_VERDICTS, *entry.verdicts)]
    others = [index for index in wrong if index not in entry.steps]
    if others:
        return f"step {' and '.join(map(str, others))} went wrong"
    return None if wrong else "no step went wrong"


def _either(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _nearest(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"expected {_either(known)}"
