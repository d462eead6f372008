"""What a tree must look like when the guest has ended: `after: tree:`."""

from __future__ import annotations

from pathlib import PurePosixPath

from wasicheck.values import Pattern, accepts_everything, variables
from wasicheck.vectors.expectations import LEVELS
from wasicheck.vectors.keys import DIRECTORY_AFTER, FILE_AFTER, SYMLINK_AFTER
from wasicheck.vectors.model import Level, TreeExpectation
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.paths import path_text, read_mode, read_path, read_target
from wasicheck.vectors.scope import Scope
from wasicheck.vectors.source import Node, suggest
from wasicheck.vectors.surroundings import Absent, Anything, AnythingBeneath, EntryKind, Present, TreeEntry
from wasicheck.wit.types import S64, U64, Type

_NOWHERE = ("absent", "any")
WORDS = (*_NOWHERE, *(kind.value for kind in EntryKind if kind is not EntryKind.OTHER))
"""What can be said to be at a path by a word alone; any other text is a pattern over a file's bytes."""

_HERE = PurePosixPath()
_EVERYTHING = "**"
_MOST_LINKS = (1 << 31) - 1


def read_tree_expectations(
    node: Node | None, level: Level, scope: Scope, tree: tuple[TreeEntry, ...]
) -> tuple[TreeExpectation, ...]:
    """Read `after: tree:`, in which names of `scope` may stand; raise `VectorError`."""
    if node is None:
        return ()
    if not tree:
        node.fail("there is no tree to look at afterwards", "`given` has neither `tree` nor `preopens`")
    known = {entry.path for entry in tree}
    found: list[TreeExpectation] = []
    seen: set[tuple[PurePosixPath, bool]] = set()
    for key, value in node.entries("a tree").values():
        path, slash, everything = _read_key(key)
        if (path, everything) in seen:
            key.fail(f"`{path_text(path)}` is there twice")
        seen.add((path, everything))
        top = PurePosixPath(*path.parts[:1])
        if len(path.parts) > 1 and top not in known:
            tops = [path_text(p) for p in known if len(p.parts) == 1]
            key.fail(f"there is no `{path_text(top)}` in the tree", suggest(path_text(top), tops))
        for part, grade in _graded(value, level):
            if everything:
                if part.text("`any`") != "any":
                    part.fail(f"what is beneath a directory can only be `any`, found `{part.text('')}`")
                entry: Absent | Anything | AnythingBeneath | Present = AnythingBeneath()
            else:
                entry = _entry(part, slash, scope)
            text = " ".join(part.written.split()) if part.is_mapping else part.text("")
            found.append(TreeExpectation(path, entry, grade, key.place, text))
    return tuple(found)


def _read_key(key: Node) -> tuple[PurePosixPath, bool, bool]:
    """The path, whether it ends in a slash, and whether all beneath it is meant: `data/tmp/**`."""
    text = key.text("a path")
    if text == _EVERYTHING:
        return _HERE, True, True
    path, slash = read_path(key)
    if path.name == _EVERYTHING:
        return path.parent, True, True
    return path, slash, False


def _graded(node: Node, level: Level) -> list[tuple[Node, Level]]:
    """One expectation of the given level, or several by their own."""
    if not node.keys or not set(node.keys) & set(LEVELS):
        return [(node, level)]
    return [(part, Level(name)) for name, part in node.mapping("graded expectations", LEVELS).items()]


def _entry(node: Node, slash: bool, scope: Scope) -> Absent | Anything | Present:
    if node.is_mapping:
        return _present(node, slash, scope)
    text = node.text("what is there")
    if slash and text not in (*_NOWHERE, EntryKind.DIRECTORY):
        node.fail(
            f"expected what becomes of a directory, found `{text}`",
            "`directory`, `absent`, `any`, or `{mode: 0o755}`; the path of a file has no slash at its end",
        )
    if text == EntryKind.DIRECTORY and not slash:
        node.fail("the path of a directory ends in a slash")
    if text in _NOWHERE:
        return Absent() if text == "absent" else Anything()
    if text in WORDS:
        return Present(EntryKind(text))
    return Present(EntryKind.FILE, data=_pattern(node, BYTES, scope))


def _present(node: Node, slash: bool, scope: Scope) -> Present:
    keys: tuple[str, ...]
    if slash:
        kind, keys, what = EntryKind.DIRECTORY, DIRECTORY_AFTER, "a directory"
    elif "symlink" in node.keys:
        kind, keys, what = EntryKind.SYMLINK, SYMLINK_AFTER, "a symbolic link"
    else:
        kind, keys, what = EntryKind.FILE, FILE_AFTER, "a regular file"
    entry = node.mapping(what, keys)
    if not entry and not slash:
        node.fail("nothing is said of the file", "write `file` for a file with anything in it")
    return Present(
        kind=kind,
        data=_pattern(entry["data"], BYTES, scope) if "data" in entry else None,
        size=_pattern(entry["size"], U64, scope) if "size" in entry else None,
        target=read_target(entry["symlink"]) if "symlink" in entry else None,
        mode=read_mode(entry["mode"]) if "mode" in entry else None,
        modified=_pattern(entry["modified"], S64, scope) if "modified" in entry else None,
        accessed=_pattern(entry["accessed"], S64, scope) if "accessed" in entry else None,
        links=entry["links"].integer("a number of links", 1, _MOST_LINKS) if "links" in entry else None,
        same_as=read_path(entry["same-as"])[0] if "same-as" in entry else None,
    )


def _pattern(node: Node, type: Type, scope: Scope) -> Pattern:
    """A pattern over something that no later step can refer to."""
    pattern = scope.pattern(node, type)
    if captured := variables(pattern):
        node.fail(f"`${min(captured)}` is captured where nothing can refer to it", "leave the name out")
    if accepts_everything(pattern):
        node.fail(f"`{node.text('')}` accepts everything", "leave it out, or write `file` for a file as such")
    return pattern
