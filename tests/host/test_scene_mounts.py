"""Scenes: mounts and devices in the tree."""

import os

import pytest
from scene_stage import MARKS, entry, names, see, staged

from wasicheck.host import scene as scenes
from wasicheck.host.sandbox import SceneError
from wasicheck.host.trees import furnish, snapshot
from wasicheck.vectors.surroundings import (
    Device,
    DeviceKind,
    Directory,
    EntryKind,
    Environment,
    Itself,
    ReadOnly,
    RegularFile,
    Tmpfs,
)

pytestmark = MARKS


def test_mounts_of_the_tree(tmp_path):
    environment = Environment(
        tree=(
            entry("data", Directory()),
            entry("data/small", Directory(mount=Tmpfs(65536, 8))),
            entry("data/small/inner", Directory(mount=ReadOnly())),
            entry("data/ro", Directory(mount=ReadOnly())),
            entry("data/busy", RegularFile(mount=Itself())),
            entry("data/point", Directory(mount=Itself())),
        ),
    )
    program = """
def attempt(what, *arguments):
    try:
        what(*arguments)
        print("done")
    except OSError as error:
        print(errno.errorcode[error.errno])

os.chdir("tree/data")
attempt(Path("ro/new").touch)
attempt(Path("small/inner/new").touch)
attempt(os.unlink, "busy")
attempt(os.rmdir, "point")
attempt(os.rename, "ro/x", "small/x")
attempt(Path("small/big").write_bytes, bytes(1 << 17))
for index in range(5):
    attempt(Path(f"small/{index}").touch)
"""
    with staged(environment, tmp_path, program) as (scene, run):
        assert names(scene.root) == ["data"]
        for folder in ("data/ro", "data/point", "data/small/inner"):
            os.mkdir(folder, dir_fd=scene.root)
        for file in ("data/ro/x", "data/busy"):
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, dir_fd=scene.root))
        ended = run()
        small = os.open("data/small", os.O_RDONLY, dir_fd=scene.root)
        # Seen after the end, as the program left it.
        assert names(small) == ["0", "1", "2", "3", "4", "big", "inner"]
        assert os.stat("big", dir_fd=small).st_size == 65536
        os.close(small)
        assert not (tmp_path / "tree" / "data" / "small" / "big").exists()
    refused = ["EROFS", "EROFS", "EBUSY", "EBUSY", "EXDEV"]
    assert ended.out.split() == [*refused, "ENOSPC", *["done"] * 5]


def test_a_file_system_without_inodes_left(tmp_path):
    environment = Environment(tree=(entry("few", Directory(mount=Tmpfs(inodes=3))),))
    program = """
for index in range(3):
    try:
        Path(f"tree/few/{index}").mkdir()
    except OSError as error:
        print(index, errno.errorcode[error.errno])
"""
    assert see(environment, tmp_path, program) == ["2", "ENOSPC"]


def test_devices_in_the_tree(tmp_path):
    environment = Environment(
        tree=(
            entry("data", Directory(mount=Tmpfs())),
            entry("data/null", Device(DeviceKind.CHARACTER)),
            entry("other/disk", Device(DeviceKind.BLOCK)),
        ),
    )
    program = """
import stat
os.chdir("tree")
print(stat.S_ISCHR(os.stat("data/null").st_mode), Path("data/null").write_bytes(b"x"), Path("data/null").read_bytes())
print(stat.S_ISBLK(os.stat("other/disk").st_mode))
"""
    with staged(environment, tmp_path, program) as (scene, run):
        furnish(scene.root, environment.tree)
        before = snapshot(scene.root)
        kinds = {str(path): seen.kind for path, seen in before.items()}
        ended = run()
        assert snapshot(scene.root) == before
    assert ended.out.split() == ["True", "1", "b''", "True"]
    assert kinds == {
        "data": EntryKind.DIRECTORY,
        "data/null": EntryKind.CHARACTER_DEVICE,
        "other": EntryKind.DIRECTORY,
        "other/disk": EntryKind.BLOCK_DEVICE,
    }


def test_a_block_device_is_made_where_the_machine_shows_none(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "_device", lambda kind: None)
    environment = Environment(tree=(entry("disk", Device(DeviceKind.BLOCK)),))
    program = 'import stat; print(stat.S_ISBLK(os.stat("tree/disk").st_mode))'
    monkeypatch.setattr(scenes, "_refused", {})
    assert see(environment, tmp_path, program) == ["True"]


def test_a_device_is_not_made_in_an_ordinary_tree(tmp_path):
    root = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "null").touch()
    try:
        with pytest.raises(SceneError, match="what should be a character-device is none"):
            furnish(root, (entry("null", Device(DeviceKind.CHARACTER)),))
    finally:
        os.close(root)
