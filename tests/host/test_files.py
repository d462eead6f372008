"""What the harness does to files while the guest runs."""

import errno
import os
import time
from pathlib import Path, PurePosixPath

import pytest

from wasicheck.host import files as module
from wasicheck.host.files import Files
from wasicheck.host.trees import furnish, snapshot
from wasicheck.judge.run import HarnessOutcome
from wasicheck.vectors.staging import Execute, Hold, Put, Release, Remove, Rename, Swap, Symlink
from wasicheck.vectors.surroundings import Directory, Fifo, RegularFile, SymbolicLink, TreeEntry

DONE = HarnessOutcome()


def path(text):
    return PurePosixPath(text)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    contents = {
        "d": Directory(),
        "d/a": RegularFile(b"old content"),
        "d/sub": Directory(files=2),
        "d/sub/hex\udcff": RegularFile(),
        "d/link": SymbolicLink("../outside"),
        "d/pipe": Fifo(),
    }
    furnish(descriptor, tuple(TreeEntry(path(name), content) for name, content in contents.items()))
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def files(root):
    found = Files(root)
    yield found
    found.close()


def test_put_makes_a_file(files, root):
    assert files.do(Put(path("d/new"), b"x")) == DONE
    assert snapshot(root)[path("d/new")].content == b"x"


def test_put_keeps_the_file_that_is_there(files, root):
    before = snapshot(root)[path("d/a")]
    assert files.do(Put(path("d/a"), b"x")) == DONE
    after = snapshot(root)[path("d/a")]
    assert (after.content, after.identity) == (b"x", before.identity)


def test_remove_takes_all_that_is_in_a_directory(files, root):
    assert files.do(Remove(path("d/sub"))) == DONE
    assert files.do(Remove(path("d/link"))) == DONE
    assert {str(p) for p in snapshot(root)} == {"d", "d/a", "d/pipe"}


def test_rename_and_symlink(files, root):
    assert files.do(Rename(path("d/a"), path("d/sub/b"))) == DONE
    assert files.do(Symlink(path("d/l"), "a/\udcff")) == DONE
    seen = snapshot(root)
    assert seen[path("d/sub/b")].content == b"old content"
    assert seen[path("d/l")].target == "a/\udcff"
    assert path("d/a") not in seen


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Put(path("d/link"), b""), "cannot put d/link: Too many levels"),
        (Put(path("d/pipe"), b""), "cannot put d/pipe: "),
        (Put(path("d/none/a"), b""), "cannot put d/none/a: No such file"),
        (Put(path("d/link/a"), b""), "cannot put d/link/a: Not a directory"),
        (Put(path("d/sub"), b""), "cannot put d/sub: Is a directory"),
        (Remove(path("d/none")), "cannot remove d/none: No such file"),
        (Rename(path("d/none"), path("d/x")), "cannot rename d/none: No such file"),
        (Symlink(path("d/a"), "x"), "cannot symlink d/a: File exists"),
        (Execute(path("d/a")), "cannot execute d/a: File exists"),
        (Swap(path("d/a"), path("d/none")), "cannot swap d/a: No such file"),
        (Hold(path("d/a")), "cannot hold d/a: it is no named pipe"),
        (Release(path("d/pipe")), "cannot release d/pipe: it is not held"),
    ],
)
def test_what_cannot_be_done(files, root, action, words):
    before = snapshot(root)
    outcome = files.do(action)
    assert words in outcome.failure
    assert not outcome.waited
    assert snapshot(root) == before


def test_a_program_is_busy_until_the_end(files, root):
    before = snapshot(root)
    assert files.do(Execute(path("d/prog"))) == DONE
    with pytest.raises(OSError) as refused:  # noqa: PT011
        os.open("d/prog", os.O_WRONLY, dir_fd=root)
    assert refused.value.errno == errno.ETXTBSY
    files.close()
    assert snapshot(root).keys() == before.keys()


def test_a_program_that_was_touched_stays(files, root):
    files.do(Execute(path("d/prog")))
    os.chmod("d/prog", 0o700, dir_fd=root)
    files.close()
    assert snapshot(root)[path("d/prog")].mode == 0o700


def test_a_program_that_was_replaced_stays(files, root):
    files.do(Execute(path("d/prog")))
    os.unlink("d/prog", dir_fd=root)
    files.do(Put(path("d/prog"), b"x"))
    files.close()
    assert snapshot(root)[path("d/prog")].content == b"x"


def test_there_is_no_program(files, root, monkeypatch):
    monkeypatch.setattr(module, "PROGRAM", "no-such-program")
    outcome = files.do(Execute(path("d/prog")))
    assert "there is no program `no-such-program` here" in outcome.failure
    assert path("d/prog") not in snapshot(root)


def test_swapped_names_are_back_in_the_end(files, root):
    assert files.do(Swap(path("d/sub"), path("d/link"))) == DONE
    kinds = set()
    until = time.monotonic() + 5
    while len(kinds) < 2 and time.monotonic() < until:
        kinds.add(os.stat("d/link", dir_fd=root, follow_symlinks=False).st_mode)
    assert len(kinds) == 2
    files.close()
    seen = snapshot(root)
    assert seen[path("d/link")].target == "../outside"
    assert path("d/sub/f00000") in seen


def test_a_name_that_is_taken_away_meanwhile_ends_no_swap(files, root):
    files.do(Swap(path("d/a"), path("d/link")))
    os.rename("d/a", "kept", src_dir_fd=root, dst_dir_fd=root)
    time.sleep(0.005)
    os.rename("kept", "d/a", src_dir_fd=root, dst_dir_fd=root)
    files.close()
    assert {path("d/a"), path("d/link")} <= snapshot(root).keys()


def test_a_held_pipe_has_a_reader_and_a_writer(files, root):
    assert files.do(Hold(path("d/pipe"))) == DONE
    assert "it is held already" in files.do(Hold(path("d/pipe"))).failure
    writer = os.open("d/pipe", os.O_WRONLY | os.O_NONBLOCK, dir_fd=root)
    assert os.write(writer, b"x") == 1
    assert files.do(Release(path("d/pipe"))) == DONE
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    os.close(writer)


def test_nothing_is_left_open(root):
    before = descriptors()
    files = Files(root)
    for action in (Execute(path("d/prog")), Swap(path("d/a"), path("d/link")), Hold(path("d/pipe"))):
        assert files.do(action) == DONE
    files.close()
    files.close()
    assert descriptors() == before
