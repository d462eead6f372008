"""wasi:http: fields, the parts of a request, and bodies as they come over the wire."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wasicheck.properties.model import Body, Property, steps
from wasicheck.properties.notation import blobs, data, joined, string, tokens

_INTERFACE = "wasi:http/types@0.3.0"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_PATH = f"{_LOWER}AZ09-._~!$&'()*+,;=:@/"
_ENCODED = "0123456789abcdefABCDEF"
_TRAILERS: Body = {"new": "future<result<option<trailers>, error-code>>", "as": ["trailers", "more"]}


def _names() -> SearchStrategy[str]:
    """Names that no host has a reason to forbid; in small letters, as not all hosts keep the others."""
    return tokens().map("x-".__add__)


def _values() -> SearchStrategy[bytes]:
    """Values of RFC 9110, 5.5: no controls but the tab, no white space at the ends."""
    content = st.sampled_from([*range(0x20, 0x7F), 0x09, *range(0x80, 0x100)])
    return st.lists(content, max_size=30).map(lambda value: bytes(value).strip(b" \t"))


def _listed(entries: list[tuple[str, bytes]]) -> str:
    return joined(f"({string(name)}, {data(value)})" for name, value in entries)


@st.composite
def _entries(draw: st.DrawFn) -> Body:
    names = draw(st.lists(_names(), min_size=1, max_size=4, unique=True))
    entries = draw(st.lists(st.tuples(st.sampled_from(names), _values()), min_size=1, max_size=8))
    found: list[Body] = [{"call": f"fields.from-list([{_listed(entries)}])", "expect": "ok($fields)"}]
    for name in names:
        values = joined(data(value) for other, value in entries if other == name)
        found.append({"call": f"$fields.get({string(name)})", "expect": f"[{values}]"})
    found.append({"call": "$fields.copy-all()", "expect": f"unordered[{_listed(entries)}]"})
    return {"steps": found}


def _change(names: list[str]) -> SearchStrategy[tuple[str, str, list[bytes]]]:
    """A name, what is done with it, and with which values."""
    values = st.lists(_values(), max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(names), st.just("append"), st.lists(_values(), min_size=1, max_size=1)),
        st.tuples(st.sampled_from(names), st.sampled_from(["set", "delete", "get-and-delete", "has"]), values),
    )


@st.composite
def _changes(draw: st.DrawFn) -> Body:
    """Fields that are changed again and again; beside them goes what they must hold."""
    names = draw(st.lists(_names(), min_size=1, max_size=3, unique=True))
    held: dict[str, list[bytes]] = {name: [] for name in names}
    found: list[Body] = [{"call": "fields.constructor()", "expect": "$fields"}]
    for name, change, values in draw(st.lists(_change(names), min_size=1, max_size=12)):
        called, before = string(name), joined(map(data, held[name]))
        match change:
            case "append":
                found.append({"call": f"$fields.append({called}, {data(values[0])})", "expect": "ok"})
                held[name] = [*held[name], values[0]]
            case "set":
                found.append({"call": f"$fields.set({called}, [{joined(map(data, values))}])", "expect": "ok"})
                held[name] = values
            case "delete":
                found.append({"call": f"$fields.delete({called})", "expect": "ok"})
                held[name] = []
            case "get-and-delete":
                found.append({"call": f"$fields.get-and-delete({called})", "expect": f"ok([{before}])"})
                held[name] = []
            case "has":
                found.append({"call": f"$fields.has({called})", "expect": "true" if held[name] else "false"})
        found.append({"call": f"$fields.get({called})", "expect": f"[{joined(map(data, held[name]))}]"})
    entries = [(name, value) for name, values in held.items() for value in values]
    found.append({"call": "$fields.copy-all()", "expect": f"unordered[{_listed(entries)}]"})
    return {"steps": found}


def _encoded() -> SearchStrategy[str]:
    """A percent-encoded byte."""
    return st.tuples(st.sampled_from(_ENCODED), st.sampled_from(_ENCODED)).map(lambda digits: f"%{''.join(digits)}")


def _targets() -> SearchStrategy[str]:
    """Paths and queries of RFC 3986 that begin with a slash."""

    def of(characters: str) -> SearchStrategy[str]:
        # Where a target begins with two slashes, or has dots between them, is where it is taken for something else.
        part = st.one_of(st.sampled_from("/.:@"), st.sampled_from(characters), _encoded())
        return st.lists(part, max_size=20).map("".join)

    query = st.one_of(st.just(""), of(f"{_PATH}?").map("?".__add__))
    return st.builds(lambda path, query: f"/{path}{query}", of(_PATH), query)


def _authorities() -> SearchStrategy[str]:
    """Hosts of RFC 3986 as http URIs have them, with and without a port."""
    label = st.one_of(st.text(f"{_LOWER}0123456789", min_size=1, max_size=10), st.integers(0, 300).map(str))
    names = st.lists(label, min_size=1, max_size=4).map(".".join)
    ipv4 = st.ip_addresses(v=4).map(str)
    ipv6 = st.ip_addresses(v=6).map(lambda address: f"[{address}]")
    port = st.one_of(st.just(""), st.integers(1, 65535).map(lambda number: f":{number}"))
    return st.builds(str.__add__, st.one_of(names, ipv4, ipv6), port)


def _schemes() -> SearchStrategy[str]:
    """Schemes that have no case of their own, in small letters."""
    rest = st.text(f"{_LOWER}0123456789+-.", max_size=10)
    return st.builds(str.__add__, st.sampled_from(_LOWER), rest).filter(lambda scheme: scheme not in ("http", "https"))


def _methods() -> SearchStrategy[str]:
    """Methods that have no case of their own: those are in capitals."""
    return tokens(max_size=12)


def _requests(parts: Mapping[str, SearchStrategy[str]]) -> SearchStrategy[Body]:
    """A request of which parts are set and read back; values by the name of the part."""

    def body(changes: list[tuple[str, str]]) -> Body:
        found: list[Body] = [
            {"call": "fields.constructor()", "expect": "$headers"},
            {**_TRAILERS, "note": "No trailers are given."},
            {"call": "request.new($headers, none, $trailers, none)", "expect": "($request, _)"},
        ]
        for part, value in changes:
            found += [
                {"call": f"$request.set-{part}({value})", "expect": "ok"},
                {"call": f"$request.get-{part}()", "expect": value},
            ]
        return {"steps": found}

    change = st.one_of([st.tuples(st.just(part), value) for part, value in parts.items()])
    return st.lists(change, min_size=1, max_size=6).map(body)


@st.composite
def _responses(draw: st.DrawFn) -> Body:
    """A response of a server, its body cut into chunks, and sent in pieces of a few bytes."""
    chunks = draw(st.lists(blobs(min_size=1, max_size=100), max_size=5))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    wire = head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return {
        "given": {"network": "true", "peers": {"server": "tcp-listener"}},
        "steps": steps(
            {"call": "fields.constructor()", "expect": "$headers"},
            _TRAILERS,
            {"call": "request.new($headers, none, $trailers, none)", "expect": "($request, _)"},
            {"call": "$request.set-scheme(some(HTTP))", "expect": "ok"},
            {"call": "$request.set-authority(some($server.authority))", "expect": "ok"},
            {"call": '$request.set-path-with-query(some("/"))', "expect": "ok"},
            {"start": "client.send($request)", "as": "sending"},
            {"write": "$more", "data": "ok(none)", "expect": "completed"},
            {"peer": "server", "accept": "conn"},
            {"peer": "conn", "receive": "request", "expect": 'request({method: "GET", target: "/", ...})'},
            {"peer": "conn", "send": data(wire), "chunk": str(draw(st.integers(1, 200))), "expect": "ok"},
            {"await": "$sending", "expect": "ok($response)"},
            {"new": "future<result<_, error-code>>", "as": ["handled", "fine"], "note": "There is no error to tell."},
            {"call": "response.consume-body($response, $handled)", "expect": "($body, $end)"},
            {
                "read-all": "$body",
                "chunk": str(draw(st.integers(1, 200))),
                "expect": f"dropped({data(b''.join(chunks))})",
            },
            {"read": "$end", "expect": "completed(ok(none))"},
        ),
    }


PROPERTIES = (
    Property(
        "fields-entries",
        "Any valid names and values that fields are made of are there, the values of a name in their order",
        _INTERFACE,
        ("http.fields.from-list.entries", "http.fields.get.values", "http.fields.copy-all.all"),
        _entries(),
    ),
    Property(
        "fields-changes",
        "Whatever is set, appended and deleted, the fields hold it",
        _INTERFACE,
        (
            "http.fields.set.replaces",
            "http.fields.append.adds",
            "http.fields.delete.removes",
            "http.fields.get-and-delete.returns",
            "http.fields.has.present",
            "http.fields.has.absent",
            "http.fields.copy-all.all",
        ),
        _changes(),
    ),
    Property(
        "request-paths",
        "Any valid path and query of a request is accepted and read back",
        _INTERFACE,
        ("http.request.path-with-query.valid", "http.request.path-with-query.roundtrip"),
        _requests({"path-with-query": _targets().map(lambda target: f"some({string(target)})")}),
    ),
    Property(
        "request-authorities",
        "Any valid authority of a request is accepted and read back",
        _INTERFACE,
        ("http.request.authority.valid", "http.request.authority.roundtrip"),
        _requests({"authority": _authorities().map(lambda authority: f"some({string(authority)})")}),
    ),
    Property(
        "request-names",
        "Any other method, and any other scheme, is accepted and read back",
        _INTERFACE,
        (
            "http.request.method.other-valid",
            "http.request.method.roundtrip",
            "http.request.scheme.other-valid",
            "http.request.scheme.roundtrip",
        ),
        _requests(
            {
                "method": _methods().map(lambda method: f"other({string(method)})"),
                "scheme": _schemes().map(lambda scheme: f"some(other({string(scheme)}))"),
            }
        ),
    ),
    Property(
        "response-bodies",
        "The body of a response is that of its chunks, however it is cut on the way",
        _INTERFACE,
        ("http.response.consume-body.contents",),
        _responses(),
    ),
)
