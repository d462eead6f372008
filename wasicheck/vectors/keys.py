"""The keys that each mapping of a vector file may have: what the loader accepts and `vector.schema.json` describes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FILE = ("interface", "vectors")
VECTOR = (
    "id",
    "title",
    "requirements",
    "level",
    "interface",
    "world",
    "given",
    "steps",
    "downstream",
    "after",
    "runs",
    "table",
    "guest",
    "imports",
    "platforms",
    "unstable",
    "deadline",
    "tags",
    "note",
    "unchecked",
)
REQUIRED = ("id", "title", "requirements", "steps")
"""The keys that every vector has."""
GUEST = ("lift", "channel", "limits")
GIVEN = (
    "args",
    "env",
    "cwd",
    "stdin",
    "stdout",
    "stderr",
    "tree",
    "preopens",
    "network",
    "trust",
    "instances",
    "peers",
    "net",
    "names",
    "descriptors",
    "file-size",
    "user",
    "errno",
    "host-env",
    "features",
)
STDIN = ("bytes", "file")
TREE_FILE = ("data", "size", "mode", "modified", "accessed", "mount")
"""The keys of a regular file of a tree."""
TREE_DIRECTORY = ("mode", "modified", "mount", "files")
TREE_SPECIAL = ("symlink", "link", "fifo", "socket", "block-device", "character-device")
"""The keys of what is neither, each of which stands alone."""
MOUNT = ("tmpfs",)
TMPFS = ("size", "inodes")
PEER_ENTRY = ("kind", "family", "address", "port", "backlog", "receive-buffer", "tls")
"""The keys of a peer in `given`."""
NET = ("addresses", "unreachable", "prohibit", "ports", "privileged-below", "syn-retries", "retries", "flow-labels")
NAMES = ("hosts", "dns", "broken")
ANSWER = ("a", "aaaa")
"""The keys of an answer of the name server."""
INJECTION = ("error", "on", "argument", "equals", "times")
"""The keys of a failing system call in `errno`."""
AFTER = ("exit", "stdout", "stderr", "tree")
FILE_AFTER = ("data", "size", "mode", "modified", "accessed", "links", "same-as")
"""What can be asked of a regular file."""
DIRECTORY_AFTER = ("mode", "modified", "accessed", "links")
SYMLINK_AFTER = ("symlink", "modified", "accessed", "links", "same-as")

PEER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "accept": (),
        "handshake": (),
        "connect": (),
        "send": ("to", "chunk"),
        "receive": ("to", "digest", "hop-limit", "flow-label"),
        "shutdown": (),
        "close": (),
        "reset": (),
        "inspect": (),
    }
)
"""What a peer can do, each with the keys beside it."""

COMMON = ("expect", "across", "within", "level", "note", "quiet", "unchecked")
"""The keys of every step but `for`."""
STEP: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "call": ("lower", "repeat", "through", "only"),
        "start": ("as", "apart"),
        "new": ("as",),
        "read": ("count", "lower"),
        "read-all": ("chunk", "limit", "digest"),
        "write": ("data", "lower"),
        "write-all": ("data", "chunk"),
        "await": ("polling",),
        "await-all": (),
        "await-any": (),
        "cancel": (),
        "drop": (),
        "yield": (),
        "backpressure": (),
        "harness": ("acknowledge",),
        "peer": (*PEER, *dict.fromkeys(key for beside in PEER.values() for key in beside), "acknowledge", "after"),
        "trap": (),
        "return": (),
        "handle": (),
    }
)
"""The steps, each with the keys of its own."""
STARTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "call": (),
        "read": ("count",),
        "write": ("data",),
        "read-all": ("chunk", "limit", "digest"),
        "write-all": ("data", "chunk"),
    }
)
"""What `start` can start, each with the keys beside it."""
LOOP = ("for", "steps", "note")
FILE_ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "put": ("data",),
        "remove": (),
        "rename": ("to",),
        "symlink": ("to",),
        "execute": (),
        "swap": ("with",),
        "hold": (),
        "release": (),
    }
)
"""What the harness can do to files, each with the keys that have to stand beside it."""
HARNESS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"feed": (), "close": (), "drain": (), "pause": (), "receive": ("length",), **FILE_ACTIONS}
)
"""What the harness can do, each with the keys beside it."""
