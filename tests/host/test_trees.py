"""Trees on disk: what is made, what is seen of it, and what cannot be made."""

import errno
import os
import stat
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest

from wasicheck.host import trees
from wasicheck.host.sandbox import SceneError, SceneUnavailableError, fresh_folder
from wasicheck.host.trees import furnish, snapshot
from wasicheck.vectors.surroundings import (
    Directory,
    EntryKind,
    Fifo,
    HardLink,
    RegularFile,
    SymbolicLink,
    TreeEntry,
    UnixSocket,
)

SECOND = 1_000_000_000
NOBODY = 65534


def path(text):
    return PurePosixPath(text)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def entries(**contents):
    """Entries by their paths, `__` for a slash."""
    return tuple(TreeEntry(path(name.replace("__", "/")), content) for name, content in contents.items())


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(params=[0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_everything_that_can_lie_in_a_tree(root):
    furnish(
        root,
        (
            *entries(
                data=Directory(mode=0o750, modified=7 * SECOND),
                data__a=RegularFile(b"hello", mode=0o4640, modified=-5, accessed=9 * SECOND),
                data__plain=RegularFile(),
                data__hole=RegularFile(b"x", size=1 << 33),
                data__sub=Directory(),
                data__link=SymbolicLink("../../etc/hex(ff)/\udcff"),
                data__dangling=SymbolicLink("/nowhere/"),
                data__pipe=Fifo(),
                data__sock=UnixSocket(),
            ),
            TreeEntry(path("data/f\udcff"), RegularFile(b"?")),
            TreeEntry(path("data/sub/same"), HardLink(path("data/a"))),
        ),
    )
    seen = snapshot(root)
    told = {
        str(where): (entry.kind, entry.mode, entry.size, entry.links, entry.content, entry.target)
        for where, entry in seen.items()
        if entry.kind not in (EntryKind.DIRECTORY, EntryKind.SYMLINK)
    }
    assert told == {
        "data/a": (EntryKind.FILE, 0o4640, 5, 2, b"hello", None),
        "data/sub/same": (EntryKind.FILE, 0o4640, 5, 2, b"hello", None),
        "data/plain": (EntryKind.FILE, 0o644, 0, 1, b"", None),
        "data/hole": (EntryKind.FILE, 0o644, 1 << 33, 1, None, None),
        "data/pipe": (EntryKind.FIFO, 0o644, 0, 1, None, None),
        "data/sock": (EntryKind.SOCKET, 0o644, 0, 1, None, None),
        "data/f\udcff": (EntryKind.FILE, 0o644, 1, 1, b"?", None),
    }
    assert {str(w): e.target for w, e in seen.items() if e.kind is EntryKind.SYMLINK} == {
        "data/link": "../../etc/hex(ff)/\udcff",
        "data/dangling": "/nowhere/",
    }
    assert {str(w): e.mode for w, e in seen.items() if e.kind is EntryKind.DIRECTORY} == {
        "data": 0o750,
        "data/sub": 0o755,
    }
    assert seen[path("data/a")].identity == seen[path("data/sub/same")].identity
    assert (seen[path("data/a")].modified, seen[path("data/a")].accessed) == (-5, 9 * SECOND)
    assert seen[path("data")].modified == 7 * SECOND


def test_many_files(root):
    furnish(root, entries(d=Directory(files=1200)))
    names = [p.name for p in snapshot(root) if len(p.parts) > 1]
    assert sorted(names) == [f"f{i:05}" for i in range(1200)]


def test_the_root_itself_may_be_an_entry(root):
    furnish(root, (TreeEntry(path("."), Directory(mode=0o711)), *entries(a=RegularFile(b"a"))))
    assert stat.S_IMODE(os.fstat(root).st_mode) == 0o711
    assert list(snapshot(root)) == [path("a")]


def test_a_directory_that_is_there_is_taken_as_it_is(root):
    os.mkdir("mounted", dir_fd=root)
    furnish(root, entries(mounted=Directory(mode=0o700), mounted__a=RegularFile(b"a")))
    assert snapshot(root)[path("mounted")].mode == 0o700


def test_paths_that_are_longer_than_a_path_may_be(root):
    deep = [path("/".join(["n" * 255] * depth)) for depth in range(1, 21)]
    furnish(root, (*(TreeEntry(p, Directory()) for p in deep), TreeEntry(deep[-1] / "a", RegularFile(b"deep"))))
    assert snapshot(root)[deep[-1] / "a"].content == b"deep"


def test_no_symbolic_link_is_followed(root, tmp_path):
    (tmp_path / "outside").mkdir()
    os.symlink("../outside", "link", dir_fd=root)
    with pytest.raises(SceneError, match="the fixture link/a cannot be made: Not a directory"):
        furnish(root, entries(link__a=RegularFile()))
    assert list((tmp_path / "outside").iterdir()) == []
    (tmp_path / "outside" / "secret").write_text("x")
    assert list(snapshot(root)) == [path("link")]


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (entries(a=RegularFile(), a__b=RegularFile()), "the fixture a/b cannot be made: Not a directory"),
        (entries(b=HardLink(path("gone"))), "the fixture b cannot be made: No such file"),
    ],
)
def test_what_cannot_be_made(root, made, error):
    with pytest.raises(SceneError, match=error):
        furnish(root, made)


def test_a_time_that_the_file_system_cannot_keep_is_no_fault(root, monkeypatch):
    monkeypatch.setattr(trees.os, "utime", lambda *args, **options: None)
    with pytest.raises(SceneUnavailableError, match="cannot keep the time 5 ns"):
        furnish(root, entries(a=RegularFile(modified=5)))


