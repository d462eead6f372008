"""Trees as vectors write them: what lies on disk before the run, and what the harness does to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from wasicheck.vectors.keys import FILE_ACTIONS, MOUNT, TMPFS, TREE_DIRECTORY, TREE_FILE, TREE_SPECIAL
from wasicheck.vectors.literals import read_bytes
from wasicheck.vectors.paths import path_text, read_component, read_mode, read_path, read_target
from wasicheck.vectors.source import Node, suggest
from wasicheck.vectors.staging import Execute, FileAction, Hold, Put, Release, Remove, Rename, Swap, Symlink
from wasicheck.vectors.surroundings import (
    Content,
    Device,
    DeviceKind,
    Directory,
    Fifo,
    HardLink,
    Itself,
    Mount,
    Preopen,
    ReadOnly,
    RegularFile,
    SymbolicLink,
    Tmpfs,
    TreeEntry,
    UnixSocket,
)

MOUNTS = ("self", "read-only", "tmpfs")
"""What a mount of a directory can be said to be by a word alone."""
HERE = PurePosixPath()
"""The folder of the tree itself."""
_EARLIEST = -(1 << 62)
_LARGEST = (1 << 63) - 1
_MOST_FILES = 100_000
_PAGE = 4096
_NUMBERED = re.compile(r"f([0-9]{5,})")


# --- fixtures ------------------------------------------------------------------------------------------


def read_tree(node: Node) -> tuple[TreeEntry, ...]:
    """Read a tree; raise `VectorError`. Directories come before what is in them, hard links behind what they name."""
    found: dict[PurePosixPath, Content] = {}
    keys: dict[PurePosixPath, Node] = {}
    values: dict[PurePosixPath, Node] = {}
    for key, value in node.entries("a tree").values():
        path, slash = read_path(key)
        if path in found:
            key.fail(f"`{path_text(path)}` is there twice")
        found[path] = _directory(value) if slash else _content(value)
        keys[path], values[path] = key, value
    arranged = _with_parents(found)
    for path, content in found.items():
        parent = arranged[path.parent] if path.parent != HERE else Directory()
        if not isinstance(parent, Directory):
            keys[path].fail(f"`{path_text(path.parent)}` is no directory, and has nothing in it")
        numbered = _NUMBERED.fullmatch(path.name)
        if numbered and int(numbered[1]) < parent.files:
            keys[path].fail(f"`{path_text(path)}` is one of the {parent.files} files of its directory already")
        if isinstance(content, HardLink):
            _check_link(values[path], path, content.target, arranged)
    links = {path for path, content in arranged.items() if isinstance(content, HardLink)}
    order = [*(path for path in arranged if path not in links), *(path for path in arranged if path in links)]
    return tuple(TreeEntry(path, arranged[path]) for path in order)


def _with_parents(found: Mapping[PurePosixPath, Content]) -> dict[PurePosixPath, Content]:
    """The entries with the directories that lead to them, each before what is in it."""
    arranged: dict[PurePosixPath, Content] = {}
    for path, content in found.items():
        for parent in reversed(path.parents[:-1]):
            arranged.setdefault(parent, found.get(parent, Directory()))
        arranged.setdefault(path, content)
    return arranged


def _content(node: Node) -> Content:
    special = [key for key in node.keys if key in TREE_SPECIAL]
    entry = node.mapping("a file", (*TREE_FILE, *TREE_SPECIAL), _hint(node))
    if not special:
        return _file(entry)
    kind = special[0]
    if len(entry) > 1:
        node.fail(f"nothing stands beside `{kind}`", "its mode and times are those of its making")
    value = entry[kind]
    if kind == "symlink":
        return SymbolicLink(read_target(value))
    if kind == "link":
        return HardLink(read_path(value)[0])
    if not value.boolean(f"`{kind}`"):
        value.fail(f"expected `{kind}: true`")
    match kind:
        case "fifo":
            return Fifo()
        case "socket":
            return UnixSocket()
        case _:
            return Device(DeviceKind(kind))


def _hint(node: Node) -> str | None:
    """What to say of a key that only directories have, on something that is written as a file."""
    wrong = [key for key in node.keys if key not in (*TREE_FILE, *TREE_SPECIAL)]
    return "the path of a directory ends in a slash" if wrong and wrong[0] in TREE_DIRECTORY else None


def _file(entry: Mapping[str, Node]) -> RegularFile:
    data = read_bytes(entry["data"]) if "data" in entry else b""
    mount: Itself | None = None
    if "mount" in entry:
        entry["mount"].choice("a mount of a file", ("self",))
        mount = Itself()
    return RegularFile(
        data=data,
        size=entry["size"].integer("a size, not less than that of `data`", len(data), _LARGEST)
        if "size" in entry
        else None,
        mode=_mode(entry),
        modified=_time(entry, "modified"),
        accessed=_time(entry, "accessed"),
        mount=mount,
    )


def _directory(node: Node) -> Directory:
    entry = node.mapping("a directory", TREE_DIRECTORY, "as in `data/sub/: {mode: 0o755}`")
    return Directory(
        mode=_mode(entry),
        modified=_time(entry, "modified"),
        mount=_mount(entry["mount"]) if "mount" in entry else None,
        files=entry["files"].integer("a number of files", 0, _MOST_FILES) if "files" in entry else 0,
    )


def _mode(entry: Mapping[str, Node]) -> int | None:
    return read_mode(entry["mode"]) if "mode" in entry else None


def _time(entry: Mapping[str, Node], key: str) -> int | None:
    return entry[key].duration("a time since the epoch", low=_EARLIEST) if key in entry else None


def _mount(node: Node) -> Mount:
    if node.is_mapping:
        entry = node.mapping("a mount", MOUNT, "as in `{tmpfs: {size: 64KiB, inodes: 8}}`")
        if not entry:
            node.fail("no mount is given", "as in `{tmpfs: {size: 64KiB, inodes: 8}}`")
        limits = entry["tmpfs"].mapping("the limits of a tmpfs", TMPFS)
        return Tmpfs(
            limits["size"].integer("a size of whole pages", _PAGE, 1 << 30) if "size" in limits else None,
            limits["inodes"].integer("a number of inodes", 1, 1 << 20) if "inodes" in limits else None,
        )
    match node.choice("a mount", MOUNTS):
        case "self":
            return Itself()
        case "read-only":
            return ReadOnly()
        case _:
            return Tmpfs()


def _check_link(node: Node, path: PurePosixPath, target: PurePosixPath, tree: Mapping[PurePosixPath, Content]) -> None:
    """Refuse a hard link to what cannot have one, or is on another file system."""
    at = node.mapping("a file", TREE_SPECIAL)["link"]
    content = tree.get(target)
    match content:
        case None:
            names = [path_text(p) for p, c in tree.items() if not isinstance(c, Directory | HardLink)]
            at.fail(f"there is no `{path_text(target)}` in the tree", suggest(path_text(target), names))
        case Directory():
            at.fail(f"`{path_text(target)}` is a directory: it cannot have a hard link")
        case Device():
            at.fail(f"`{path_text(target)}` is a device: it cannot have a hard link here")
        case HardLink():
            at.fail(f"`{path_text(target)}` is a hard link itself", f"name `{path_text(content.target)}`")
        case _:
            if _tmpfs(path, tree) != _tmpfs(target, tree):
                at.fail(f"`{path_text(target)}` is on another mount: it cannot have a hard link here")


def _tmpfs(path: PurePosixPath, tree: Mapping[PurePosixPath, Content]) -> PurePosixPath | None:
    """The mounted file system that a path is on; None: that of the tree's folder."""
    for parent in path.parents[:-1]:
        content = tree[parent]
        if isinstance(content, Directory) and isinstance(content.mount, Tmpfs):
            return parent
    return None


