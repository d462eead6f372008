"""A runner.toml is read strictly: what is wrong is told with file, line, key and the fix."""

from pathlib import Path

import pytest

from wasicheck.host.errors import RunnerError
from wasicheck.host.runner import Option, Release, Trust, read_runner
from wasicheck.host.template import Template, TemplateError, parse
from wasicheck.host.version import parse_version
from wasicheck.vectors.model import Lift

RUNNERS = Path(__file__).parents[2] / "runners"
GOOD = """\
name = "host"
worlds = ["wasi:cli/command"]
[find]
path = "host"
[version]
argv = ["{binary}", "--version"]
pattern = 'host (\\S+)'
[run]
argv = ["{binary}", "{options}", "{component}", "{args}"]
"""
SERVE = "[serve]\nargv = ['{binary}', '{component}']\nready = 'on (\\S+)'\n"
PACKAGE = '[find.package]\nindex = "pypi"\nname = "p"\nmember = "p/host"\ndefault = "1"\n'


def write(folder, text, **files):
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    path = folder / "runner.toml"
    path.write_text(text)
    return path


def test_trust_and_fresh_instances(tmp_path):
    serve = SERVE.replace("'{component}'", "'{options}', '{component}'") + "fresh = ['--once', '{folder}']\n"
    trust = '[trust]\nargv = ["--ca={authority}"]\nenvironment = { CA = "{folder}:{authority}" }\nminimum = "2"\n'
    runner = read_runner(write(tmp_path, GOOD + serve + trust))
    assert runner.serve.fresh == Template(("--once", "{folder}"))
    assert runner.trust == Trust(
        Template(("--ca={authority}",)), (("CA", Template(("{folder}:{authority}",))),), parse_version("2")
    )
    assert read_runner(write(tmp_path, GOOD + SERVE)).serve.fresh == Template(())


def test_the_least_runner(tmp_path):
    runner = read_runner(write(tmp_path, GOOD))
    assert (runner.name, runner.worlds, runner.folder) == ("host", ("wasi:cli/command",), tmp_path)
    assert runner.find.version is runner.version
    assert (runner.install, runner.prepare, runner.env, runner.directory) == (None, None, None, None)
    assert runner.lifts == ((Lift.SYNC, Option(Template(()), None)), (Lift.CALLBACK, Option(Template(()), None)))
    assert not runner.run.nonce_in_argument
    assert runner.startup == 2_000_000_000


def test_everything_a_runner_can_say(tmp_path):
    text = (
        GOOD.replace(
            '[find]\npath = "host"',
            f"""[find]
environment = "HOST"
path = "bin/host"
version = {{ argv = ["{{binary}}", "-v"], pattern = "v(.*)", minimum = "2" }}
{PACKAGE}releases = "releases.toml"
""",
        )
        + """environment = { A = "b" }
inherit = ["C"]
nonce = "argument"
[install]
argv = ["{binary}", "{folder}/install", "{install}", "{wanted}"]
inputs = ["lock.json"]
default = "1.35"
deadline = "1.5m"
[options]
env = ["-e", "{name}={value}"]
directory = ["-d{host}:{guest}"]
cwd = { argv = ["--cwd", "{cwd}"], minimum = "3" }
network = []
[lift]
callback = []
[feature]
"clocks-timezone" = ["--tz"]
[limits]
startup = "250ms"
"""
    )
    text = text.replace('"{component}"', '"{component}", "{nonce}"')
    releases = f'[[release]]\nversion = "1.2"\npackage = "1.3"\nsha256 = {{ linux-x86_64 = "{"a" * 64}" }}\n'
    runner = read_runner(write(tmp_path, text, lock_json="{}", releases_toml=releases))
    assert runner.find.package.releases == (Release("1.2", "1.3", (("linux-x86_64", "a" * 64),)),)
    assert runner.find.version.minimum == parse_version("2")
    assert runner.run.environment == (("A", "b"),)
    assert runner.run.inherit == ("C",)
    assert runner.run.nonce_in_argument
    assert runner.install.deadline == 90_000_000_000
    assert runner.cwd == Option(Template(("--cwd", "{cwd}")), parse_version("3"))
    assert [lift for lift, _ in runner.lifts] == [Lift.CALLBACK]
    assert dict(runner.features)["clocks-timezone"].argv == Template(("--tz",))
    assert runner.startup == 250_000_000


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in RUNNERS.glob("*/runner.toml")))
def test_the_runners_of_the_project_are_good(folder):
    assert read_runner(RUNNERS / folder / "runner.toml").name == folder


