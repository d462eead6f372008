"""The sandboxed execution of one guest on a host: start it, play the harness's part, end it, say what was seen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from wasicheck.guest.frames import NONCE_SIZE, stamp
from wasicheck.guest.steps import Layout
from wasicheck.host.conversation import Conversation
from wasicheck.host.errors import PrepareError, RefusedError
from wasicheck.host.files import Files
from wasicheck.host.host import Host
from wasicheck.host.peers import Peers
from wasicheck.host.peers.tls import authority_certificate
from wasicheck.host.prepare import Preparer
from wasicheck.host.process import HostProcess
from wasicheck.host.sandbox import (
    SceneError,
    SceneUnavailableError,
    check_limits,
    fresh_folder,
    process_environment,
)
from wasicheck.host.scene import Scene
from wasicheck.host.serving import Serving, ServingError
from wasicheck.host.stdio import wire
from wasicheck.host.trees import furnish, snapshot
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.vectors.model import Channel, Lift, World
from wasicheck.vectors.staging import Harness
from wasicheck.vectors.surroundings import Environment

OUTPUT_LIMIT = 8 << 20
"""What is kept of each stream, in bytes, frames not counted; more is read, and dropped."""
STAGING_S = 10.0
"""How long the launcher may take to set a scene, in seconds."""


def execute(
    host: Host,
    component: bytes,
    environment: Environment,
    harness: Mapping[int, Harness],
    *,
    deadline_ns: int,
    layouts: tuple[Layout, ...] = (),
    channel: Channel = Channel.STDERR,
    lift: Lift = Lift.SYNC,
    world: World = World.COMMAND,
    traps: bool = False,
    preparer: Preparer | None = None,
    output_limit: int = OUTPUT_LIMIT,
    nonce: bytes | None = None,
) -> Run:
    """Run a compiled guest, with the nonce's placeholder still in it, and return what was seen.

    `harness` are the vector's harness steps by index, `layouts` those of all its steps; `deadline_ns` counts from the
    start, and the host's start-up allowance is added. `preparer` is needed for a host with a `[prepare]`; `nonce` is a
    fresh random one unless given; `traps` says that the guest is to trap. May be called from several threads and
    processes at once. What cannot be arranged is told in `Run.failure`, or in `Run.unavailable` if this machine is not
    able to; the host then was not started.
    """
    if lacking := host.lacks(environment, lift, world):
        return _failed("; ".join(lacking))
    if nonce is None:
        # A host that writes line by line would break into a nonce with a newline, and no frame would be found.
        nonce = os.urandom(NONCE_SIZE).replace(b"\n", b"\v")
    try:
        with fresh_folder() as folder, ExitStack() as stack:
            if host.runner.prepare is None:
                subject = folder / "guest.wasm"
                unmarked = channel is Channel.NONE or host.runner.run.nonce_in_argument
                subject.write_bytes(component if unmarked else stamp(component, nonce))
            elif preparer is None:
                return _failed(f"{host.label} has a [prepare] helper, and no preparer was given")
            else:
                subject = preparer.prepare(component)
            check_limits(environment)
            performance = _Performance(environment, folder, stack)
            directories = performance.directories
            variables = process_environment(host.runner, environment, folder)
            authority: Path | None = None
            if environment.trust:
                authority = folder / "authority.pem"
                authority.write_bytes(authority_certificate())
                variables |= host.trusting(authority)
            command = host.command(
                subject, environment, lift, directories=directories, nonce=nonce, world=world, authority=authority
            )
            serve = host.runner.serve if world is not World.COMMAND else None
            process = performance.start(command, variables)
            talk = Conversation(
                process,
                performance.wiring,
                harness,
                nonce=nonce,
                layouts=layouts,
                channel=channel,
                output_limit=output_limit,
                folder=folder,
                peers=performance.peers,
                files=performance.files,
                serving=Serving(serve.ready, traps=traps) if serve is not None else None,
            )
            run = talk.hold(deadline_ns + host.runner.startup, environment.stdin.data, command)
            return performance.conclude(run)
    except RefusedError as error:
        # The host's own doing, as if it had not linked the component.
        return replace(_failed(""), failure=None, exit=Exit(ExitReason.EXITED, 1), stderr=str(error).encode())
    except SceneUnavailableError as error:
        return replace(_failed(""), failure=None, unavailable=str(error))
    except (SceneError, PrepareError, ServingError, ValueError) as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"the sandbox cannot be made: {error}")


class _Performance:
    """What surrounds one run, made in the order in which its parts need each other; `stack` takes all of it down.

    Where a scene is set, a launcher is started in place of the host, and becomes it when the tree is filled and the
    peers are bound, which takes place inside the launcher's namespaces.
    """

    def __init__(self, environment: Environment, folder: Path, stack: ExitStack) -> None:
        self._environment = environment
        self._stack = stack
        self._folder = folder
        self._tree = folder / "tree"
        if environment.tree or environment.staged:
            self._tree.mkdir()
        self._root: int | None = None
        self._scene: Scene | None = None
        self.directories = tuple((self._tree / p.folder, p.name) for p in environment.preopens)
        self.peers: Peers | None = None
        self.files: Files | None = None
        self.wiring = wire(environment, folder)
        stack.callback(self.wiring.close)

    def start(self, command: tuple[str, ...], variables: Mapping[str, str]) -> HostProcess:
        """Set the scene and start the host in it."""
        scene: Scene | None = None
        if self._environment.staged:
            scene = self._scene = Scene(self._environment, self._folder)
            self._stack.callback(scene.close)
        else:
            self._furnish(os.open(self._tree, os.O_RDONLY | os.O_DIRECTORY) if self._environment.tree else None, None)
        try:
            process = HostProcess(
                command,
                environment=variables,
                cwd=self._folder,
                child=self.wiring.child,
                descriptors=self._environment.descriptors,
                launcher=scene,
            )
        except OSError as error:
            raise SceneError(f"the host cannot be started: {error}") from None
        self._stack.callback(process.reap)
        self.wiring.release_child()
        if scene is not None:
            scene.stage(STAGING_S)
            self._furnish(os.dup(scene.root) if self._environment.tree else None, scene)
            scene.go()
        if self.peers is not None:
            self.peers.host = process.pid
        return process

    def _furnish(self, root: int | None, scene: Scene | None) -> None:
        environment = self._environment
        if root is not None:
            self._root = root
            self._stack.callback(os.close, root)
            furnish(root, environment.tree)
            self._before = snapshot(root)
            self.files = Files(root)
            self._stack.callback(self.files.close)
        if environment.peers:
            self.peers = Peers(environment.peers) if scene is None else Peers(environment.peers, scene.make)
            self._stack.callback(self.peers.close)

    def conclude(self, run: Run) -> Run:
        """Add what the surroundings look like when the host has ended, and whether it met the errors put into them."""
        if self._scene is not None:
            unfired = self._scene.unfired()
            if len(unfired) == len(self._environment.injections):
                run = replace(run, unreached=tuple(unfired))
        if self._root is None:
            return run
        assert self.files is not None
        self.files.close()
        return replace(run, before=self._before, after=snapshot(self._root))


def _failed(why: str) -> Run:
    return Run(frames=(), anomalies=(), exit=Exit(ExitReason.EXITED, -1), stdout=b"", stderr=b"", failure=why)
