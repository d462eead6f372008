"""The command `init-host`."""

from __future__ import annotations

import argparse
import sys

from wasicheck.init_host import prove, write_runner
from wasicheck.judge.status import ExitStatus
from wasicheck.session import find_host


def init_host_command(options: argparse.Namespace) -> ExitStatus:
    """Write a runner for a host, and prove it."""
    made = write_runner(options.folder, options.name, options.binary, again=options.check)
    for path in made:
        sys.stdout.write(f"wrote {path}\n")
    if not (options.check or options.binary):
        sys.stdout.write(
            f"fill in {options.folder}/runner.toml, then prove it: wasicheck init-host {options.folder} --check\n"
        )
        return ExitStatus.OK
    host = find_host(str(options.folder / "runner.toml"))
    sys.stdout.write(f"{host.label}: {host.binary}\n")
    proven = True
    for proof in prove(host):
        proven = proven and proof.holds
        sys.stdout.write(f"  {proof}\n")
    if not proven:
        sys.stdout.write("the runner is not proven: see above\n")
        return ExitStatus.RED
    sys.stdout.write(f"the runner works: wasicheck run --host {options.folder}/runner.toml\n")
    return ExitStatus.OK
