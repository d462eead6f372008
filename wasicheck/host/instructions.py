"""What the harness tells a launcher: the surroundings of one host, in the terms of the kernel."""

from __future__ import annotations

from typing import TypedDict


class Instructions(TypedDict):
    """What is to be made; paths are absolute."""

    mounts: bool
    """Whether a mount namespace is needed."""
    network: bool
    """Whether a network namespace is needed."""
    tree: str
    tmpfs: list[tuple[str, str]]
    """Directories, made if need be, and the options of the file systems put there."""
    devices: list[tuple[str, str | None]]
    """Where devices are to appear, and which; None: a block device, made for it as this machine shows none."""
    over: list[tuple[str, str]]
    """Files, and where they are to appear."""
    hidden: list[str]
    """Directories that are to be empty, if they exist."""
    addresses: list[tuple[int, int, str]]
    """Address family, length of the prefix, address, for the loopback interface."""
    routes: list[tuple[int, int, str, int]]
    """Address family, length of the prefix, destination, type of the route."""
    settings: dict[str, str]
    """Files below /proc/sys/net and what is written to them, before the harness makes its sockets."""
    late_settings: dict[str, str]
    """The same, after it has."""
    binds: list[tuple[str, bool]]
    """What is to be mounted onto itself when the tree is filled, and whether read-only."""
    powerless: bool
    """Whether the host must have no capability, whoever it runs as."""
    filter: str | None
    """A classic BPF program for system calls, in hexadecimal."""
    system_call: int
    """The number of `seccomp` on this machine."""
    closed: list[int]
    """Standard streams that the host must not have."""
    limits: dict[str, int]
    """Names of limits (`RLIMIT_FSIZE`) and their values."""