BAD = [
    # text to replace, replacement, line, key, what the message says
    ('name = "host"', "", None, "name", 'is missing; add name = "my-host"'),
    ('name = "host"', 'name = ""', 1, "name", 'expected a string that is not empty, found ""'),
    ('name = "host"', "name = 1.5", 1, "name", "expected a string that is not empty, found 1.5"),
    ('name = "host"', "name = true", 1, "name", "found true"),
    ('name = "host"', "name = false", 1, "name", "found false"),
    ('name = "host"', "name = 2026-01-01", 1, "name", "found a date"),
    ('name = "host"', 'name = "My Host"', 1, "name", 'expected lower-case letters, digits, "-", "_" and "."'),
    ('name = "host"', 'name = "host', 1, "", "is not valid TOML"),
    ('["wasi:cli/command"]', '["wasi:cli/comand"]', 2, "worlds", 'did you mean "wasi:cli/command"?'),
    ('["wasi:cli/command"]', "[]", 2, "worlds", 'names no world; write worlds = ["wasi:cli/command"]'),
    ('["wasi:cli/command"]', "[1]", 2, "worlds", "expected a list of strings, found a list of other things"),
    ('["wasi:cli/command"]', '"wasi:cli/command"', 2, "worlds", "expected a list of strings"),
    ('["wasi:cli/command"]', '["wasi:http/service"]', 2, "worlds", '"wasi:http/service" needs a [serve]'),
    ("[find]\n", SERVE.replace("argv", "arg") + "[find]\n", 4, "serve.arg", 'unknown key; did you mean "argv"?'),
    ("[find]\n", SERVE.replace("{component}", "x") + "[find]\n", 4, "serve.argv", "has to mention {component}"),
    ("[find]\n", SERVE.replace("ready", "# ready") + "[find]\n", 3, "serve.ready", "is missing; add ready = "),
    ("[find]\n", SERVE.replace("(\\S+)", "") + "[find]\n", 5, "serve.ready", "has no group; put the address in"),
    ("[run]", "[runs]", 8, "runs", 'unknown key; did you mean "run"?'),
    ("[find]\n", "[find]\npth = 'x'\n", 4, "find.pth", 'unknown key; did you mean "path"?'),
    ('path = "host"', "", 3, "find", 'needs at least one of environment, path and package; add path = "my-host"'),
    ("[find]\npath = ", "find = ", 3, "find", "expected a table"),
    ('path = "host"', PACKAGE.replace("pypi", "npm"), 5, "find.package.index", 'expected "pypi"'),
    ('path = "host"', PACKAGE.replace('member = "p/host"\n', ""), 4, "find.package.member", "is missing; add member"),
    ('path = "host"', PACKAGE.replace('"1"', '"new"'), 8, "find.package.default", 'expected a version such as "1.2"'),
    ('path = "host"', PACKAGE + "releases = 'no.toml'", None, "", "no.toml: cannot be read: No such file"),
    ("pattern = 'host (\\S+)'", "", 5, "version.pattern", "is missing"),
    ("'host (\\S+)'", "'host (\\S+'", 7, "version.pattern", "is no regular expression"),
    ("'host (\\S+)'", "'host \\S+'", 7, "version.pattern", "has no group"),
    ('argv = ["{binary}", "--version"]', "argv = []", 6, "version.argv", "is empty"),
    ('"--version"', '"{verison}"', 6, "version.argv", "{verison} means nothing here"),
    ('"--version"', '"{install}"', 6, "version.argv", "{install} means nothing here"),
    ('"--version"', '"{"', 6, "version.argv", 'a lone "{" in "{"; write "{{" for a brace'),
    ('"{component}"', '"{componnent}"', 9, "run.argv", 'did you mean "component"?'),
    ('"{component}"', '"x"', 9, "run.argv", "has to mention {component}"),
    ('"{component}"', '"{prepared}"', 9, "run.argv", "{prepared} means nothing here"),
    ('"{args}"', '"--args={args}"', 9, "run.argv", "{args} stands for a list and has to be an item of its own"),
    ("[run]\n", "[run]\nnonce = 'stdin'\n", 9, "run.nonce", 'expected "component" or "argument", found "stdin"'),
    ("[run]\n", "[run]\nnonce = 'argument'\n", 10, "run.argv", "has to mention {nonce}"),
    ("[run]\n", "[run]\nenvironment = ['A']\n", 9, "run.environment", "expected a table of strings, found a list"),
    ("[run]\n", "[run]\nenvironment = { A = 1 }\n", 9, "run.environment", "expected a string for A, found 1"),
    ("[run]\n", "[options]\nenw = []\n[run]\n", 9, "options.enw", 'did you mean "env"?'),
    ("[run]\n", "[options]\nenv = ['{name}']\n[run]\n", 9, "options.env", "has to mention {value}"),
    ("[run]\n", "[options]\ncwd = {}\n[run]\n", 9, "options.cwd.argv", "is missing"),
    ("[run]\n", "[options]\ncwd = {argv=['{cwd}'], since='1'}\n[run]\n", 9, "options.cwd.since", "unknown key"),
    ("[run]\n", "[lift]\nasync = []\n[run]\n", 9, "lift.async", "unknown key"),
    ('"{options}", ', "", 9, "run.argv", '"{options}" is missing'),
    ("[run]\n", "[limits]\nstartup = '10 s'\n[run]\n", 9, "limits.startup", 'expected a duration such as "10s"'),
    ("[run]\n", "[limits]\nstartup = 10\n[run]\n", 9, "limits.startup", "found 10"),
    ("[run]\n", "[prepare]\nargv = ['x']\n[run]\n", 11, "run.argv", "{component} means nothing here"),
    ("[run]\n", "[install]\nargv = ['x']\n[run]\n", 9, "install.argv", "has to mention {install}"),
    ("[run]\n", "[trust]\nminimum = '1'\n[run]\n", 8, "trust", "says nothing of {authority}"),
    ("[run]\n", "[trust]\nargv = ['{autority}']\n[run]\n", 9, "trust.argv", 'did you mean "authority"'),
    ("[run]\n", "[trust]\nenvironment = {A = '{'}\n[run]\n", 9, "trust.environment", 'a lone "{"'),
    ("[run]\n", SERVE + "fresh = ['-f']\n[run]\n", 9, "serve.argv", "has to mention {options}"),
    ("[run]\n", "[install]\nargv = ['{install}{wanted}']\n[run]\n", 9, "install.argv", "{wanted} needs a default"),
    ("[run]\n", "[install]\nargv = ['{install}']\ninputs=['n']\n[run]\n", 10, "install.inputs", 'no file "n" beside'),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "says"), BAD)
