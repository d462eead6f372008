"""The `wasicheck` command: what it prints, writes and ends with, on the fake host and on wasmtime."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scene import DAMAGED, UNSTAGEABLE, call, vector_folder

from wasicheck.cli import main
from wasicheck.judge.status import ExitStatus
from wasicheck.report.reading import read_results

# --- run -----------------------------------------------------------------------------------------


def test_run_writes_every_report(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    reports = ["--json=out/r.jsonl", "--junit=out/j.xml", "--markdown=out/s.md"]
    assert call("run", "--host", host, "--vectors=own", "-n", "2", *reports) == ExitStatus.RED
    results = read_results(Path("out/r.jsonl"))
    assert (len(results.results), results.missing, results.truncated) == (5, 0, False)
    assert Path("out/j.xml").read_text().startswith("<?xml")
    assert "1 red of 5" in Path("out/s.md").read_text()
    output = capsys.readouterr().out
    assert "wasicheck repro wrong --host fake/runner.toml --vectors own" in output
    assert "1 red of 5" in output


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["done"], ExitStatus.OK),
        (["done", "open", "adv*"], ExitStatus.OK),
        (["elsewhere"], ExitStatus.OK),
        (["--package", "cli"], ExitStatus.RED),
        (["-k", "calm"], ExitStatus.OK),
        (["done", "--random-order", "7"], ExitStatus.OK),
        (["done", "--host", "fake"], ExitStatus.OK),
        (["unstageable"], ExitStatus.HARNESS_ERROR),
        (["unstageable", "wrong"], ExitStatus.RED),
    ],
)
def test_run_ends_with(host: str, arguments: list[str], status: ExitStatus) -> None:
    vector_folder(Path("own"), cli_more=UNSTAGEABLE)
    # A path without a slash is a name; the second way to say the same host is no second host.
    arguments = [f"./{word}" if word == "fake" else word for word in arguments]
    assert call("run", *arguments, "--host", host, "--vectors=own", "-n", "1") == status


@pytest.mark.parametrize(
    ("entries", "status", "said"),
    [
        ('id = "wrong"\nreason = "known"', ExitStatus.OK, "1 expected failure"),
        ('id = "*"\nreason = "known"', ExitStatus.RED, "listed as a known failure"),
        ('id = "wrong"\nreason = "known"\nversions = ">=2"', ExitStatus.RED, "1 red of 5"),
    ],
)
def test_run_with_expectations(
    host: str, capsys: pytest.CaptureFixture[str], entries: str, status: ExitStatus, said: str
) -> None:
    Path("fake/expectations.toml").write_text(f"[[expect]]\n{entries}\n")
    assert call("run", "--host", host, "--vectors=own") == status
    assert said in capsys.readouterr().out
    assert call("run", "--host", host, "--vectors=own", "--no-expectations") == ExitStatus.RED


def test_an_expectation_that_names_no_vector_is_red(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("fake/expectations.toml").write_text('[[expect]]\nid = "stdout-write-and-clos"\nreason = "known"\n')
    assert call("run", "stdout-write-and-close", "--host", host) == ExitStatus.RED
    told = capsys.readouterr().err
    assert "fake/expectations.toml:1: the id names no vector: 'stdout-write-and-clos'" in told
    assert told.endswith("wasicheck: the run fails all the same: 1 expectation of no vector, see above\n")


def test_a_damaged_file_is_told_and_the_others_run(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    vector_folder(Path("own"), cli_damaged=DAMAGED)
    assert call("run", "done", "--host", host, "--vectors=own") == ExitStatus.USAGE_ERROR
    captured = capsys.readouterr()
    assert "wasicheck: own/cli/damaged.yaml:4:5: unknown key `titel` in a vector; did you mean `title`?" in captured.err
    assert "all 1 as expected" in captured.out


def test_run_tells_what_was_skipped_and_why(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "done", "elsewhere", "--host", host, "--vectors=own") == ExitStatus.OK
    output = capsys.readouterr().out
    assert "\nskipped\n      1  the expectation holds on win32 only\n" in output


PEERS = """\
interface: wasi:sockets/types@0.3.0
vectors:
  - id: peered
    title: A peer does something
    requirements: [sockets.tcp-socket.connect.ok]
    given: {network: true, peers: {server: tcp-listener, client: tcp-client}}
    steps:
      - peer: STEP
