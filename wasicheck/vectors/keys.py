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
AFTER = ("exit", "stdout", "stderr", "tree")

COMMON = ("expect", "across", "within", "level", "note", "quiet")
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
        "harness": ("acknowledge",),
        "peer": (
            *("accept", "connect", "send", "receive", "shutdown", "close", "reset", "inspect"),
            *("to", "chunk", "digest", "hop-limit", "acknowledge"),
        ),
        "trap": (),
        "return": (),
        "handle": (),
    }
)
"""The steps, each with the keys of its own."""
STARTED: Mapping[str, tuple[str, ...]] = MappingProxyType({"call": (), "read": ("count",), "write": ("data",)})
"""What `start` can start, each with the keys beside it."""
LOOP = ("for", "steps", "note")
HARNESS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "feed": (),
        "close": (),
        "drain": (),
        "pause": (),
        "receive": ("length",),
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
"""What the harness can do, each with the keys beside it."""
PEER_ENTRY = ("kind", "family", "address", "port", "backlog", "receive-buffer")
"""The keys of a peer in `given`."""
PEER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "accept": (),
        "connect": (),
        "send": ("to", "chunk"),
        "receive": ("digest", "hop-limit"),
        "shutdown": (),
        "close": (),
        "reset": (),
        "inspect": (),
    }
)
"""What a peer can do, each with the keys beside it."""
