"""TLS at the harness's side of a connection, with certificates that no host trusts unless it is told to."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from wasicheck.host.peers.stream import Stream
from wasicheck.values import Variant
from wasicheck.vectors.surroundings import Certificate

if TYPE_CHECKING:
    import trustme

_BUFFER = 1 << 16
_RECORDS = 1 << 18
"""So many bytes are encrypted before they are sent."""
_WRONG_NAME = "wrong.test"
_PAST = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
_ALERT = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_ALERT_(?P<description>\w+)")
"""How OpenSSL calls the alerts that come from the other side."""


@cache
def server_context(certificate: Certificate, address: str) -> ssl.SSLContext:
    """Return what a server at that IP address needs; the key and certificates are made once in a process."""
    authority = _authority(trusted=certificate is not Certificate.SELF_SIGNED)
    names = (_WRONG_NAME,) if certificate is Certificate.WRONG_NAME else ("localhost", address)
    not_before, not_after = _PAST if certificate is Certificate.EXPIRED else (None, None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_before=not_before, not_after=not_after).configure_cert(context)
    # Peers speak HTTP/1.1.
    context.set_alpn_protocols(["http/1.1"])
    # A client that closes with a ticket unread would answer with a RST.
    context.num_tickets = 0
    # Sending never waits for receiving.
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def authority_certificate() -> bytes:
    """The certificate, as PEM, of the authority that a host can be told to trust."""
    return _authority(trusted=True).cert_pem.bytes()


@cache
def _authority(*, trusted: bool) -> trustme.CA:
    """The two authorities of this process; no host is ever told of the other one."""
    import trustme

    return trustme.CA(organization_name="wasicheck" if trusted else "nobody")


class TlsStream(Stream):
    """A connection within TLS, at the side of the server; `handshake` comes first.

    The end of the stream is a close_notify or, as servers have to put up with it, a FIN without one. A fatal alert ends
    it as a RST does: ConnectionResetError.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._flushing = asyncio.Lock()

    async def handshake(self) -> Variant:
        """Do the handshake: `ok`, or `err` with the name of the other side's alert, or of what else went wrong.

        Alerts are called as in RFC 8446, section 6 (`unknown_ca`), system errors by their errno, and the end of the
        stream is `eof`.
        """
        try:
            while True:
                try:
                    self._tls.do_handshake()
                except ssl.SSLWantReadError:
                    await self._flush()
                    await self._fill()
                    continue
                except ssl.SSLError as error:
                    # The alert of this side, if there is one.
                    await self._flush()
                    return Variant("err", _name(error))
                await self._flush()
                return Variant("ok")
        except OSError as error:
            return Variant("err", errno.errorcode.get(error.errno or 0, str(error)))

    async def send(self, data: memoryview) -> None:
        """Send all of that; raise OSError."""
        try:
            while data:
                data = data[self._tls.write(data) :]
                if not data or self._outgoing.pending >= _RECORDS:
                    await self._flush()
        except ssl.SSLError as error:
            raise _reset() from error

    async def finish(self) -> None:
        """Send a close_notify; raise OSError."""
        self._read_ahead()
        # The other side's may not have come: nothing that this one has to wait for.
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        await self._flush()

    async def _read(self, room: memoryview) -> int:
        while True:
            try:
                # Typed for bytearrays only; any writable buffer will do.
                return self._tls.read(len(room), room)  # type: ignore[return-value]
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0
            except ssl.SSLError as error:
                raise _reset() from error

    def _read_ahead(self) -> None:
        """Keep what has come and has not been received: `unwrap` looks for a close_notify, and drops what it finds.

        A task that waits to receive has left nothing of that.
        """
        with suppress(ssl.SSLError):
            while data := self._tls.read(_BUFFER):
                self._ahead += data

    async def _fill(self) -> None:
        """Wait for bytes of the other side, or the end."""
        data = await asyncio.get_running_loop().sock_recv(self.sock, _BUFFER)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        """Send what has been encrypted; records of the two directions' tasks keep their order."""
        if not self._outgoing.pending:
            return
        async with self._flushing:
            await asyncio.get_running_loop().sock_sendall(self.sock, self._outgoing.read())


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the other side ended the connection with an alert")


def _name(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "eof"
    reason = error.reason or str(error)
    alert = _ALERT.fullmatch(reason)
    return (alert["description"] if alert else reason).lower()
