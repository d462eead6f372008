"""Shards of one run put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from wasicheck.report.results import Header, Results, ResultsError, key_of
from wasicheck.report.shards import Shard

Named = tuple[str, Results]
"""A run, and what errors call it: its file."""
_T = TypeVar("_T")

_ONE_RUN = "shards of one run have one version of wasicheck, one platform and the same hosts; `wasicheck diff` compares"


def merge(shards: Sequence[Named]) -> Results:
    """Put the shards of a run together; raise ResultsError where they are not all the shards of one run.

    The run began with the first of them and took as long as the longest. If one of them was stopped before its end,
    so was the run. Results are in the order of hosts and ids.
    """
    if not shards:
        raise ValueError("nothing to merge")
    first_name, first = shards[0]
    for name, run in shards[1:]:
        _same(first_name, first.header, name, run.header)
    _complete([(name, _shard(name, run)) for name, run in shards])
    for name, run in shards:
        _own(name, run)
    order = {host.label: index for index, host in enumerate(first.header.hosts)}
    results = sorted(
        (result for _, run in shards for result in run.results), key=lambda r: (order[r.host], r.id, r.flags)
    )
    header = replace(
        first.header,
        date=min(run.header.date for _, run in shards),
        selected=sum(run.header.selected for _, run in shards),
        shard=None,
    )
    seconds = [run.duration_s for _, run in shards if run.duration_s is not None]
    return Results(header, tuple(results), max(seconds) if len(seconds) == len(shards) else None)


def _same(first_name: str, first: Header, name: str, other: Header) -> None:
    """Raise ResultsError unless two headers are of one run."""

    def check(what: str, one: _T, another: _T) -> None:
        if one != another:
            raise ResultsError(name, 1, f"{what} {another}; {first_name} has {one}", _ONE_RUN)

    check("the version of wasicheck is", first.suite_version, other.suite_version)
    check("the platform is", first.platform, other.platform)
    check("the hosts are", *(", ".join(host.label for host in header.hosts) or "none" for header in (first, other)))
    for one, another in zip(first.hosts, other.hosts, strict=True):
        check(f"{one.label} says it is version", one.version, another.version)
        check(f"{one.label} has the flags", " ".join(one.flags), " ".join(another.flags))


def _shard(name: str, run: Results) -> Shard:
    if run.header.shard is None:
        hint = "`wasicheck merge` takes what `wasicheck run --shard 1/4 --json FILE` and its like wrote"
        raise ResultsError(name, 1, "the file is a whole run, not a shard", hint)
    return run.header.shard


def _complete(shards: Sequence[tuple[str, Shard]]) -> None:
    """Raise ResultsError unless these are all the shards of one split, each of them once."""
    first_name, first = shards[0]
    found: dict[int, str] = {}
    for name, shard in shards:
        if shard.count != first.count:
            hint = "give the shards of one run only"
            raise ResultsError(name, 1, f"the file is shard {shard}; {first_name} is shard {first}", hint)
        if shard.index in found:
            hint = "give each shard once"
            raise ResultsError(name, 1, f"the file is shard {shard}; so is {found[shard.index]}", hint)
        found[shard.index] = name
    missing = [str(Shard(index, first.count)) for index in range(1, first.count + 1) if index not in found]
    if missing:
        what = f"shard {missing[0]} is missing" if len(missing) == 1 else f"shards {', '.join(missing)} are missing"
        raise ResultsError(first_name, 0, f"{what}: the file is one of {first.count}", "give all shards of the run")


def _own(name: str, run: Results) -> None:
    """Raise ResultsError where a shard has a result that belongs to another one."""
    shard = run.header.shard
    assert shard is not None
    for result in run.results:
        if not shard.holds(result.id):
            id, host, _ = key_of(result)
            what = f"the result of {id} on {host} does not belong to shard {shard}"
            raise ResultsError(name, 0, what, "the file was edited: repeat the run of this shard")
