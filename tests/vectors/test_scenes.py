"""`given.user`, `file-size`, `errno`, `net` and `names`: the host's surroundings."""

import pytest

from wasicheck.vectors.linux import MACHINES, SYSTEM_CALLS
from wasicheck.vectors.scenes import read_file_size, read_injections, read_names, read_network, read_user
from wasicheck.vectors.source import VectorError, compose
from wasicheck.vectors.surroundings import Answer, Injection, NameService, Network, Refusal, Subject

READERS = {
    "user": read_user,
    "file-size": read_file_size,
    "errno": read_injections,
    "net": read_network,
    "names": read_names,
}


def read(key, text):
    return READERS[key](compose(text, "x.yaml"))


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("user", "ordinary", True),
        ("file-size", "64KiB", 65536),
        ("file-size", "0", 0),
        ("errno", "{fsync: EIO}", (Injection("fsync", "EIO", Subject.TREE),)),
        (
            "errno",
            "{bind: ENOBUFS, getrandom: ENOSYS}",
            (Injection("bind", "ENOBUFS", Subject.ANY), Injection("getrandom", "ENOSYS", Subject.ANY)),
        ),
        (
            "errno",
            "{pread64: {error: EIO, argument: 3, equals: 4KiB}}",
            (Injection("pread64", "EIO", Subject.TREE, 3, 4096),),
        ),
        ("errno", "{read: {error: ECONNRESET, on: sockets}}", (Injection("read", "ECONNRESET", Subject.SOCKETS),)),
        ("errno", "{close: EIO}", (Injection("close", "EIO", Subject.TREE),)),
        (
            "errno",
            "{mmap: {error: ENOMEM, argument: 1, equals: 4MiB}}",
            (Injection("mmap", "ENOMEM", Subject.ANY, 1, 4 << 20),),
        ),
        ("net", "{}", Network()),
        (
            "net",
            "{addresses: [10.1.0.1/32, fd00::1/64], unreachable: [10.2.0.0/16], prohibit: ['fd01::/32', 10.3.0.1], "
            "ports: 60000..60001, privileged-below: 0, syn-retries: 1, retries: 0}",
            Network(
                ("10.1.0.1/32", "fd00::1/64"),
                ("10.2.0.0/16",),
                ("fd01::/32", "10.3.0.1/32"),
                (60000, 60001),
                0,
                1,
                0,
            ),
        ),
        ("names", "{}", NameService()),
        ("names", "{broken: true}", NameService(broken=True)),
        (
            "names",
            "{hosts: {One.test: [127.0.0.1, '::1']}, dns: {two.test: {a: [127.0.0.2], aaaa: []}, _x.no: silent}}",
            NameService(
                (("one.test", ("127.0.0.1", "::1")),),
                (("two.test", Answer(("127.0.0.2",), ())), ("_x.no", Refusal.SILENT)),
            ),
        ),
    ],
)
def test_what_is_read(key, text, expected):
    assert read(key, text) == expected


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("user", "root", "1:1: expected a user, found `root`; one of ordinary"),
        ("file-size", "-1", "1:1: expected the size a file may have, an integer from 0 to 9223372036854775807"),
        ("errno", "[]", "1:1: expected `errno`, a mapping, found a list"),
        ("errno", "{fsnyc: EIO}", "1:2: unknown system call `fsnyc`; did you mean `fsync`?"),
        ("errno", "{fsync: EOI}", "1:9: expected the name of an error, found `EOI`; did you mean `EIO`?"),
        ("errno", "{fsync: {argument: 1}}", "1:9: there is no `error`"),
        ("errno", "{fsync: {error: EIO, argument: 1}}", "1:9: `argument` and `equals` belong together"),
        ("errno", "{fsync: {error: EIO, argument: 6, equals: 0}}", "an integer from 0 to 5, found `6`"),
        ("errno", "{fsync: {error: EIO, times: 0}}", "expected how often the call fails, an integer from 1 to 1000"),
        ("errno", "{fsync: {error: EIO, on: disk}}", "1:26: expected what the call is about, found `disk`"),
        ("errno", "{bind: {error: EIO, on: tree}}", "1:25: `bind` is not about a file; `on: any`"),
        ("errno", "{openat: {error: EIO, on: sockets}}", "`openat` has no descriptor that could be a socket"),
        ("errno", "{mmap: ENOMEM}", "1:2: without `mmap` no program starts; say for which `argument` it fails"),
        ("errno", "{close: {error: EIO, on: any}}", "without `close` no program starts"),
        ("net", "{address: []}", "1:2: unknown key `address` in `net`; did you mean `addresses`?"),
        ("net", "{addresses: [10.1.0.1/33]}", "expected an address with the length of its prefix, found `10.1.0.1/33`"),
        ("net", "{addresses: [224.0.0.1/32]}", "`224.0.0.1/32` cannot be the address of an interface"),
        ("net", "{addresses: 10.1.0.1/32}", "1:13: expected `addresses`, a list"),
        ("net", "{unreachable: [10.2.0.1/16]}", "1:16: `10.2.0.1/16` has bits beyond its prefix; `10.2.0.0/16`"),
        ("net", "{prohibit: [x]}", "expected the destination of a route, found `x`; such as `10.2.0.0/16`"),
        ("net", "{ports: 60000}", "1:9: expected a range of ports, found `60000`; such as `60000..60000`"),
        ("net", "{ports: 2..1}", "`2..1` is not a range of ports; from 1 to 65535, the lower one first"),
        ("net", "{ports: 1..65536}", "`1..65536` is not a range of ports"),
        ("net", "{syn-retries: 0}", "expected a number of retries, an integer from 1 to 127, found `0`"),
        ("names", "{host: {}}", "1:2: unknown key `host` in `names`; did you mean `hosts`?"),
        ("names", "{hosts: {}, broken: maybe}", "1:21: expected `broken`"),
        ("names", "{dns: {a.test: nodata}, broken: true}", "nothing is looked up where the service of names is broken"),
        ("names", "{hosts: {'a b': []}}", "1:10: `a b` is not a domain name; labels of letters, digits and `-`"),
        ("names", "{hosts: {a..b: []}}", "`a..b` is not a domain name"),
        ("names", "{hosts: {a.test: [localhost]}}", "1:19: expected an address, found `localhost`"),
        ("names", "{hosts: {a.test: ['fe80::1%lo']}}", "has a scope, which names do not"),
        ("names", "{dns: {a.test: [], A.test: []}}", "1:20: the name `A.test` is there twice"),
        ("names", "{dns: {a.test: {a: ['::1']}}}", "1:21: `::1` is not an address of this kind; IPv4 under `a`"),
        ("names", "{dns: {a.test: nxdomian}}", "1:16: expected an answer, found `nxdomian`; did you mean `nxdomain`?"),
    ],
)
def test_what_is_wrong_is_told(key, text, message):
    with pytest.raises(VectorError) as caught:
        read(key, text)
    assert message in str(caught.value)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_is_that_of_one_call(machine):
    numbers = [number for call in SYSTEM_CALLS.values() if (number := call.number(machine)) is not None]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("name", "numbers", "about_files"),
    [
        ("read", (0, 63), True),
        ("openat", (257, 56), True),
        ("open", (2, None), True),
        ("renameat2", (316, 276), True),
        ("bind", (49, 200), False),
        ("getrandom", (318, 278), False),
    ],
)
def test_calls_are_known_on_both_machines(name, numbers, about_files):
    call = SYSTEM_CALLS[name]
    assert (call.numbers, call.about_files) == (numbers, about_files)
