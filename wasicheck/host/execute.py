"""The sandboxed execution of one guest on a host: start it, play the harness's part, end it, say what was seen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from wasicheck.guest.frames import NONCE_SIZE, stamp
from wasicheck.host.conversation import Conversation
from wasicheck.host.errors import PrepareError
from wasicheck.host.host import Host
from wasicheck.host.prepare import Preparer
from wasicheck.host.process import HostProcess
from wasicheck.host.sandbox import SceneError, check_limits, fresh_folder, furnish, process_environment
from wasicheck.host.stdio import wire
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.vectors.model import Channel, Environment, Harness, Lift

OUTPUT_LIMIT = 8 << 20
"""What is kept of each stream, in bytes, frames not counted; more is read, and dropped."""


def execute(
    host: Host,
    component: bytes,
    environment: Environment,
    harness: Mapping[int, Harness],
    *,
    deadline_ns: int,
    channel: Channel = Channel.STDERR,
    lift: Lift = Lift.SYNC,
    preparer: Preparer | None = None,
    output_limit: int = OUTPUT_LIMIT,
    nonce: bytes | None = None,
) -> Run:
    """Run a compiled guest, with the nonce's placeholder still in it, and return what was seen.

    `harness` are the vector's harness steps by index; `deadline_ns` counts from the start, and the host's start-up
    allowance is added. `preparer` is needed for a host with a `[prepare]`; `nonce` is a fresh random one unless given.
    May be called from several threads and processes at once. What cannot be arranged is told in `Run.failure`; the
    host then was not started.
    """
    if lacking := host.lacks(environment, lift):
        return _failed("; ".join(lacking))
    if nonce is None:
        nonce = os.urandom(NONCE_SIZE)
    try:
        with fresh_folder() as folder:
            if host.runner.prepare is None:
                subject = folder / "guest.wasm"
                subject.write_bytes(component if host.runner.run.nonce_in_argument else stamp(component, nonce))
            elif preparer is None:
                return _failed(f"{host.label} has a [prepare] helper, and no preparer was given")
            else:
                subject = preparer.prepare(component)
            check_limits(environment)
            directories = furnish(folder, environment)
            command = host.command(subject, environment, lift, directories=directories, nonce=nonce)
            variables = process_environment(host.runner, environment, folder)
            return _run(
                command,
                variables,
                folder,
                environment,
                harness,
                nonce=nonce,
                deadline_ns=deadline_ns + host.runner.startup,
                channel=channel,
                output_limit=output_limit,
            )
    except (SceneError, PrepareError, ValueError) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"the sandbox cannot be made: {error}")


def _run(
    command: tuple[str, ...],
    variables: Mapping[str, str],
    folder: Path,
    environment: Environment,
    harness: Mapping[int, Harness],
    *,
    nonce: bytes,
    deadline_ns: int,
    channel: Channel,
    output_limit: int,
) -> Run:
    wiring = wire(environment, folder)
    try:
        try:
            process = HostProcess(
                command,
                environment=variables,
                cwd=folder,
                child=wiring.child,
                descriptors=environment.descriptors,
            )
        except OSError as error:
            return _failed(f"the host cannot be started: {error}")
        try:
            wiring.release_child()
            talk = Conversation(
                process, wiring, harness, nonce=nonce, channel=channel, output_limit=output_limit, folder=folder
            )
            return talk.hold(deadline_ns, environment.stdin.data, command)
        finally:
            process.reap()
    finally:
        wiring.close()


def _failed(why: str) -> Run:
    return Run(frames=(), anomalies=(), exit=Exit(ExitReason.EXITED, -1), stdout=b"", stderr=b"", failure=why)
