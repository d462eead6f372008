"""`tree`, `preopens`, file actions of the harness, and `after: tree:` as vectors write them."""

from pathlib import PurePosixPath

import pytest
from vector_cases import load, vector

from wasicheck.vectors.model import Level
from wasicheck.vectors.paths import path_text
from wasicheck.vectors.staging import Execute, Hold, Put, Release, Remove, Rename, Swap, Symlink
from wasicheck.vectors.surroundings import (
    Absent,
    Anything,
    AnythingBeneath,
    Device,
    DeviceKind,
    Directory,
    EntryKind,
    Fifo,
    HardLink,
    Itself,
    Preopen,
    Present,
    ReadOnly,
    RegularFile,
    SymbolicLink,
    Tmpfs,
    TreeEntry,
    UnixSocket,
)


def path(text):
    return PurePosixPath(text)


def loaded(given, more="steps: [{yield: 1}]\n"):
    suite = load(vector(f"given:\n{given}{more}"))
    assert suite.problems == ()
    return suite.vectors["a"]


def tree(text):
    found = loaded(f"  tree: {{{text}}}\n").environment.tree
    return {str(entry.path): entry.content for entry in found}


def problem(given, more="steps: [{yield: 1}]\n"):
    (found,) = load(vector(f"given:\n{given}{more}")).problems
    return str(found)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("x: {}", RegularFile()),
        ("x: {data: '\"hi\"', mode: 0o640}", RegularFile(b"hi", mode=0o640)),
        ("x: {data: 'repeat(\"a\", 4KiB)', size: 1GiB}", RegularFile(b"a" * 4096, size=1 << 30)),
        ("x: {size: 4611686018427387904}", RegularFile(size=1 << 62)),
        ("x: {modified: -1ns, accessed: 5s}", RegularFile(modified=-1, accessed=5_000_000_000)),
        ("x: {mount: self}", RegularFile(mount=Itself())),
        ("x/: {}", Directory()),
        ("x/: {mode: 0o500, modified: 1s, files: 10000}", Directory(0o500, 1_000_000_000, files=10000)),
        ("x/: {mount: self}", Directory(mount=Itself())),
        ("x/: {mount: read-only}", Directory(mount=ReadOnly())),
        ("x/: {mount: tmpfs}", Directory(mount=Tmpfs())),
        ("x/: {mount: {tmpfs: {size: 64KiB, inodes: 8}}}", Directory(mount=Tmpfs(65536, 8))),
        ("x: {symlink: ../../etc//passwd}", SymbolicLink("../../etc//passwd")),
        ("x: {symlink: a/hex(ff)/}", SymbolicLink("a/\udcff/")),
        ("x: {fifo: true}", Fifo()),
        ("x: {socket: true}", UnixSocket()),
        ("x: {block-device: true}", Device(DeviceKind.BLOCK)),
        ("x: {character-device: true}", Device(DeviceKind.CHARACTER)),
    ],
)
def test_an_entry(text, content):
    assert tree(text) == {"x": content}


def test_directories_come_before_what_is_in_them_and_hard_links_last():
    found = loaded("  tree: {a/b/c: {link: d}, d: {}, a/: {mode: 0o700}, e/f: {}}\n").environment.tree
    assert found == (
        TreeEntry(path("a"), Directory(0o700)),
        TreeEntry(path("a/b"), Directory()),
        TreeEntry(path("d"), RegularFile()),
        TreeEntry(path("e"), Directory()),
        TreeEntry(path("e/f"), RegularFile()),
        TreeEntry(path("a/b/c"), HardLink(path("d"))),
    )


