"""What the canonical ABI refuses."""

from __future__ import annotations


class AbiError(ValueError):
    """A trap of the canonical ABI, or a value or type that it has no representation for."""
