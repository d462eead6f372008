"""Many vectors on hosts, several at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wasicheck.judge.judge import errored
from wasicheck.judge.model import Result
from wasicheck.session import HostSession
from wasicheck.vectors.listing import Listed
from wasicheck.vectors.loader import read
from wasicheck.vectors.names import Names
from wasicheck.vectors.source import VectorError
from wasicheck.workers import Died, Workers, start_workers

WAITS = "waits"
"""The tag of vectors that spend their time waiting, so that others can run meanwhile."""


@dataclass(frozen=True)
class BatchTask:
    """Running the vector of a number on the host of that number: all vectors on one host, then on the next."""

    sessions: Sequence[HostSession]
    vectors: Sequence[Listed]
    names: Names

    def __len__(self) -> int:
        return len(self.sessions) * len(self.vectors)

    def at(self, index: int) -> tuple[HostSession, Listed]:
        """The host and the vector of a number."""
        host, vector = divmod(index, len(self.vectors))
        return self.sessions[host], self.vectors[vector]

    def waits(self, index: int) -> bool:
        """Whether running it is mostly waiting: by its tag, or because that host is known to time out on it."""
        session, listed = self.at(index)
        return WAITS in listed.tags or session.times_out(listed.id)

    def __call__(self, index: int, /) -> Result | VectorError:
        session, listed = self.at(index)
        try:
            return session.run(read(listed, self.names))
        except VectorError as error:
            return error

    def close(self) -> None:
        """End the helper processes of the sessions."""
        for session in self.sessions:
            session.close()


@dataclass(frozen=True)
class Batch:
    """Vectors to be run on hosts by workers that have been started; a context manager, which ends them."""

    task: BatchTask
    workers: Workers[Result | VectorError]

    def run(
        self, *, seed: int | None = None, report: Callable[[Result], None], problem: Callable[[VectorError], None]
    ) -> tuple[Result, ...]:
        """Run everything; `report` gets each result as it comes, `problem` each vector that is not valid, once.

        `seed`: in a random order that the number fixes. Results are returned in the order of hosts and vectors.
        """
        order = list(range(len(self.task)))
        if seed is not None:
            random.Random(seed).shuffle(order)
        results: dict[int, Result] = {}
        problems: set[str] = set()
        waiting = {index for index in order if self.task.waits(index)}
        idle = [index for index in order if index in waiting]
        busy = [index for index in order if index not in waiting]
        for index, outcome in self.workers.outcomes(busy, idle):
            match outcome:
                case VectorError():
                    if str(outcome) not in problems:
                        problems.add(str(outcome))
                        problem(outcome)
                case Died():
                    session, listed = self.task.at(index)
                    results[index] = errored(listed, session.host.label, session.build.flags, str(outcome))
                    report(results[index])
                case Result():
                    results[index] = outcome
                    report(outcome)
        return tuple(results[index] for index in sorted(results))


def start_batch(sessions: Iterable[HostSession], vectors: Sequence[Listed], names: Names, *, jobs: int) -> Batch:
    """Start workers for running vectors on hosts, `jobs` at a time."""
    task = BatchTask(tuple(sessions), vectors, names)
    return Batch(task, start_workers(min(jobs, max(1, len(task))), task))
