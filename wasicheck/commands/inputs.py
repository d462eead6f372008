"""What several commands take: vectors, requirements and builds."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasicheck.errors import InputError, complain
from wasicheck.guest.compiler import Build
from wasicheck.resources import data_folder
from wasicheck.session import list_vectors, load_vectors, select
from wasicheck.vectors.listing import Listed, Listing
from wasicheck.vectors.loader import Suite, read
from wasicheck.vectors.model import Lift, Lowering, Vector
from wasicheck.vectors.requirements import Requirement, load_requirements
from wasicheck.vectors.source import suggest


@dataclass(frozen=True)
class UsageError(InputError):
    """Something the user gave that cannot be used; `str()` is the message."""

    message: str

    def __str__(self) -> str:
        return self.message


def suite_of(folder: Path | None) -> Suite:
    """Load the project's vectors, or those of a folder; raise UsageError if there is none."""
    return load_vectors(_existing(folder))


def listing_of(folder: Path | None) -> Listing:
    """List the project's vectors, or those of a folder; raise UsageError if there is none."""
    return list_vectors(_existing(folder))


def _existing(folder: Path | None) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: --vectors takes a folder of vector files")
    return folder


def report_problems(source: Suite | Listing) -> None:
    """Tell the user of the vectors that do not load, or cannot even be listed."""
    for problem in source.problems:
        complain(str(problem))


def requirements_of(folder: Path | None) -> dict[str, Requirement]:
    """Load the project's requirements, and those of a folder of vectors of one's own."""
    own = load_requirements(folder / "requirements") if folder is not None else {}
    return {**load_requirements(data_folder("vectors") / "requirements"), **own}


def build_of(options: argparse.Namespace) -> Build:
    """How guests are to be built."""
    return Build(Lift(options.abi), Lowering(options.lower))


def selected(options: argparse.Namespace, listing: Listing) -> tuple[Listed, ...]:
    """The vectors that are asked for; raise UsageError for an id that there is none of."""
    for pattern in options.ids:
        if not any(c in pattern for c in "*?[") and pattern not in listing.vectors:
            raise _no_vector(pattern, listing)
    return select(listing, options.ids, options.keyword, options.package, getattr(options, "shard", None))


def _no_vector(id: str, listing: Listing) -> UsageError:
    return UsageError(f"there is no vector `{id}`; {suggest(id, listing.vectors) or 'see `wasicheck list`'}")


def one(options: argparse.Namespace) -> Vector:
    """Read the vector that a command is about; raise `VectorError` if it is not valid."""
    listing = listing_of(options.vectors)
    listed = listing.vectors.get(options.id)
    if listed is None:
        report_problems(listing)
        raise _no_vector(options.id, listing)
    return read(listed, listing.names)
