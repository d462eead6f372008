"""A `Runner`: what a runner.toml says about a host, checked. docs/runner.md describes every key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wasicheck.host.errors import suggest
from wasicheck.host.schema import Table, read_toml
from wasicheck.host.template import Template
from wasicheck.host.version import Version, parse_version
from wasicheck.vectors.model import Lift, World

WORLDS = tuple(world.value for world in World)

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_SECOND = 1_000_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIRED = {
    "name": 'name = "my-host"',
    "worlds": 'worlds = ["wasi:cli/command"]',
    "find": '[find] with path = "my-host"',
    "version": "[version] with argv and pattern",
    "run": '[run] with argv = ["{binary}", "{options}", "{component}", "{args}"]',
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "env": ("name", "value"),
    "directory": ("host", "guest"),
    "cwd": ("cwd",),
    "network": (),
}


@dataclass(frozen=True)
class Release:
    """A release that the project knows: what the program calls itself, the package's version, checksums by platform."""

    version: str
    package: str
    sha256: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Package:
    """Where a release of the program can be fetched from; `releases` are those whose checksums are pinned."""

    name: str
    member: str
    default: str
    releases: tuple[Release, ...]


@dataclass(frozen=True)
class VersionQuery:
    """How to ask for a version: `pattern`'s first group in what `argv` prints."""

    argv: Template
    pattern: re.Pattern[str]
    minimum: Version | None


@dataclass(frozen=True)
class Find:
    """Where the program is looked for, in this order.

    `version` asks the program's own version; None where nothing can be said before `[install]` has run.
    """

    environment: str | None
    path: str | None
    package: Package | None
    version: VersionQuery | None


@dataclass(frozen=True)
class Install:
    """How `{install}` is filled; `deadline` in nanoseconds, `inputs` relative to the runner's folder."""

    argv: Template
    inputs: tuple[str, ...]
    default: str | None
    deadline: int


@dataclass(frozen=True)
class Option:
    """Flags that grant something, in versions from `minimum` on."""

    argv: Template
    minimum: Version | None


@dataclass(frozen=True)
class Trust:
    """How the host is told to trust an authority: flags, and variables of its process; `{authority}` is a PEM file."""

    argv: Template
    environment: tuple[tuple[str, Template], ...]
    minimum: Version | None


@dataclass(frozen=True)
class Prepare:
    """The warm helper of hosts that translate a component first; `deadline` of one answer in nanoseconds."""

    argv: Template
    deadline: int


@dataclass(frozen=True)
class Command:
    """How one guest is run."""

    argv: Template
    environment: tuple[tuple[str, str], ...]
    inherit: tuple[str, ...]
    nonce_in_argument: bool
    """Whether the command puts the nonce into the component (`run.nonce = "argument"`), and not the harness."""
    panic: re.Pattern[str] | None
    """What a line on stderr looks like when the host failed by itself, and not by the guest's doing."""


@dataclass(frozen=True)
class Serve:
    """How one guest is served: `ready`'s first group in what comes out of stderr is the address, `127.0.0.1:4000`.

    `fresh` are the flags by which every request gets an instance of its own.
    """

    argv: Template
    ready: re.Pattern[str]
    fresh: Template


@dataclass(frozen=True)
class Runner:
    """A host as its runner.toml describes it; `startup` in nanoseconds is added to every deadline."""

    file: Path
    name: str
    worlds: tuple[str, ...]
    find: Find
    version: VersionQuery
    install: Install | None
    run: Command
    serve: Serve | None
    prepare: Prepare | None
    env: Option | None
    directory: Option | None
    cwd: Option | None
    network: Option | None
    trust: Trust | None
    lifts: tuple[tuple[Lift, Option], ...]
    features: tuple[tuple[str, Option], ...]
    startup: int

    @property
    def folder(self) -> Path:
        """The folder of the runner.toml, where glue lies."""
        return self.file.parent


def read_runner(path: Path) -> Runner:
    """Return the runner that a runner.toml describes; raise RunnerError for anything it does not say rightly."""
    top = read_toml(path)
    top.only({*_REQUIRED, "install", "prepare", "serve", "options", "trust", "lift", "feature", "limits"})
    for key, example in _REQUIRED.items():
        top.require(key, example)
    name = top.string("name")
    if not _NAME.fullmatch(name):
        raise top.error("name", f'expected lower-case letters, digits, "-", "_" and ".", found "{name}"')
    base = ("folder", "install") if "install" in top else ("folder",)
    version = _version_query(top.table("version"), ("binary", *base))
    prepare = _prepare(top.table("prepare"), ("binary", *base)) if "prepare" in top else None
    options = {key: _granting(top, key, base) for key in _OPTIONS}
    lifts = _lifts(top, base)
    features = _features(top, base)
    run = _command(top.table("run"), base, prepared=prepare is not None)
    serve = _serve(top.table("serve"), base, run, prepared=prepare is not None) if "serve" in top else None
    trust = _trust(top.table("trust"), base) if "trust" in top else None
    flags = [*options.values(), *(option for _, option in lifts), *(option for _, option in features), trust]
    if "options" not in run.argv.placeholders and any(option is not None and option.argv.items for option in flags):
        problem = '"{options}" is missing: [options], [trust], [lift] and [feature] have no place'
        raise top.table("run").error("argv", problem)
    return Runner(
        file=path.absolute(),
        name=name,
        worlds=_worlds(top, serves=serve is not None),
        find=_find(top.table("find"), path.parent, version, installs="install" in top),
        version=version,
        install=_install(top.table("install"), path.parent) if "install" in top else None,
        run=run,
        serve=serve,
        prepare=prepare,
        env=options["env"],
        directory=options["directory"],
        cwd=options["cwd"],
        network=options["network"],
        trust=trust,
        lifts=lifts,
        features=features,
        startup=_startup(top),
    )


