"""An order in which everything comes after what it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from wasicheck.wit.errors import WitError, quote
from wasicheck.wit.types import Position

_LONGEST_CYCLE = 5


def in_order(references: Mapping[str, Mapping[str, Position]], what: str) -> tuple[str, ...]:
    """Return the nodes so that each follows all that it refers to.

    `references` gives for each node those it refers to, with the place where it does; `what` names the nodes in the
    error, in the plural. Raises WitError at one of the references of a cycle.
    """
    try:
        return tuple(TopologicalSorter(references).static_order())
    except CycleError as error:
        # Each node of the list is referred to by the next one, and the last is the first again.
        cycle = error.args[1][:0:-1]
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[:first]]
        shown = [quote(n) for n in cycle[:_LONGEST_CYCLE]] + ["…"] * (len(cycle) > _LONGEST_CYCLE) + [quote(cycle[0])]
        message = f"expected {what} without a cycle, found {' → '.join(shown)}"
        raise WitError.at(
            references[cycle[0]][cycle[1 % len(cycle)]], message, "take one of these references out"
        ) from None
