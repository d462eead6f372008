"""What is the user's to put right, and how it is told."""

from __future__ import annotations

import sys


class InputError(Exception):
    """Something that was given, or a place that was named, cannot be used; `str()` says why, and the way out."""


def complain(message: str) -> None:
    """Tell the user of something that is wrong."""
    sys.stderr.write(f"wasicheck: {message}\n")