def _worlds(top: Table, *, serves: bool) -> tuple[str, ...]:
    worlds = top.strings("worlds")
    for world in worlds:
        if world not in WORLDS:
            raise top.error("worlds", f'"{world}" is no world that can be run{suggest(world, WORLDS)}')
    if not worlds:
        raise top.error("worlds", f'names no world; write worlds = ["{WORLDS[0]}"]')
    if World.SERVICE.value in worlds and not serves:
        raise top.error("worlds", f'"{World.SERVICE.value}" needs a [serve], with argv and ready')
    return worlds


def _find(table: Table, folder: Path, host: VersionQuery, *, installs: bool) -> Find:
    table.only({"environment", "path", "package", "version"})
    if not any(key in table for key in ("environment", "path", "package")):
        raise table.error("", 'needs at least one of environment, path and package; add path = "my-host"')
    own = _version_query(table.table("version"), ("binary", "folder")) if "version" in table else None
    return Find(
        environment=table.optional_string("environment"),
        path=table.optional_string("path"),
        package=_package(table.table("package"), folder) if "package" in table else None,
        version=own if own is not None or installs else host,
    )


def _package(table: Table, folder: Path) -> Package:
    table.only({"index", "name", "member", "default", "releases"})
    for key, example in (("index", 'index = "pypi"'), ("name", 'name = "my-host-bin"'), ("default", 'default = "1.2"')):
        table.require(key, example)
    table.require("member", 'member = "my_host/my-host"')
    if (index := table.string("index")) != "pypi":
        raise table.error("index", f'expected "pypi", the only index known, found "{index}"')
    _version(table, "default")
    releases = table.optional_string("releases")
    return Package(
        name=table.string("name"),
        member=table.string("member"),
        default=table.string("default"),
        releases=_releases(folder / releases) if releases else (),
    )


def _releases(path: Path) -> tuple[Release, ...]:
    top = read_toml(path)
    top.only({"release"})
    releases = []
    for table in top.tables("release"):
        table.only({"version", "package", "sha256"})
        table.require("version", 'version = "1.2.3"')
        version = table.string("version")
        _version(table, "version")
        checksums = table.string_map("sha256")
        for platform, checksum in checksums:
            if not _SHA256.fullmatch(checksum):
                raise table.error("sha256", f"expected 64 hexadecimal digits for {platform} of release {version}")
        releases.append(Release(version, table.optional_string("package") or version, checksums))
    return tuple(releases)


def _version(table: Table, key: str) -> Version | None:
    text = table.optional_string(key)
    if text is None:
        return None
    version = parse_version(text)
    if version is None:
        raise table.error(key, f'expected a version such as "1.2" or "1.2.3", found "{text}"')
    return version


def _version_query(table: Table, allowed: tuple[str, ...]) -> VersionQuery:
    table.only({"argv", "pattern", "minimum"})
    table.require("pattern", "pattern = 'my-host (\\S+)'")
    pattern = _pattern(table, "pattern")
    if pattern.groups < 1:
        raise table.error("pattern", "has no group; put the version in parentheses, as in 'my-host (\\S+)'")
    return VersionQuery(_argv(table, allowed, '["{binary}", "--version"]'), pattern, _version(table, "minimum"))


def _install(table: Table, folder: Path) -> Install:
    table.only({"argv", "inputs", "default", "deadline"})
    argv = _argv(table, ("binary", "folder", "install", "wanted"), '["{binary}", "{folder}/install.mjs", "{install}"]')
    _needs(table, argv, "install")
    inputs = table.strings("inputs")
    for name in inputs:
        if not (folder / name).is_file():
            raise table.error("inputs", f'there is no file "{name}" beside {table.file.name}')
    _version(table, "default")
    default = table.optional_string("default")
    if "wanted" in argv.placeholders and default is None:
        raise table.error("argv", '{wanted} needs a default; add default = "1.2.3"')
    return Install(argv, inputs, default, table.duration("deadline", 600 * _SECOND))


