"""Paths within a tree as vectors write them, targets of links, and permission bits."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from wasicheck.vectors.source import Node

LONGEST_NAME = 255
LONGEST_TARGET = 4095
_MODE = re.compile(r"0o([0-7]{1,4})")
_HEX = re.compile(r"hex\((.*)\)")


def read_path(node: Node) -> tuple[PurePosixPath, bool]:
    """Read a path within the tree, and whether it ends in a slash, as that of a directory does; raise `VectorError`.

    A component `hex(66 ff)` stands for bytes that are not UTF-8.
    """
    text = node.text("a path")
    slash = text.endswith("/")
    parts = text.removesuffix("/").split("/")
    if not all(parts) or any(part in (".", "..") for part in parts):
        node.fail(f"`{text}` is not a path within the tree", "such as `data/a.txt`, or `data/sub/` for a directory")
    return PurePosixPath(*(read_component(node, part) for part in parts)), slash


def path_text(path: PurePosixPath) -> str:
    """A path as vectors write it, fit to be printed."""
    return "/".join(_component_text(part) for part in path.parts) or "."


def target_text(target: str) -> str:
    """The target of a symbolic link as vectors write it, fit to be printed."""
    return "/".join(map(_component_text, target.split("/")))


def read_target(node: Node) -> str:
    """Read the target of a symbolic link: any text, with components `hex(66 ff)`; raise `VectorError`."""
    text = node.text("the target of a link")
    if not text:
        node.fail("expected the target of a link, found nothing", "a symbolic link cannot be empty")
    target = "/".join(read_component(node, part, named=False) for part in text.split("/"))
    if len(_encoded(target)) > LONGEST_TARGET:
        node.fail(f"the target of a link has at most {LONGEST_TARGET} bytes")
    return target


def read_mode(node: Node) -> int:
    """Read permission bits, `0o640`; raise `VectorError`."""
    text = node.text("a mode")
    found = _MODE.fullmatch(text)
    if found is None:
        node.fail(f"expected a mode, found `{text}`", "in octal, as in `0o640`")
    return int(found[1], 8)


def read_component(node: Node, text: str, *, named: bool = True) -> str:
    """Read one component of a path, or (not `named`) of a target, in which anything goes; raise `VectorError`."""
    found = _HEX.fullmatch(text)
    if found is not None:
        try:
            text = bytes.fromhex(found[1]).decode("utf-8", "surrogateescape")
        except ValueError:
            text = ""
        if text in ("", ".", "..") or "/" in text:
            node.fail(f"`{found[0]}` is not a name", "pairs of hexadecimal digits, as in `hex(66 ff)`, and no slash")
    if "\0" in text:
        node.fail("there is a NUL in a path")
    if named and len(_encoded(text)) > LONGEST_NAME:
        node.fail(f"a name has at most {LONGEST_NAME} bytes, this one has {len(_encoded(text))}")
    return text


def _component_text(part: str) -> str:
    return part if part.isprintable() else f"hex({_encoded(part).hex(' ')})"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