@pytest.mark.parametrize(("number", "harmless"), [(errno.EPERM, True), (errno.EROFS, True), (errno.EIO, False)])
def test_a_link_whose_time_cannot_be_put_back(root, monkeypatch, number, harmless):
    furnish(root, entries(a=SymbolicLink("x")))

    def refuse(*args, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(trees.os, "utime", refuse)
    if harmless:
        assert snapshot(root)[PurePosixPath("a")].target == "x"
    else:
        with pytest.raises(SceneError, match="the tree cannot be looked at: "):
            snapshot(root)


def test_a_size_that_the_file_system_cannot_hold_is_no_fault(root):
    with pytest.raises(SceneUnavailableError, match="the fixture a cannot be made: "):
        furnish(root, entries(a=RegularFile(size=(1 << 63) - 1)))


def test_a_tree_of_another_user(root, tmp_path):
    if not may_give_away(tmp_path):
        pytest.skip("only root gives files away")
    furnish(
        root,
        entries(d=Directory(files=1), d__a=RegularFile(mode=0o4755), d__l=SymbolicLink("x"), d__p=Fifo()),
        owner=65534,
    )
    owners = {
        os.stat(name, dir_fd=root, follow_symlinks=False).st_uid for name in ("d", "d/f00000", "d/a", "d/l", "d/p")
    }
    assert owners == {65534}
    assert snapshot(root)[path("d/a")].mode == 0o4755


def test_large_files_are_seen_by_their_checksums(root, monkeypatch):
    monkeypatch.setattr(trees, "KEPT", 10)
    monkeypatch.setattr(trees, "SUMMED", 20)
    furnish(root, entries(a=RegularFile(b"a" * 10), b=RegularFile(b"b" * 11), c=RegularFile(b"c" * 21)))
    seen = snapshot(root)
    assert {str(p): (e.content, e.crc32) for p, e in seen.items()} == {
        "a": (b"a" * 10, None),
        "b": (None, zlib.crc32(b"b" * 11)),
        "c": (None, None),
    }


def test_a_snapshot_is_limited_as_a_whole(root, monkeypatch):
    monkeypatch.setattr(trees, "KEPT_IN_ALL", 10)
    monkeypatch.setattr(trees, "SUMMED_IN_ALL", 6)
    furnish(
        root, entries(a=RegularFile(b"12345"), b=RegularFile(b"12345"), c=RegularFile(b"12345"), d=RegularFile(b"12"))
    )
    furnish(root, entries(e=HardLink(path("a"))))
    found = snapshot(root)
    kept = [e for e in found.values() if e.content is not None]
    assert sum(e.size for e in {e.identity: e for e in kept}.values()) <= 10
    assert found[path("a")].content == found[path("e")].content


def test_a_snapshot_changes_nothing(root):
    furnish(root, entries(d=Directory(), d__a=RegularFile(b"a", modified=5 * SECOND, accessed=SECOND)))
    first = snapshot(root)
    assert snapshot(root) == first
    assert first[path("d/a")].accessed == SECOND


@pytest.mark.parametrize(("name", "words"), [("MOST_ENTRIES", "more than 1 entries"), ("DEEPEST", "more than 1 dir")])
def test_a_tree_that_is_too_large_to_be_looked_at(root, monkeypatch, name, words):
    monkeypatch.setattr(trees, name, 1)
    furnish(root, entries(a=Directory(), a__b=Directory(), a__b__c=Directory()))
    with pytest.raises(SceneError, match=words):
        snapshot(root)


def test_descriptors_are_given_back(root):
    before = descriptors()
    furnish(root, entries(a=Directory(), a__b=Directory(files=3), a__b__c=RegularFile(b"x")))
    snapshot(root)
    with pytest.raises(SceneError):
        furnish(root, entries(a__b__c=RegularFile()))
    assert descriptors() == before


def as_ordinary_user(folder, action):
    """Do something in a process to which modes mean something, and in which the folder is the current one."""
    inside = os.open(folder, os.O_RDONLY)
    privileged = may_give_away(folder)
    if privileged:
        for one in (folder, *folder.iterdir()):
            os.chown(one, NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            if privileged:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os.fchdir(inside)
            action()
            os._exit(0)
        os._exit(1)
    os.close(inside)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def may_give_away(folder):
    probe = folder / "probe"
    probe.touch()
    try:
        os.chown(probe, NOBODY, NOBODY)
    except PermissionError:
        return False
    finally:
        probe.unlink()
    return True


def test_a_folder_goes_without_what_its_links_lead_to_being_touched(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o640)

    def use():
        # The folders above belong to whoever runs the tests.
        tempfile.tempdir = "."
        with fresh_folder() as folder:
            inner = folder / "locked"
            inner.mkdir()
            (inner / "link").symlink_to("../../outside")
            (inner / "sub").mkdir(0)
            inner.chmod(0o500)

    as_ordinary_user(tmp_path, use)
    assert [p.name for p in tmp_path.iterdir()] == ["outside"]
    assert stat.S_IMODE(outside.stat().st_mode) == 0o640


def test_what_may_not_be_read_is_seen_all_the_same(tmp_path):
    def use():
        here = os.open(".", os.O_RDONLY)
        furnish(here, entries(no=Directory(mode=0), no__a=RegularFile(), f=RegularFile(b"x", mode=0)))
        seen = {str(p): (e.kind, e.mode, e.content) for p, e in snapshot(here).items()}
        assert seen == {"no": (EntryKind.DIRECTORY, 0, None), "f": (EntryKind.FILE, 0, None)}

    as_ordinary_user(tmp_path, use)