"""


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("server\n        listen: true", "9:9: unknown key `listen` in a `peer` step"),
        ("server", "8:9: a peer does exactly one thing in a step; one of accept, "),
        (
            "sever\n        accept: conn",
            "8:15: there is no peer or connection `sever` at this point; did you mean `server`?",
        ),
        (
            "server\n        connect: $client.address",
            "8:15: `server`, a `tcp-listener`, listens for connections: it cannot",
        ),
        (
            "client\n        receive: 5",
            "8:15: `client`, a `tcp-client`, is not connected: it cannot `receive`; connect before",
        ),
        ("server\n        accept: client", "9:17: there is already a peer or connection `client`"),
    ],
)
def test_a_peer_that_can_never_do_it_is_told(
    host: str, capsys: pytest.CaptureFixture[str], step: str, message: str
) -> None:
    vector_folder(Path("own"), sockets_own=PEERS.replace("STEP", step))
    assert call("run", "done", "peered", "--host", host, "--vectors=own", "--json=r.jsonl") == ExitStatus.USAGE_ERROR
    captured = capsys.readouterr()
    assert f"wasicheck: own/sockets/own.yaml:{message}" in captured.err
    assert "fake@1.0      1      .      1" in captured.out
    assert call("report", "r.jsonl") == ExitStatus.INTERRUPTED, "one of two was not run"


def test_a_vector_that_is_not_run_is_not_read(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    vector_folder(Path("own"), sockets_own=PEERS.replace("STEP", "server"))
    assert call("run", "done", "--host", host, "--vectors=own") == ExitStatus.OK
    assert call("show", "peered", "--vectors=own") == ExitStatus.USAGE_ERROR
    assert "wasicheck: own/sockets/own.yaml:8:9: a peer does exactly one thing" in capsys.readouterr().err


# --- bad usage -----------------------------------------------------------------------------------


OWN = "--vectors own"
ON = "--host HOST --vectors own"
NO_DOME = "wasicheck: there is no vector `dome`; did you mean `done`?"


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("", 4, "wasicheck: the following arguments are required: COMMAND"),
        ("rum", 4, "wasicheck: argument COMMAND: invalid choice: 'rum'"),
        ("run", 4, "wasicheck run: the following arguments are required: --host"),
        ("run --host HOST --jobs 0", 4, "wasicheck run: argument -n/--jobs: at least 1"),
        ("run --host HOST --abi x", 4, "wasicheck run: argument --abi: invalid choice: 'x'"),
        (f"run dome {ON}", 4, NO_DOME),
        (f"run x-* {ON}", 5, "wasicheck: no vector is selected; `wasicheck list` shows what there is"),
        ("run --host wasmtim", 4, 'wasicheck: no host is called "wasmtim"; did you mean "wasmtime"?'),
        ("run --host no/runner.toml", 4, "wasicheck: there is no runner at no/runner.toml"),
        ("run --host wasmtime@x", 4, 'wasicheck: "x" in --host=wasmtime@x is no version; write wasmtime@1'),
        ("run --host HOST --vectors no", 4, "wasicheck: there is no folder no: --vectors takes a folder"),
        (f"run {ON} --json /proc/no/r", 4, "wasicheck: the results cannot be written: "),
        (f"run {ON} --junit /proc/no/j", 4, "wasicheck: a report cannot be written: "),
        (f"run {ON} --markdown /proc/no/m", 4, "wasicheck: a report cannot be written: "),
        (f"list dome {OWN}", 4, NO_DOME),
        (f"list {OWN} -k no-such-word", 5, ""),
        (f"show dome {OWN}", 4, NO_DOME),
        (f"show done {OWN} --wasm /proc/no/w", 4, "wasicheck: the guest cannot be written: "),
        (f"repro done {OWN}", 4, "wasicheck repro: the following arguments are required: --host"),
        (f"repro dome {ON}", 4, NO_DOME),
        (f"repro done {ON} --out own", 4, "wasicheck: own exists, and is no folder that `wasicheck repro` wrote"),
        (f"repro done {ON} --out /proc/no", 4, "wasicheck: the folder /proc/no cannot be written: "),
        (f"repro elsewhere {ON}", 4, "wasicheck: elsewhere is not run on fake@1.0: the expectation holds on win32"),
        ("init-host", 4, "wasicheck init-host: the following arguments are required: DIR"),
        ("init-host fake", 4, "wasicheck: fake/runner.toml is there already; prove it with --check"),
        ("init-host /proc/no", 4, "wasicheck: the runner cannot be written: "),
        ("init-host new --name No_Host --check", 4, "name: expected lower-case letters"),
    ],
)
def test_what_cannot_be_used(
    host: str, capsys: pytest.CaptureFixture[str], line: str, status: int, message: str
) -> None:
    assert call(*(host if word == "HOST" else word for word in line.split())) == status
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


# --- list and show -------------------------------------------------------------------------------


def test_list(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--vectors=own", "adv*", "open") == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [["advised", "should"], ["open", "may"]]
    assert lines[-1] == "2 vectors"


def test_list_requirements(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--requirements", "--vectors=own") == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if "cli.environment.get-environment.pairs:" in line)
    assert lines[at + 1].split(", ")[0].strip() == "done"


def test_show(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "wrong", "--vectors=own") == ExitStatus.OK
    assert "1. get-environment()" in capsys.readouterr().out
    assert call("show", "wrong", "--vectors=own", "--wat") == ExitStatus.OK
    assert capsys.readouterr().out.startswith("(component")
    assert call("show", "wrong", "--vectors=own", "--wasm=g.wasm") == ExitStatus.OK
    assert Path("g.wasm").read_bytes().startswith(b"\0asm")


# --- repro ---------------------------------------------------------------------------------------


def test_repro_of_a_failure(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("repro", "wrong", "--host", host, "--vectors=own") == ExitStatus.OK
    folder = Path("repro-wrong")
    assert capsys.readouterr().out.splitlines()[-1] == "repro-wrong/README.md"
    files = {"README.md", "guest.wasm", "guest.wat", "result.json", "run.sh", "vector.yaml"}
    assert {path.name for path in folder.iterdir()} == files
    written = json.loads((folder / "result.json").read_text())
    assert (written["result"]["id"], written["result"]["verdict"]) == ("wrong", "fail")
    readme = (folder / "README.md").read_text()
    for part in (
        "# The variables are told",
        "fake@1.0 on ",
        "**fail**",
        "Every variable the host configured for the program is returned",
        "https://github.com/WebAssembly/WASI/blob/v0.3.0/proposals/cli/wit/environment.wit#L3",
        "   expected []\n   observed memory that is no such value",
        "wasicheck repro wrong --host fake/runner.toml --vectors own",
    ):
        assert part in readme
    # Written again over what is there, and the vector's source is a vector file itself.
    assert call("repro", "wrong", "--host", host, "--vectors=own") == ExitStatus.OK
    (Path("again") / "cli").mkdir(parents=True)
    (folder / "vector.yaml").rename("again/cli/vector.yaml")
    capsys.readouterr()
    assert call("list", "--vectors=again") == ExitStatus.OK
    assert capsys.readouterr().out.splitlines()[-1] == "1 vectors"


@pytest.mark.parametrize("id", ["stdout-write-and-close", "stdin-closed"])
def test_the_script_runs_the_guest(id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a folder"
    assert call("repro", id, "--host", "wasmtime", "--out", str(out)) == ExitStatus.OK
    done = subprocess.run([out / "run.sh"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "exit status 0; see the files stdout and stderr\n"
    frames = (out / "stderr").read_bytes()
    assert frames.count(b"wasicheck-repro!") >= 3
    if id.startswith("stdout"):
        assert (out / "stdout").read_bytes() == b"hello"


FEEDING = """\
interface: wasi:cli/stdin@0.3.0
vectors:
  - id: fed
    title: What comes in pieces is read in pieces
    requirements: [cli.stdin.read-via-stream.data]
    given: {stdin: pipe, preopens: {/data: {a.txt: {data: '"x"', modified: 5s}}}}
    steps:
      - call: read-via-stream()
        expect: ($data, $done)
      - harness: {feed: '"abc"'}
      - read: $data
        count: 3
        expect: completed("abc")
      - harness: {feed: '"def"'}
      - harness: {close: stdin}
      - read-all: $data
        expect: dropped("def")
