"""Tasks done by several processes: nothing is lost, whatever becomes of a worker."""

import os
import signal
import time
from pathlib import Path

import pytest

from wasicheck.vectors.source import VectorError
from wasicheck.workers import Died, Workers, start_workers


class Squares:
    """Squares numbers; leaves a file for each process that was told to clean up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, index: int, /) -> tuple[int, int]:
        return index * index, os.getpid()

    def close(self) -> None:
        (self.folder / str(os.getpid())).touch()


@pytest.mark.parametrize("count", [1, 3])
def test_every_task_is_done_once_and_every_process_cleans_up(tmp_path, count):
    with start_workers(count, Squares(tmp_path)) as workers:
        outcomes = dict(workers.outcomes(range(12), range(12, 20)))
    assert {index: square for index, (square, _) in outcomes.items()} == {n: n * n for n in range(20)}
    processes = {process for _, process in outcomes.values()}
    assert (processes == {os.getpid()}) is (count == 1)
    assert processes <= {int(path.name) for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == (count if count == 1 else count + 1)


class Naps(Squares):
    """Takes a while without doing anything."""

    def __call__(self, index: int, /) -> tuple[int, int]:
        time.sleep(0.2)
        return super().__call__(index)


def test_what_only_waits_is_done_beside_the_rest(tmp_path):
    with start_workers(2, Naps(tmp_path)) as workers:
        outcomes = dict(workers.outcomes([0, 1], [2]))
    assert len({process for _, process in outcomes.values()}) == 3, "three at once, each in a process of its own"


class Faulty(Squares):
    """Fails at some numbers."""

    def __call__(self, index: int, /) -> tuple[int, int]:
        match index:
            case 3:
                os.kill(os.getpid(), signal.SIGKILL)
            case 5:
                os._exit(7)
            case 8:
                raise VectorError("v.yaml", 1, 2, "no such thing", "another")
            case 9:
                raise ValueError(lambda: "an argument that no pipe carries")
            case 11:
                time.sleep(60)
        return super().__call__(index)


def test_a_task_whose_worker_dies_is_told_and_the_others_are_done(tmp_path):
    with start_workers(2, Faulty(tmp_path)) as workers:
        # So many that workers are given the next one as well: what they die before is done by others.
        asked = (*range(8), *range(20, 60))
        told = list(workers.outcomes(asked))
    outcomes = dict(told)
    assert {i: o for i, o in outcomes.items() if isinstance(o, Died)} == {3: Died(-signal.SIGKILL), 5: Died(7)}
    assert sorted(index for index, _ in told) == list(asked)
    assert str(Died(-9)) == "the process of wasicheck that ran it died (signal 9)"
    assert str(Died(7)) == "the process of wasicheck that ran it died (exit status 7)"


def test_what_a_task_raises_is_raised_here(tmp_path):
    with start_workers(2, Faulty(tmp_path)) as workers, pytest.raises(VectorError, match="no such thing") as found:
        list(workers.outcomes([8]))
    assert "Faulty" not in str(found.value)
    assert any("__call__" in note for note in found.value.__notes__)


def test_an_error_that_cannot_be_sent_is_told_in_words(tmp_path):
    with start_workers(2, Faulty(tmp_path)) as workers, pytest.raises(RuntimeError, match="ValueError: <function"):
        list(workers.outcomes([9]))


def interrupted(workers: Workers[tuple[int, int]]) -> None:
    with workers:
        for _ in workers.outcomes([11, 1]):
            raise KeyboardInterrupt


def test_workers_are_ended_in_the_middle_of_their_work(tmp_path):
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted(start_workers(2, Faulty(tmp_path)))
    assert time.monotonic() - began < 5
    assert len(list(tmp_path.iterdir())) == 3, "all have cleaned up"
