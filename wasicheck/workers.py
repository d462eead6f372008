"""Tasks done by several processes at once, forked from this one, so that they have all that it has.

Where there is no fork that can be relied on, threads do the same, more slowly: they share one interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

ENDING_S = 10.0
"""How long a worker may take to clean up before it is killed, in seconds."""

_ENDING = (signal.SIGTERM, signal.SIGINT)
"""What tells a worker to end."""


class Task(Protocol[T_co]):
    """What workers do, for one number after the other."""

    def __call__(self, index: int, /) -> T_co:
        """Do the work of that number; KeyboardInterrupt may be raised at any time in between."""

    def close(self) -> None:
        """End what the work has left running. Each process that did some calls this once."""


@dataclass(frozen=True)
class Died:
    """What comes of a task whose worker died of it; `status` is an exit status, or minus a signal."""

    status: int

    def __str__(self) -> str:
        how = f"signal {-self.status}" if self.status < 0 else f"exit status {self.status}"
        return f"the process of wasicheck that ran it died ({how})"


class Workers(Protocol[T_co]):
    """Workers for the length of a `with` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def outcomes(self, indices: Sequence[int], idle: Sequence[int] = ()) -> Iterator[tuple[int, T_co | Died]]:
        """Do the task for each index, and yield what came of each as it comes; what a task raises is raised here.

        `idle` are tasks that spend their time waiting: one of them is under way beside the others.
        """


def start_workers(count: int, task: Task[T]) -> Workers[T]:
    """Workers that run when this returns, before the caller starts threads; one alone is this process itself."""
    if count == 1:
        return _Here(task)
    return _Processes(count, task) if sys.platform == "linux" else _Threads(count, task)


class _Here(Generic[T]):
    """No worker: the tasks are done in this process, one after the other."""

    def __init__(self, task: Task[T]) -> None:
        self._task = task

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.close()

    def outcomes(self, indices: Sequence[int], idle: Sequence[int] = ()) -> Iterator[tuple[int, T | Died]]:
        for index in (*indices, *idle):
            yield index, self._task(index)


class _Threads(_Here[T]):
    """Threads of this process."""

    def __init__(self, count: int, task: Task[T]) -> None:
        super().__init__(task)
        self._pool, self._beside = ThreadPoolExecutor(count), ThreadPoolExecutor(1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in (self._pool, self._beside):
            pool.shutdown(wait=True, cancel_futures=True)
        super().__exit__(kind, error, trace)

    def outcomes(self, indices: Sequence[int], idle: Sequence[int] = ()) -> Iterator[tuple[int, T | Died]]:
        futures: dict[Future[T], int] = {self._pool.submit(self._task, index): index for index in indices}
        futures |= {self._beside.submit(self._task, index): index for index in idle}
        for future in as_completed(futures):
            yield futures[future], future.result()


@dataclass
class _Worker:
    process: multiprocessing.process.BaseProcess
    connection: Connection
    beside: bool
    """Whether it does nothing but what is waiting most of the time."""
    indices: deque[int] = field(default_factory=deque)
    """What it is doing, and what it does next."""


@dataclass(frozen=True)
class _Raised:
    """An exception that a task raised, and its traceback."""

    error: BaseException
    trace: str


class _Processes(Generic[T]):
    """Forked processes, each with a pipe on which it gets a number and the next one; none is lost with it."""

    def __init__(self, count: int, task: Task[T]) -> None:
        self._task = task
        self._workers: list[_Worker] = []
        try:
            for number in range(count + 1):
                self._workers.append(self._fork(beside=number == count))
        except BaseException:
            self._end(patience_s=0.0)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for worker in self._workers:
                worker.process.terminate()
        self._end(ENDING_S)

    def outcomes(self, indices: Sequence[int], idle: Sequence[int] = ()) -> Iterator[tuple[int, T | Died]]:
        queues = deque(indices), deque(idle)
        for worker in self._workers:
            self._give(worker, *queues)
        while busy := {w.connection: w for w in self._workers if w.indices}:
            for ready in wait(tuple(busy)):
                assert isinstance(ready, Connection)
                worker = busy[ready]
                index = worker.indices.popleft()
                answer: T | Died | _Raised
                try:
                    answer = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    worker.process.join()
                    worker.connection.close()
                    answer = Died(worker.process.exitcode or 0)
                    self._workers.remove(worker)
                    queues[worker.beside].extendleft(reversed(worker.indices))
                    worker = self._fork(worker.beside)
                    self._workers.append(worker)
                if isinstance(answer, _Raised):
                    answer.error.add_note(answer.trace)
                    raise answer.error
                self._give(worker, *queues)
                yield index, answer

    def _give(self, worker: _Worker, busy: deque[int], idle: deque[int]) -> None:
        """Give a worker something to do, and the next thing as well: else it would have to wait for this process."""
        ahead = not worker.beside and len(busy) > 2 * len(self._workers)
        while len(worker.indices) < 1 + ahead:
            queue = busy if busy and not worker.beside else idle
            if not queue:
                return
            worker.indices.append(queue.popleft())
            # If it is dead, its answer says so.
            with suppress(BrokenPipeError):
                worker.connection.send(worker.indices[-1])

    def _fork(self, beside: bool) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        others = [worker.connection for worker in self._workers]
        process = multiprocessing.get_context("fork").Process(
            target=_work, args=(self._task, theirs, (ours, *others)), daemon=False
        )
        # Told to end before it can clean up, it would just die.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        return _Worker(process, ours, beside)

    def _end(self, patience_s: float) -> None:
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(patience_s)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _work(task: Task[object], connection: Connection, inherited: Sequence[Connection]) -> None:
    """The life of a worker: it ends when the other end of its pipe is closed, or when it is told to end."""
    for number in _ENDING:
        signal.signal(number, signal.default_int_handler)
    # With a copy of another's pipe here, that one would not see that it was closed.
    for other in inherited:
        other.close()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        while True:
            index = connection.recv()
            try:
                answer = task(index)
            except Exception as error:
                answer = _raised(error)
            connection.send(answer)
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        # What follows is the clean-up; a second signal must not interrupt that.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
    finally:
        task.close()
        # Nothing of this process's parent is to run here: no exit handler, no buffer written twice.
        os._exit(0)


def _raised(error: Exception) -> _Raised:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return _Raised(error, trace)
