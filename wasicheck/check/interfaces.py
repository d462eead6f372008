"""The surface of a host, interface by interface, as results: what a survey says of each interface that its worlds have.

unsupported   a function or type that a host of the world has to have is refused
skip          linking tells nothing, or what there is to tell is only about something unstable
pass          everything stable is linked
error         no guest starts, so nothing was found out
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wasicheck.check.host import Entry, HostSurvey, Status, WorldSurvey, declared_types, surveyed
from wasicheck.judge.model import Result, Verdict
from wasicheck.vectors.listing import SURFACE
from wasicheck.vectors.model import Level
from wasicheck.wit.types import Wit


def interface_ids(wit: Wit, worlds: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Return the id of each result that a survey of these worlds gives, with its world and interface."""
    found: dict[str, tuple[str, str]] = {}
    interfaces = surveyed(wit)
    for world in worlds:
        offered = {item.name for item in wit.world(world).imports}
        for interface in interfaces:
            # In one that has nothing but aliases of types there is nothing to look for.
            if interface.id in offered and (interface.functions or declared_types(interface)):
                found[_id(world, interface.id)] = (world, interface.id)
    return found


def interface_results(survey: HostSurvey, wit: Wit, spec: str) -> Mapping[str, Result]:
    """Return what a survey found out of each interface that the surveyed worlds have, by id.

    `spec` is what to write after `--host` to get the host.
    """
    found: dict[str, Result] = {}
    for world in survey.worlds:
        entries: dict[str, list[Entry]] = {}
        for entry in (*world.functions, *world.types):
            entries.setdefault(entry.item.partition("#")[0], []).append(entry)
        for id, (_, interface) in interface_ids(wit, [world.world]).items():
            verdict, reason = _verdict(world, entries.get(interface, []))
            found[id] = Result(
                id=id,
                title=f"A guest of {world.world} can import all of {interface}",
                interface=interface,
                host=survey.host,
                verdict=verdict,
                level=Level.MUST,
                requirements=(),
                place=interface,
                flags=(),
                steps=(),
                reason=reason,
                exit="",
                stdout="",
                stderr="",
                duration_s=0.0,
                command=f"wasicheck check host --host {spec}",
            )
    return found


def _id(world: str, interface: str) -> str:
    """`surface-command-sockets-types` of a world and an interface."""
    package, _, name = interface.partition("@")[0].partition(":")[2].partition("/")
    return f"{SURFACE}{world.partition('@')[0].rpartition('/')[2]}-{package}-{name}"


def _verdict(world: WorldSurvey, entries: Sequence[Entry]) -> tuple[Verdict, str]:
    if world.problem is not None:
        return Verdict.ERROR, f"nothing was found out: {world.problem}"
    if lacking := [e for e in entries if e.lacking]:
        words = "".join(f"\n{e.item} is {e.status}: {e.message.strip()}" for e in lacking)
        return Verdict.UNSUPPORTED, f"{_share(lacking, entries)} refused: {_names(lacking)}\n{words}"
    if unknown := [e for e in entries if e.status is Status.UNKNOWN]:
        reasons = dict.fromkeys(e.message for e in unknown)
        return Verdict.SKIP, f"{_share(unknown, entries)} not told by linking: {'; '.join(reasons)}"
    if all(e.unstable for e in entries) and any(e.status is not Status.LINKED for e in entries):
        return Verdict.SKIP, f"the host does not offer the unstable feature {', '.join(_features(entries))}"
    missing = [e for e in entries if e.status is not Status.LINKED]
    return Verdict.PASS, f"unstable, and not there: {_names(missing)}" if missing else ""


def _share(part: Sequence[Entry], whole: Sequence[Entry]) -> str:
    verb = "is" if len(part) == 1 else "are"
    return f"{len(part)} of {len(whole)} functions and types {verb}"


def _names(entries: Iterable[Entry]) -> str:
    return ", ".join(e.item.partition("#")[2] for e in entries)


def _features(entries: Iterable[Entry]) -> dict[str, None]:
    return dict.fromkeys(e.unstable for e in entries if e.unstable is not None)