# --- preopened directories -----------------------------------------------------------------------------


def read_preopens(node: Node, tree: tuple[TreeEntry, ...]) -> tuple[tuple[Preopen, ...], tuple[TreeEntry, ...]]:
    """Read `preopens:`: folders of the tree by their names in the guest; raise `VectorError`.

    Return them with the tree, to which each directory that is written out here in place of a folder's name is added,
    under its name in the guest without the slash in front.
    """
    preopens: list[Preopen] = []
    entries = {entry.path: entry for entry in tree}
    own: list[PurePosixPath] = []
    named: list[tuple[Node, PurePosixPath]] = []
    for key, value in node.entries("`preopens`").values():
        name = key.text("the name of a directory")
        if not name or "\0" in name:
            key.fail(f"expected the name of a directory, found {'text with a NUL' if name else 'nothing'}")
        if value.is_mapping:
            folder = _own_folder(key, name)
            _check_apart(key, folder, entries, own)
            own.append(folder)
            for entry in _moved(read_tree(value), folder):
                entries.setdefault(entry.path, entry)
        else:
            folder = HERE if value.text("a folder of the tree") == "." else read_path(value)[0]
            named.append((value, folder))
            if folder == HERE:
                entries.setdefault(HERE, TreeEntry(HERE, Directory()))
        preopens.append(Preopen(name, folder))
    folders = [e.path for e in entries.values() if isinstance(e.content, Directory)]
    for value, folder in named:
        if folder not in folders:
            known = map(path_text, folders)
            value.fail(f"there is no directory `{path_text(folder)}` in the tree", suggest(path_text(folder), known))
    return tuple(preopens), tuple(entries.values())


