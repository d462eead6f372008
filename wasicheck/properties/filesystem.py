"""wasi:filesystem: what files, names and symbolic links hold."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wasicheck.properties.model import Body, Property, steps
from wasicheck.properties.notation import blobs, data, joined, string, texts

_INTERFACE = "wasi:filesystem/types@0.3.0"
_FURTHEST = 5_000
"""How far from its beginning a file is written."""
_ROOT: Body = {"call": "filesystem/preopens.get-directories()", "expect": '[($dir, "/data")]'}


def _written(call: str, content: bytes, number: int) -> list[Body]:
    """The steps that write a stream to the end."""
    return [
        {"new": "stream<u8>", "as": [f"data{number}", f"out{number}"]},
        {"call": call.replace("$data", f"$data{number}"), "expect": f"$done{number}"},
        {"write-all": f"$out{number}", "data": data(content), "expect": f"completed({len(content)})"},
        {"drop": f"$out{number}"},
        {"read": f"$done{number}", "expect": "completed(ok)"},
    ]


_OFFSETS = st.one_of(st.integers(0, 100), st.integers(0, _FURTHEST))
_CHANGES = st.tuples(st.sampled_from(["write", "append", "resize"]), _OFFSETS, blobs(min_size=1, max_size=200))


@st.composite
def _contents(draw: st.DrawFn) -> Body:
    """A file that is written, appended to and resized; beside it goes what it must hold."""
    held = draw(blobs(max_size=50))
    given = data(held)
    found: list[Body] = []
    for number, (change, offset, content) in enumerate(draw(st.lists(_CHANGES, min_size=1, max_size=6))):
        match change:
            case "write":
                found += _written(f"$file.write-via-stream($data, {offset})", content, number)
                held = held[:offset].ljust(offset, b"\0") + content + held[offset + len(content) :]
            case "append":
                found += _written("$file.append-via-stream($data)", content, number)
                held += content
            case "resize":
                found.append({"call": f"$file.set-size({offset})", "expect": "ok"})
                held = held[:offset].ljust(offset, b"\0")
    start = draw(st.integers(0, len(held) + 5))
    return {
        "given": {"preopens": {"/data": {"a.bin": {"data": given}}}},
        "steps": steps(
            _ROOT,
            {"call": '$dir.open-at({}, "a.bin", {}, {read, write})', "expect": "ok($file)"},
            found,
            {"call": f"$file.read-via-stream({start})", "expect": "($in, $read)"},
            {"read-all": "$in", "expect": f"dropped({data(held[start:])})"},
            {"read": "$read", "expect": "completed(ok)"},
        ),
        "after": {"tree": {"data/a.bin": data(held)}},
    }


def _names() -> SearchStrategy[str]:
    # What a backslash means is the system's affair. A name has up to 255 bytes.
    return texts(without="\0/\\", min_size=1, max_size=30).filter(
        lambda name: name not in (".", "..") and len(name.encode()) <= 255
    )


def _listed(entries: list[tuple[str, bool, bool]]) -> Body:
    """Entries by name, each a file or a directory, and removed again or not."""
    made: list[Body] = []
    removed: list[Body] = []
    kinds: dict[str, str] = {}
    for number, (name, file, remains) in enumerate(entries):
        if file:
            call = f"$dir.open-at({{}}, {string(name)}, {{create, exclusive}}, {{write}})"
            made += [{"call": call, "expect": f"ok($file{number})"}, {"drop": f"$file{number}"}]
            kinds[name], remove = "regular-file", "unlink-file-at"
        else:
            made.append({"call": f"$dir.create-directory-at({string(name)})", "expect": "ok"})
            kinds[name], remove = "directory", "remove-directory-at"
        if not remains:
            removed.append({"call": f"$dir.{remove}({string(name)})", "expect": "ok"})
            del kinds[name]
    listed = joined(f"{{type: {kind}, name: {string(name)}}}" for name, kind in kinds.items())
    return {
        "given": {"preopens": {"/data": {}}},
        "steps": steps(
            _ROOT,
            made,
            removed,
            {"call": "$dir.read-directory()", "expect": "($entries, $listed)"},
            {"read-all": "$entries", "expect": f"dropped(unordered[{listed}])"},
            {"read": "$listed", "expect": "completed(ok)"},
        ),
        "after": {"tree": dict(_on_disk(name, kind) for name, kind in kinds.items())},
    }


def _on_disk(name: str, kind: str) -> tuple[str, str]:
    """A name as `after: tree:` has it, by its bytes: so none is taken for notation."""
    path = f"data/hex({name.encode().hex(' ')})"
    return (f"{path}/", "directory") if kind == "directory" else (path, "file")


def _links(targets: list[str]) -> Body:
    found: list[Body] = []
    for number, contents in enumerate(map(string, targets)):
        found += [
            {"call": f'$dir.symlink-at({contents}, "link{number}")', "expect": "ok"},
            {"call": f'$dir.readlink-at("link{number}")', "expect": f"ok({contents})"},
        ]
    return {
        "given": {"preopens": {"/data": {}}},
        "steps": steps(_ROOT, found),
        "after": {"tree": {"data/**": "any"}},
    }


def _targets() -> SearchStrategy[str]:
    """Relative contents of a symbolic link; where they lead does not matter."""
    return texts(min_size=1, max_size=60).filter(lambda target: not target.startswith(("/", "\\")))


PROPERTIES = (
    Property(
        "file-contents",
        "Whatever is written, appended and resized, the file holds it, for its readers and on disk",
        _INTERFACE,
        (
            "filesystem.descriptor.write-via-stream.data",
            "filesystem.descriptor.write-via-stream.offset",
            "filesystem.descriptor.write-via-stream.overwrite-in-place",
            "filesystem.descriptor.write-via-stream.gap-zero",
            "filesystem.descriptor.append-via-stream.data",
            "filesystem.descriptor.set-size.grow-zero",
            "filesystem.descriptor.set-size.shrink",
            "filesystem.descriptor.read-via-stream.offset",
        ),
        _contents(),
    ),
    Property(
        "file-names",
        "Files and directories of any name can be made, are listed once and under that name, and can be removed",
        _INTERFACE,
        ("filesystem.paths.unicode", "filesystem.descriptor.read-directory.entries"),
        st.lists(
            st.tuples(_names(), st.booleans(), st.booleans()), min_size=1, max_size=5, unique_by=lambda entry: entry[0]
        ).map(_listed),
    ),
    Property(
        "symlink-contents",
        "A symbolic link gives back the relative contents that it was made with",
        _INTERFACE,
        ("filesystem.descriptor.symlink-at.any-contents", "filesystem.descriptor.readlink-at.contents"),
        st.lists(_targets(), min_size=1, max_size=4).map(_links),
    ),
)
