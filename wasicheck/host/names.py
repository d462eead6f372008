"""The name service of a scene: the files that a resolver reads, and a name server that answers as a vector says."""

from __future__ import annotations

import asyncio
import socket
import threading
from asyncio import DatagramTransport, StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import assert_never, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from wasicheck.vectors.surroundings import Answer, NameService, Refusal

ADDRESS = ("127.0.0.1", 53)
REPLACED = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf")
"""The files that a resolver reads, in the order of `write_files`."""
OPTIONAL = "/etc/nsswitch.conf"
"""The one that a system can do without."""
HIDDEN = ("/run/nscd", "/var/run/nscd")
"""Where a caching daemon would answer for us."""
_RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
_NSSWITCH_CONF = "".join(f"{name}: files\n" for name in ("passwd", "group", "networks", "protocols", "services"))
_BROKEN = "wasicheck-none"
"""A service of names that no system has: the switch cannot load it, which is an error of its own."""
_UDP_SIZE = 512
"""What a datagram may hold for who does not say more (RFC 1035, 4.2.1)."""
_IDLE_S = 5.0
_JOIN_S = 2.0
_RCODES: Mapping[Refusal, dns.rcode.Rcode] = MappingProxyType(
    {
        Refusal.NXDOMAIN: dns.rcode.NXDOMAIN,
        Refusal.NODATA: dns.rcode.NOERROR,
        Refusal.SERVFAIL: dns.rcode.SERVFAIL,
        Refusal.REFUSED: dns.rcode.REFUSED,
        Refusal.NOTIMP: dns.rcode.NOTIMP,
    }
)


def write_files(service: NameService, folder: Path) -> tuple[Path, ...]:
    """Write what is to appear in place of the files `REPLACED`; return where."""
    lines = [f"{address}\t{name}\n" for name, addresses in service.hosts for address in addresses]
    texts = ("".join(lines), _RESOLV_CONF, f"{_NSSWITCH_CONF}hosts: {_BROKEN if service.broken else 'files dns'}\n")
    written = tuple(folder / Path(path).name for path in REPLACED)
    for path, text in zip(written, texts, strict=True):
        path.write_text(text)
        # The host may run as somebody else.
        path.chmod(0o644)
    return written


def respond(service: NameService, question: bytes, *, limit: int | None) -> bytes | None:
    """Return the response to a message, or None where there is to be none.

    `limit`: the size that it may have for who asks without EDNS; longer ones are cut, and say so. None: any size.
    """
    try:
        query = dns.message.from_wire(question)
        asked = query.question[0]
        response = dns.message.make_response(query)
    except (dns.exception.DNSException, IndexError):
        return None
    response.flags |= dns.flags.AA | dns.flags.RA
    entry = dict(service.zone).get(asked.name.to_text(omit_final_dot=True).lower(), Refusal.NXDOMAIN)
    match entry:
        case Refusal.SILENT:
            return None
        case Refusal():
            response.set_rcode(_RCODES[entry])
        case Answer():
            known = {dns.rdatatype.A: entry.a, dns.rdatatype.AAAA: entry.aaaa}
            if addresses := known.get(asked.rdtype):
                response.answer.append(dns.rrset.from_text_list(asked.name, 0, "IN", asked.rdtype, addresses))
        case _:
            assert_never(entry)
    size = 65535 if limit is None else max(limit, query.payload)
    try:
        return response.to_wire(max_size=size, want_shuffle=False)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


class NameServer:
    """Answers on two sockets in a thread of its own until it is closed."""

    def __init__(self, service: NameService, datagrams: socket.socket, connections: socket.socket) -> None:
        """Take over both sockets, still unbound. Raises OSError if the port is not to be had."""
        self._service = service
        self._sockets = (datagrams, connections)
        for one in self._sockets:
            one.setblocking(False)
            one.bind(ADDRESS)
        connections.listen(16)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._enough = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="wasicheck-names", daemon=True)
        self._thread.start()
        self._ready.wait(_JOIN_S)

    def close(self) -> None:
        """Stop answering. May be called twice."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._enough.set)
            self._thread.join(_JOIN_S)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        datagrams, connections = self._sockets
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._service), sock=datagrams)
        server = await asyncio.start_server(self._converse, sock=connections)
        self._loop = loop
        self._ready.set()
        await self._enough.wait()
        transport.close()
        server.close()

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            # The other side may break off wherever it likes.
            with suppress(OSError, EOFError, TimeoutError):
                while True:
                    length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), _IDLE_S), "big")
                    question = await asyncio.wait_for(reader.readexactly(length), _IDLE_S)
                    response = respond(self._service, question, limit=None)
                    if response is not None:
                        writer.write(len(response).to_bytes(2, "big") + response)
                        await writer.drain()
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram by one."""

    def __init__(self, service: NameService) -> None:
        self._service = service
        self._transport: DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Its class is not the one that it is documented to be.
        self._transport = cast(DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = respond(self._service, data, limit=_UDP_SIZE)
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)