def test_names_that_are_not_utf_8():
    (name,) = tree("hex(66 ff): {}")
    assert name == "f\udcff"
    assert path_text(path(name) / "a") == "hex(66 ff)/a"
    assert path_text(path("a\nb")) == "hex(61 0a 62)"
    assert path_text(path("größe 🦀")) == "größe 🦀"
    assert path_text(path(".")) == "."


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("/a: {}", 12, "`/a` is not a path within the tree"),
        ("a/../b: {}", 12, "`a/../b` is not a path within the tree"),
        ("./a: {}", 12, "`./a` is not a path within the tree"),
        ("a//b: {}", 12, "`a//b` is not a path within the tree"),
        ("hex(6): {}", 12, "`hex(6)` is not a name"),
        ("hex(2f): {}", 12, "`hex(2f)` is not a name"),
        ("hex(00): {}", 12, "there is a NUL in a path"),
        (f"{'a' * 256}: {{}}", 12, "a name has at most 255 bytes, this one has 256"),
        ("a: {}, a/: {}", 19, "`a` is there twice"),
        ("a: {}, hex(61): {}", 19, "`a` is there twice"),
        ("a/b: {}, a: {}", 12, "`a` is no directory, and has nothing in it"),
        ("a: {symlink: b}, a/c: {}", 29, "`a` is no directory, and has nothing in it"),
        ("a/: {files: 3}, a/f00002: {}", 28, "`a/f00002` is one of the 3 files of its directory already"),
        ("a: {data: '\"abc\"', size: 2}", 37, "expected a size, not less than that of `data`, an integer from 3"),
        ("a: {mode: 640}", 22, "expected a mode, found `640`; in octal, as in `0o640`"),
        ("a: {mode: 0o888}", 22, "expected a mode, found `0o888`"),
        ("a: {modified: soon}", 26, "a duration, found `soon`"),
        ("a: {files: 3}", 16, "unknown key `files` in a file; the path of a directory ends in a slash"),
        ("a: {dat: '\"a\"'}", 16, "unknown key `dat` in a file; did you mean `data`?"),
        ("a/: {data: '\"a\"'}", 17, "unknown key `data` in a directory"),
        ("a/: {mount: readonly}", 24, "expected a mount, found `readonly`; did you mean `read-only`?"),
        ("a/: {mount: {tmpfs: {size: 1}}}", 39, "expected a size of whole pages"),
        ("a: {mount: read-only}", 23, "expected a mount of a file, found `read-only`"),
        ("a: {symlink: b, mode: 0o600}", 15, "nothing stands beside `symlink`"),
        ("a: {symlink: ''}", 25, "expected the target of a link, found nothing"),
        ("a: {fifo: false}", 22, "expected `fifo: true`"),
        ("a: {block-device: false}", 30, "expected `block-device: true`"),
        ("a: {link: b}, b: {character-device: true}", 22, "`b` is a device: it cannot have a hard link here"),
        ("a: {link: fils}, file: {}", 22, "there is no `fils` in the tree; did you mean `file`?"),
        ("a: {link: b}, b/: {}", 22, "`b` is a directory: it cannot have a hard link"),
        ("a: {link: b}, b: {link: c}, c: {}", 22, "`b` is a hard link itself; name `c`"),
        ("t/: {mount: tmpfs}, t/a: {link: b}, b: {}", 44, "`b` is on another mount"),
    ],
)
def test_an_entry_that_is_not_valid(text, column, message):
    found = problem(f"  tree: {{{text}}}\n")
    assert message in found
    assert f":7:{column + 2}: " in found


def test_preopens_are_folders_of_the_tree():
    found = loaded("  tree: {a/b/c: {}}\n  preopens: {/x: a/b, y: a, /../z: .}\n").environment
    assert found.preopens == (Preopen("/x", path("a/b")), Preopen("y", path("a")), Preopen("/../z", path(".")))
    assert [str(e.path) for e in found.tree] == ["a", "a/b", "a/b/c", "."]


def test_preopens_that_are_written_out():
    given = "  tree: {c/: {}}\n  preopens: {/data: {a: {}, b: {link: a}}, /e/f: {}, /e/g/: {}, /x: c}\n"
    found = loaded(given).environment
    assert found.preopens == (
        Preopen("/data", path("data")),
        Preopen("/e/f", path("e/f")),
        Preopen("/e/g/", path("e/g")),
        Preopen("/x", path("c")),
    )
    assert found.tree == (
        TreeEntry(path("c"), Directory()),
        TreeEntry(path("data"), Directory()),
        TreeEntry(path("data/a"), RegularFile()),
        TreeEntry(path("data/b"), HardLink(path("data/a"))),
        TreeEntry(path("e"), Directory()),
        TreeEntry(path("e/f"), Directory()),
        TreeEntry(path("e/g"), Directory()),
    )


def test_a_root_that_is_written_out():
    found = loaded("  preopens: {/: {a: {}}}\n").environment
    assert found.preopens == (Preopen("/", path(".")),)
    assert found.tree == (TreeEntry(path("."), Directory()), TreeEntry(path("a"), RegularFile()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("  preopens: {/x: {}, /x/y: {}}\n", "its folder lies in `x`; write both in `tree`"),
        ("  preopens: {/x/y: {}, /x: {}}\n", "its folder holds `x` already"),
        ("  preopens: {/: {}, /x: {}}\n", "its folder lies in `.`"),
        ("  tree: {x/a: {}}\n  preopens: {/x: {}}\n", "its folder holds `x` already"),
        ("  tree: {x: {}}\n  preopens: {/x/y: {}}\n", "`x` is no directory, and has nothing in it"),
        ("  preopens: {/../x: {}}\n", "`/../x` cannot be the name of a folder"),
        ("  preopens: {'': {}}\n", "expected the name of a directory, found nothing"),
        (
            "  tree: {data/: {}}\n  preopens: {/x: date}\n",
            "there is no directory `date` in the tree; did you mean `data`?",
        ),
        ("  tree: {a: {}}\n  preopens: {/x: a}\n", "there is no directory `a` in the tree"),
        ("  preopens: {/x: /y}\n", "`/y` is not a path within the tree"),
    ],
)
def test_preopens_that_are_not_valid(given, message):
    assert message in problem(given)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("put: d/a, data: '\"x\"'", Put(path("d/a"), b"x")),
        ("remove: d/a", Remove(path("d/a"))),
        ("rename: d/a, to: d/b", Rename(path("d/a"), path("d/b"))),
        ("symlink: d/l, to: ../x", Symlink(path("d/l"), "../x")),
        ("execute: d/p", Execute(path("d/p"))),
        ("swap: d/a, with: d/b", Swap(path("d/a"), path("d/b"))),
        ("hold: d/p", Hold(path("d/p"))),
        ("release: d/p", Release(path("d/p"))),
    ],
)
def test_what_the_harness_does_to_files(text, action):
    found = loaded("  tree: {d/: {}}\n", f"steps: [{{harness: {{{text}}}}}]\n")
    assert found.steps[0].action.action == action


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("put: d/a", "`put` takes `data` beside it"),
        ("rename: d/a", "`rename` takes `to` beside it"),
        ("swap: d/a", "`swap` takes `with` beside it"),
        ("remove: ../a", "`../a` is not a path within the tree"),
        ("symlink: d/a, to: ''", "expected the target of a link, found nothing"),
    ],
)
def test_what_the_harness_cannot_do(text, message):
    assert message in problem("  tree: {d/: {}}\n", f"steps: [{{harness: {{{text}}}}}]\n")


