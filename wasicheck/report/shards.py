"""Shards: a run split over several machines, so that each vector is in one of them and stays there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

_FORM = re.compile(r"([0-9]{1,4})/([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 1) of a run that is split into `count` parts; `str()` is `2/4`."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, id: str) -> bool:
        """Whether the vector of this id belongs to the shard.

        That depends on nothing but the id: whatever else is selected, a vector stays in its shard.
        """
        return int.from_bytes(sha256(id.encode()).digest()[:8], "big") % self.count == self.index - 1


def parse_shard(text: str) -> Shard:
    """Parse `2/4`; raise ValueError, whose text says what is expected."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a shard such as 2/4, the second of four; found {text!r}")
    shard = Shard(int(found[1]), int(found[2]))
    if not 1 <= shard.index <= shard.count:
        raise ValueError(f"there is no shard {text}: shards are counted from 1 to how many there are")
    return shard
