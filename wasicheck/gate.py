"""What `--baseline` and `--shard` ask of a run, for the command line and for pytest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wasicheck.judge.baseline import Baseline, baseline_of
from wasicheck.report.differences import counterpart
from wasicheck.report.reading import read_results
from wasicheck.report.results import HostInfo, ResultsError


def read_baselines(path: Path, hosts: Sequence[HostInfo]) -> Mapping[str, Baseline]:
    """Read an earlier run as the baseline of each of these hosts, by label.

    The baseline of a host is that of the same label, or else of the only host of its name. Raises ResultsError for a
    file that is none of ours, for a run that was stopped before its end, and for one that lacks a host or was made with
    other guests.
    """
    earlier = read_results(path)
    if earlier.truncated:
        raise ResultsError(str(path), 0, "the baseline has no footer: its run was stopped", "record a whole run")
    found: dict[str, Baseline] = {}
    for host in hosts:
        before = counterpart(host, earlier.header.hosts, alone=False)
        if before is None:
            known = ", ".join(h.label for h in earlier.header.hosts) or "none"
            hint = f"record one: wasicheck run --host {host.label} --json {path}"
            raise ResultsError(str(path), 1, f"the baseline has no results of {host.label}, only of {known}", hint)
        if before.flags != host.flags:
            what = f"the baseline's guests are {' '.join(before.flags)}; this run's are {' '.join(host.flags)}"
            raise ResultsError(str(path), 1, what, "use the same --abi and --lower")
        name = f"the baseline {before.label}"
        found[host.label] = baseline_of(name, (r for r in earlier.results if r.host == before.label))
    return found