def after(text):
    return loaded("  tree: {d/: {}}\n", f"steps: [{{yield: 1}}]\nafter: {{tree: {{{text}}}}}\n").after.tree


@pytest.mark.parametrize(
    ("text", "where", "entry"),
    [
        ("d/x: absent", "d/x", Absent()),
        ("d/y/: absent", "d/y", Absent()),
        ("d/x: any", "d/x", Anything()),
        ("d/**: any", "d", AnythingBeneath()),
        ('"**": any', ".", AnythingBeneath()),
        ("d/y/: directory", "d/y", Present(EntryKind.DIRECTORY)),
        ("d/y/: {}", "d/y", Present(EntryKind.DIRECTORY)),
        ("d/y/: {mode: 0o700, links: 2}", "d/y", Present(EntryKind.DIRECTORY, mode=0o700, links=2)),
        ("d/x: file", "d/x", Present(EntryKind.FILE)),
        ("d/x: fifo", "d/x", Present(EntryKind.FIFO)),
        ("d/x: block-device", "d/x", Present(EntryKind.BLOCK_DEVICE)),
        ("d/x: {symlink: a/hex(ff)}", "d/x", Present(EntryKind.SYMLINK, target="a/\udcff")),
        ("d/x: {links: 2, same-as: d/y}", "d/x", Present(EntryKind.FILE, links=2, same_as=path("d/y"))),
    ],
)
def test_what_is_there_afterwards(text, where, entry):
    (found,) = after(text)
    assert (found.path, found.entry, found.level) == (path(where), entry, Level.MUST)


def test_patterns_over_what_is_there_afterwards():
    content, detail = after("d/a: '\"x\"', d/b: {data: 'prefix(\"a\")', size: 5.., modified: '5s', accessed: 1..2}")
    assert content.text == '"x"'
    assert content.entry.data.value == b"x"
    assert detail.entry.size.low.value == 5
    assert detail.entry.modified.value == 5_000_000_000
    assert detail.entry.accessed.high.value == 2
    assert detail.text == "{data: 'prefix(\"a\")', size: 5.., modified: '5s', accessed: 1..2}"


def test_graded_expectations_of_an_entry():
    found = after("d/a: {must: file, should: {mode: 0o644}}")
    assert [(e.level, e.entry) for e in found] == [
        (Level.MUST, Present(EntryKind.FILE)),
        (Level.SHOULD, Present(EntryKind.FILE, mode=0o644)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d/a: absent, d/a/: directory", "`d/a` is there twice"),
        ("data/a: absent", "there is no `data` in the tree"),
        ("d/a/: file", "expected what becomes of a directory, found `file`"),
        ("d/a: directory", "the path of a directory ends in a slash"),
        ("d/**: file", "what is beneath a directory can only be `any`, found `file`"),
        ("d/a: missing", "found `missing`"),
        ("d/a: _", "`_` accepts everything; leave it out, or write `file` for a file as such"),
        ("d/a: $x", "`$x` is captured where nothing can refer to it"),
        ("d/a: {}", "nothing is said of the file; write `file`"),
        ("d/a: {content: '\"x\"'}", "unknown key `content` in a regular file"),
        ("d/a/: {size: 5}", "unknown key `size` in a directory"),
        ("d/a: {symlink: b, mode: 0o777}", "unknown key `mode` in a symbolic link"),
        ("d/a: {links: 0}", "expected a number of links, an integer from 1"),
        ("d/a: {same-as: /b}", "`/b` is not a path within the tree"),
        ("../a: absent", "`../a` is not a path within the tree"),
    ],
)
def test_an_aftermath_that_is_not_valid(text, message):
    assert message in problem("  tree: {d/: {}}\n", f"steps: [{{yield: 1}}]\nafter: {{tree: {{{text}}}}}\n")


def test_there_is_no_aftermath_without_a_tree():
    assert "there is no tree to look at afterwards" in problem(
        "  args: []\n", "steps: [{yield: 1}]\nafter: {tree: {a: absent}}\n"
    )