def _own_folder(key: Node, name: str) -> PurePosixPath:
    parts = [part for part in name.split("/") if part]
    if any(part in (".", "..") for part in parts):
        key.fail(f"`{name}` cannot be the name of a folder", "give it a folder of the tree, as in `/data: data`")
    return PurePosixPath(*(read_component(key, part) for part in parts))


def _check_apart(
    key: Node, folder: PurePosixPath, tree: Mapping[PurePosixPath, TreeEntry], own: Iterable[PurePosixPath]
) -> None:
    """Refuse a folder in which something lies already, or that lies in another one written out here."""
    for other in tree:
        if folder == other or folder in other.parents:
            key.fail(f"its folder holds `{path_text(other)}` already", "write it in `tree`, and name the folder here")
    for other in own:
        if folder == other or other in folder.parents:
            key.fail(f"its folder lies in `{path_text(other)}`", "write both in `tree`, and name the folders here")
    for parent in folder.parents:
        if parent in tree and not isinstance(tree[parent].content, Directory):
            key.fail(f"`{path_text(parent)}` is no directory, and has nothing in it")


def _moved(entries: tuple[TreeEntry, ...], folder: PurePosixPath) -> list[TreeEntry]:
    """The entries in a folder, and the directories that lead to it."""
    moved = [TreeEntry(path, Directory()) for path in (*reversed(folder.parents[:-1]), folder)]
    for entry in entries:
        content = entry.content
        if isinstance(content, HardLink):
            content = replace(content, target=folder / content.target)
        moved.append(TreeEntry(folder / entry.path, content))
    return moved


# --- what the harness does -----------------------------------------------------------------------------


def read_file_action(kind: str, parts: Mapping[str, Node], node: Node) -> FileAction:
    """Read what the harness does to files: `kind` is one of `FILE_ACTIONS`; raise `VectorError`."""
    beside = FILE_ACTIONS[kind]
    for key, value in parts.items():
        if key not in (kind, *beside):
            value.fail(f"`{key}` does not belong to `{kind}`")
    for key in beside:
        if key not in parts:
            node.fail(f"`{kind}` takes `{key}` beside it")
    path, _ = read_path(parts[kind])
    match kind:
        case "put":
            return Put(path, read_bytes(parts["data"]))
        case "remove":
            return Remove(path)
        case "rename":
            return Rename(path, read_path(parts["to"])[0])
        case "symlink":
            return Symlink(path, read_target(parts["to"]))
        case "execute":
            return Execute(path)
        case "swap":
            return Swap(path, read_path(parts["with"])[0])
        case "hold":
            return Hold(path)
        case _:
            return Release(path)
