"""What a run writes besides its results: the header, and the files a user asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from wasicheck import __version__
from wasicheck.errors import InputError
from wasicheck.guest.compiler import Build
from wasicheck.host.host import Host
from wasicheck.report.results import Header, HostInfo, open_stream
from wasicheck.report.shards import Shard
from wasicheck.resources import data_folder
from wasicheck.session import platform_name
from wasicheck.vectors.requirements import load_requirements


class OutputError(InputError):
    """A file that cannot be written; `str()` is the message."""


def host_infos(hosts: Sequence[Host], build: Build) -> tuple[HostInfo, ...]:
    """The hosts of a run as its results describe them."""
    return tuple(HostInfo(h.label, h.runner.name, str(h.version), build.flags) for h in hosts)


def run_header(
    hosts: Sequence[Host], build: Build, started: datetime, selected: int, shard: Shard | None = None
) -> Header:
    """The header of a run's results; `selected` and `shard` as in `Header`."""
    return Header(
        suite_version=__version__,
        hosts=host_infos(hosts, build),
        platform=platform_name(),
        date=started,
        selected=selected,
        shard=shard,
    )


def provenance() -> Mapping[str, str]:
    """The provenance of each of the project's requirements, by id; raise `VectorError`."""
    catalogue = load_requirements(data_folder("vectors") / "requirements")
    return {id: requirement.provenance.value for id, requirement in catalogue.items()}


def open_results(path: Path) -> BinaryIO:
    """Open a file for results as JSON lines, its folder made; raise `OutputError`."""
    try:
        return open_stream(path)
    except OSError as error:
        raise OutputError(f"the results cannot be written: {error}") from error


def write_report(path: Path, content: str | bytes, what: str = "a report") -> None:
    """Write a whole file, its folder made; raise `OutputError`, which says that `what` cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        raise OutputError(f"{what} cannot be written: {error}") from error