def test_what_is_wrong_is_told(tmp_path, old, new, line, key, says):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if '"{options}" is missing' in says:
        text += "[feature]\ntz = ['--tz']\n"
    path = write(tmp_path, text)
    with pytest.raises(RunnerError) as caught:
        read_runner(path)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: " if line else str(tmp_path))


def test_a_prepared_component_cannot_carry_the_nonce(tmp_path):
    text = GOOD.replace("{component}", "{prepared}") + "[prepare]\nargv = ['x']\n"
    with pytest.raises(RunnerError, match='write nonce = "argument"'):
        read_runner(write(tmp_path, text))


@pytest.mark.parametrize(
    ("releases", "line", "says"),
    [
        ('[[release]]\npackage = "1"\n', 1, "release.version: is missing"),
        ('[[release]]\nversion = "1"\nsha256 = { x = "12" }\n', 3, "expected 64 hexadecimal digits for x of release 1"),
        ('[[release]]\nversion = "1"\nsum = ""\n', 3, "release.sum: unknown key"),
        ("release = 1\n", 1, "expected [[release]] tables, found 1"),
    ],
)
def test_what_is_wrong_in_a_list_of_releases_is_told(tmp_path, releases, line, says):
    text = GOOD.replace('path = "host"', PACKAGE + 'releases = "r.toml"')
    with pytest.raises(RunnerError) as caught:
        read_runner(write(tmp_path, text, r_toml=releases))
    assert caught.value.line == line
    assert says in str(caught.value)


def test_what_is_no_text_is_told(tmp_path):
    path = tmp_path / "runner.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(RunnerError, match=r"is not UTF-8 text \(byte 8\)"):
        read_runner(path)
    with pytest.raises(RunnerError, match="cannot be read: Is a directory"):
        read_runner(tmp_path)


# --- templates and versions --------------------------------------------------------------------------


def test_lists_expand_in_place_and_braces_are_doubled():
    template = parse(["{binary}", "{args}", "{{x}}={name}", "{options}"], {"binary", "args", "name", "options"})
    assert template.placeholders == {"binary", "args", "name", "options"}
    values = {"binary": "b", "name": "{args}"}
    assert template.expand(values, {"args": ["{name}", ""], "options": []}) == ("b", "{name}", "", "{x}={args}")


def test_what_stands_for_nothing_is_refused():
    with pytest.raises(TemplateError, match=r'a lone "}" in "a}"; write "}}" for a brace'):
        parse(["a}"], set())


@pytest.mark.parametrize(
    ("text", "wanted", "matches"),
    [
        ("49.0.3", "49", True),
        ("49.0.3", "49.0", True),
        ("49.0.3", "49.0.3", True),
        ("49.0.3", "4", False),
        ("49.0.3", "49.0.3.1", False),
        ("50.0.0-rc1", "50", True),
        ("50.0.0-rc1", "50.0.0-rc1", True),
        ("50.0.0", "50.0.0-rc1", False),
    ],
)
def test_versions_match_by_prefix(text, wanted, matches):
    assert parse_version(text).matches(parse_version(wanted)) is matches


def test_versions_are_ordered_by_their_numbers():
    ordered = ["9", "10.0-rc1", "10", "10.0.1", "10.2", "10.10"]
    assert sorted(map(parse_version, reversed(ordered))) == list(map(parse_version, ordered))
    assert parse_version("10.0") == parse_version("10")
    assert len({parse_version("10.0"), parse_version("10")}) == 1
    assert parse_version("10") != "10"
    assert str(parse_version(" 1.2 ")) == "1.2"
    assert [parse_version(text) for text in ("", "v1", "1.", "one")] == [None] * 4


@pytest.mark.parametrize(
    ("wanted", "minimum", "too_old"), [("45", "46", True), ("46", "46.0.1", False), ("46.0.0", "46.0.1", True)]
)
def test_whether_all_that_is_wanted_is_too_old(wanted, minimum, too_old):
    assert parse_version(wanted).precedes(parse_version(minimum)) is too_old