"""


def test_the_script_plays_the_harness(tmp_path: Path) -> None:
    own = vector_folder(tmp_path / "own", cli_fed=FEEDING)
    out = tmp_path / "out"
    assert call("repro", "fed", "--host=wasmtime", f"--vectors={own}", f"--out={out}") == ExitStatus.OK
    assert json.loads((out / "result.json").read_text())["result"]["verdict"] == "pass"
    assert "`tree/data/`" in (out / "README.md").read_text()
    done = subprocess.run([out / "run.sh"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("exit status 0")
    frames = (out / "stderr").read_bytes()
    assert frames.index(b"abc") < frames.index(b"def")
    assert (out / "tree" / "data" / "a.txt").stat().st_mtime == 5


# --- init-host -----------------------------------------------------------------------------------


def test_a_new_runner_is_to_be_filled_in(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("init-host", "My Host") == ExitStatus.OK
    assert capsys.readouterr().out.splitlines() == [
        "wrote My Host/runner.toml",
        "wrote My Host/expectations.toml",
        "fill in My Host/runner.toml, then prove it: wasicheck init-host My Host --check",
    ]
    assert 'name = "my-host"' in Path("My Host/runner.toml").read_text()
    assert call("init-host", "My Host", "--check") == ExitStatus.USAGE_ERROR
    assert "my-host: no program was found" in capsys.readouterr().err


def test_a_runner_that_proves_nothing(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path("fake").iterdir())
    assert call("init-host", "fake", "--check") == ExitStatus.RED
    output = capsys.readouterr().out
    assert "WRONG A wrong expectation of the exit status fails: but it passed" in output
    assert output.splitlines()[-1] == "the runner is not proven: see above"
    assert sorted(Path("fake").iterdir()) == before


def test_a_runner_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wasicheck.session import find_host

    folder, program = tmp_path / "mine", find_host("wasmtime").binary
    assert call("init-host", str(folder), "--binary", str(program)) == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"the runner works: wasicheck run --host {folder}/runner.toml"
    assert sum(line.startswith("  ok ") for line in lines) == 11
    assert sum("it did, as it must" in line for line in lines) == 3
    assert call("run", "stdout-write-and-close", "--host", str(folder)) == ExitStatus.OK


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "wasicheck", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (0, "wasicheck")


def test_stored_results_are_shown_and_rendered_again(tmp_path: Path) -> None:
    """A stopped run's file is read as far as it goes; a damaged one names the line."""
    stored, junit = tmp_path / "results.jsonl", tmp_path / "junit.xml"
    assert main(["run", "stdout-write-and-close", "--host", "wasmtime", "--json", str(stored)]) == ExitStatus.OK
    assert main(["report", str(stored), "--junit", str(junit)]) == ExitStatus.OK
    assert 'name="stdout-write-and-close"' in junit.read_text(encoding="utf-8")
    lines = stored.read_text(encoding="utf-8").splitlines(keepends=True)
    stored.write_text("".join(lines[:-1]), encoding="utf-8")
    assert main(["report", str(stored)]) == ExitStatus.OK
    stored.write_text("".join(lines[:1]), encoding="utf-8")
    assert main(["report", str(stored)]) == ExitStatus.INTERRUPTED


def test_a_damaged_results_file_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "results.jsonl"
    damaged.write_text('{"kind": "header"}\n{"kind": "res\n', encoding="utf-8")
    assert main(["report", str(damaged)]) == ExitStatus.USAGE_ERROR
    message = capsys.readouterr().err
    assert message.splitlines() == [
        f"wasicheck: {damaged}:1: format null; expected format 1",
        "  hint: read it with the wasicheck that wrote it, or repeat the run",
    ]
