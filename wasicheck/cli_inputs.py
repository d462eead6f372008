"""What several commands take: vectors and requirements, and how they complain of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from wasicheck.resources import data_folder
from wasicheck.session import list_vectors, load_vectors
from wasicheck.vectors.listing import Listing
from wasicheck.vectors.loader import Suite
from wasicheck.vectors.requirements import Requirement, load_requirements


@dataclass(frozen=True)
class UsageError(Exception):
    """Something the user gave that cannot be used; `str()` is the message."""

    message: str

    def __str__(self) -> str:
        return self.message


def complain(message: str) -> None:
    """Tell the user of something that is wrong."""
    sys.stderr.write(f"wasicheck: {message}\n")


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