def _prepare(table: Table, allowed: tuple[str, ...]) -> Prepare:
    table.only({"argv", "deadline"})
    argv = _argv(table, allowed, '["{binary}", "{folder}/prepare.mjs"]')
    return Prepare(argv, table.duration("deadline", 60 * _SECOND))


def _command(table: Table, base: tuple[str, ...], *, prepared: bool) -> Command:
    table.only({"argv", "environment", "inherit", "nonce", "panic"})
    nonce = table.optional_string("nonce") or "component"
    if nonce not in ("component", "argument"):
        raise table.error("nonce", f'expected "component" or "argument", found "{nonce}"')
    in_argument = nonce == "argument"
    subject = "prepared" if prepared else "component"
    extra = ("nonce",) if in_argument else ()
    example = f'["{{binary}}", "{{options}}", "{{{subject}}}", "{{args}}"]'
    argv = _argv(table, ("binary", *base, subject, "options", "args", *extra), example)
    _needs(table, argv, subject, *extra)
    if prepared and not in_argument:
        raise table.error("nonce", '[prepare] keeps components from run to run: write nonce = "argument"')
    panic = _pattern(table, "panic") if "panic" in table else None
    return Command(argv, table.string_map("environment"), table.strings("inherit"), in_argument, panic)


def _serve(table: Table, base: tuple[str, ...], run: Command, *, prepared: bool) -> Serve:
    table.only({"argv", "ready", "fresh"})
    subject = "prepared" if prepared else "component"
    extra = ("nonce",) if run.nonce_in_argument else ()
    argv = _argv(table, ("binary", *base, subject, "options", *extra), f'["{{binary}}", "serve", "{{{subject}}}"]')
    _needs(table, argv, subject, *extra)
    table.require("ready", "ready = 'Serving on (\\S+)'")
    ready = _pattern(table, "ready")
    if ready.groups < 1:
        raise table.error("ready", "has no group; put the address in parentheses, as in 'Serving on (\\S+)'")
    fresh = table.template("fresh", ("binary", *base))
    if fresh.items:
        _needs(table, argv, "options")
    return Serve(argv, ready, fresh)


def _pattern(table: Table, key: str) -> re.Pattern[str]:
    try:
        return re.compile(table.string(key))
    except re.error as error:
        raise table.error(key, f"is no regular expression: {error}") from None


def _granting(top: Table, key: str, base: tuple[str, ...]) -> Option | None:
    if "options" not in top:
        return None
    table = top.table("options")
    table.only(_OPTIONS)
    if key not in table:
        return None
    option = _option(table, key, (*base, *_OPTIONS[key]))
    _needs(table, option.argv, *_OPTIONS[key], key=key)
    return option


def _lifts(top: Table, base: tuple[str, ...]) -> tuple[tuple[Lift, Option], ...]:
    if "lift" not in top:
        return tuple((lift, Option(Template(()), None)) for lift in (Lift.SYNC, Lift.CALLBACK))
    table = top.table("lift")
    table.only([lift.value for lift in Lift])
    return tuple((Lift(key), _option(table, key, base)) for key in table)


def _features(top: Table, base: tuple[str, ...]) -> tuple[tuple[str, Option], ...]:
    if "feature" not in top:
        return ()
    table = top.table("feature")
    return tuple((key, _option(table, key, base)) for key in table)


def _option(table: Table, key: str, allowed: tuple[str, ...]) -> Option:
    if not table.is_table(key):
        return Option(table.template(key, allowed), None)
    inner = table.table(key)
    inner.only({"argv", "minimum"})
    inner.require("argv", 'argv = ["--flag"]')
    return Option(inner.template("argv", allowed), _version(inner, "minimum"))


def _trust(table: Table, base: tuple[str, ...]) -> Trust:
    table.only({"argv", "environment", "minimum"})
    argv = table.template("argv", (*base, "authority"))
    variables = table.templates("environment", (*base, "authority"))
    if not any("authority" in template.placeholders for template in (argv, *(t for _, t in variables))):
        raise table.error("", 'says nothing of {authority}; add environment = { SSL_CERT_FILE = "{authority}" }')
    return Trust(argv, variables, _version(table, "minimum"))


def _startup(top: Table) -> int:
    if "limits" not in top:
        return 2 * _SECOND
    table = top.table("limits")
    table.only({"startup"})
    return table.duration("startup", 2 * _SECOND)


def _argv(table: Table, allowed: tuple[str, ...], example: str) -> Template:
    table.require("argv", f"argv = {example}")
    argv = table.template("argv", allowed)
    if not argv.items:
        raise table.error("argv", f"is empty; write argv = {example}")
    return argv


def _needs(table: Table, argv: Template, *names: str, key: str = "argv") -> None:
    for name in names:
        if name not in argv.placeholders:
            raise table.error(key, f"has to mention {{{name}}}")
