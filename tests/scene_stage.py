"""Scenes on a stage: a Python program in the surroundings that are made for it."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from wasicheck.host.sandbox import SceneUnavailableError
from wasicheck.host.scene import Scene
from wasicheck.vectors.surroundings import TreeEntry

MARKS = [
    pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: scenes are for Linux alone"),
    pytest.mark.usefixtures("nothing_is_left"),
]
"""Of all tests of scenes."""
HELP = "import os, socket, errno, sys\nfrom pathlib import Path\n"


@dataclass
class Ended:
    """What became of a program."""

    code: int
    out: str
    unfired: list[str]


@contextmanager
def staged(environment, folder, program, *arguments):
    """A scene with a Python program about to run in it; yields the scene and a function that lets it run."""
    try:
        scene = Scene(environment, folder)
    except SceneUnavailableError as error:
        pytest.skip(f"NOT TESTED: {error}")
    command = (sys.executable, "-I", "-S", "-c", HELP + program, *arguments)
    process = subprocess.Popen(
        scene.argv(command),
        pass_fds=scene.pass_fds,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={"A": "b", "LC_ALL": "C"},
    )

    def run():
        scene.go()
        out, _ = process.communicate(timeout=20)
        return Ended(process.returncode, out, scene.unfired())

    try:
        try:
            scene.stage()
        except SceneUnavailableError as error:
            pytest.skip(f"NOT TESTED: {error}")
        yield scene, run
    finally:
        process.kill()
        process.communicate()
        scene.close()
        scene.close()


def see(environment, folder, program, *arguments):
    """What a program printed, which must end well."""
    with staged(environment, folder, program, *arguments) as (_, run):
        ended = run()
    assert ended.code == 0
    return ended.out.split()


def entry(path, content):
    return TreeEntry(PurePosixPath(path), content)


def names(folder):
    """What is in a directory of which there is a descriptor."""
    with os.scandir(folder) as entries:
        return sorted(found.name for found in entries)
