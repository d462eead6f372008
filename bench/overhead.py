"""How much the harness adds to the host's own time, and how fast it starts.

    python bench/overhead.py [--host wasmtime] [--jobs 2] [--rounds 3] [--vectors 1000]

*Overhead*: the suite's vectors are run by the harness, and then the same components are started bare with the same
command lines at the same parallelism; the ratio of the two wall-clock times is printed. Vectors in which the guest
has to meet the harness (its steps, special standard streams) cannot run bare and are left out of both.

*Start*: a fresh interpreter imports wasicheck and lists all vectors; then it reads and compiles a thousand at most.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from wasicheck.batch import start_batch
from wasicheck.guest.compiler import Build
from wasicheck.guest.frames import stamp
from wasicheck.host.host import Host
from wasicheck.judge.expectations import NO_EXPECTATIONS
from wasicheck.judge.model import Result, Verdict
from wasicheck.session import HostSession, find_host, list_vectors, open_session
from wasicheck.vectors.listing import Listing
from wasicheck.vectors.loader import read
from wasicheck.vectors.model import Vector, World
from wasicheck.vectors.source import VectorError
from wasicheck.vectors.staging import Harness
from wasicheck.vectors.surroundings import Environment, Sink, Source

CHOSEN = 1_000
"""How many vectors are read at most, out of all packages. A third of them run bare: enough to tell, in a minute."""
NONCE = b"bench-----nonce-"


def can_run_bare(vector: Vector) -> bool:
    """Whether the guest needs nothing of the harness but to be started once."""
    given = vector.environment
    plain = given.stdin.source is Source.NULL and given.stdout is Sink.PIPE and given.stderr is Sink.PIPE
    needs = given.preopens or given.descriptors or given.cwd or given.host_env
    alone = vector.world is World.COMMAND and not given.peers and not given.staged
    return (
        alone
        and plain
        and not needs
        and vector.runs == 1
        and not any(isinstance(s.action, Harness) for s in vector.steps)
    )


def bare(commands: list[tuple[tuple[str, ...], Environment]], jobs: int, host: Host) -> float:
    """Start every command and wait for it, `jobs` at a time; return seconds."""
    variables = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **dict(host.runner.run.environment)}

    def start(item: tuple[tuple[str, ...], Environment]) -> None:
        subprocess.run(item[0], stdin=subprocess.DEVNULL, capture_output=True, env=variables, check=False)

    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(start, commands))
    return time.perf_counter() - began


def harnessed(session: HostSession, listing: Listing, ids: list[str], jobs: int) -> float:
    """Run vectors through the harness, reading and compiling them included; return seconds."""
    results: list[Result] = []
    problems: list[VectorError] = []
    began = time.perf_counter()
    batch = start_batch([session], [listing.vectors[id] for id in ids], listing.names, jobs=jobs)
    with batch.workers:
        batch.run(report=results.append, problem=problems.append)
    taken = time.perf_counter() - began
    if problems or len(results) != len(ids):
        sys.exit(f"{len(results)} of {len(ids)} vectors ran: {problems}")
    return taken


def overhead(spec: str, jobs: int, rounds: int, count: int) -> None:
    """Print the ratio of harness to bare, and what it is made of."""
    host = find_host(spec)
    if host.runner.prepare is not None:
        sys.exit(f"{host.label} prepares components first: there is no bare start to compare with")
    listing = list_vectors()
    chosen = list(listing.vectors.values())[:: -(-len(listing.vectors) // count)]
    vectors = [v for v in (read(one, listing.names) for one in chosen) if can_run_bare(v)]
    with open_session(host, Build(), NO_EXPECTATIONS) as session, tempfile.TemporaryDirectory() as folder:
        quick = [v for v in vectors if session.run(v).verdict in (Verdict.PASS, Verdict.INFO, Verdict.NON_STRICT)]
        commands = []
        for vector in quick:
            path = Path(folder) / f"{vector.id}.wasm"
            path.write_bytes(stamp(session.guest(vector).wasm, NONCE))
            commands.append((host.command(path, vector.environment, session.lift(vector)), vector.environment))
        bare_times, harness_times = [], []
        for _ in range(rounds):
            bare_times.append(bare(commands, jobs, host))
            harness_times.append(harnessed(session, listing, [v.id for v in quick], jobs))
    alone, full = median(bare_times), median(harness_times)
    ran = len(quick)
    sys.stdout.write(
        f"{host.label}, {ran} vectors, {jobs} at a time, median of {rounds}\n"
        f"  bare     {alone:7.2f} s  {1000 * alone / ran:6.1f} ms a vector\n"
        f"  harness  {full:7.2f} s  {1000 * full / ran:6.1f} ms a vector\n"
        f"  ratio    {full / alone:7.2f}\n"
    )


_START = """
import sys, time
began = time.perf_counter()
from wasicheck.guest.compiler import Build, compile_vector
from wasicheck.session import list_vectors
from wasicheck.vectors.loader import read
from wasicheck.vectors.model import Lift, World
from wasicheck.wit import wasi
imported = time.perf_counter()
listing = list_vectors()
listed = time.perf_counter()
chosen = list(listing.vectors.values())[:: -(-len(listing.vectors) // int(sys.argv[1]))]
vectors = [read(one, listing.names) for one in chosen]
loaded = time.perf_counter()
for vector in vectors:
    compile_vector(vector, wasi(), Build(Lift.SYNC if vector.world is World.COMMAND else Lift.CALLBACK))
compiled = time.perf_counter()
print(f"start: import {imported - began:.2f} s, list {len(listing.vectors)} vectors {listed - imported:.2f} s; "
      f"read {len(vectors)} of them {loaded - listed:.2f} s, compile them {compiled - loaded:.2f} s")
"""


def start(count: int) -> None:
    """Print how long a fresh interpreter takes to import, to list all vectors, and to read and compile some."""
    done = subprocess.run([sys.executable, "-c", _START, str(count)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    sys.stdout.write(done.stdout)


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="wasmtime")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vectors", type=int, default=CHOSEN, help="at most how many to choose from")
    options = parser.parse_args()
    start(options.vectors)
    overhead(options.host, options.jobs, options.rounds, options.vectors)


if __name__ == "__main__":
    main()
