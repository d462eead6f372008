"""The bytes of a connection as they come and go, plain: what was read ahead stays for whoever receives next."""

from __future__ import annotations

import asyncio
import socket


class Stream:
    """Both directions of a TCP connection; at most one task receives at a time, and at most one sends."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._ahead = bytearray()

    async def receive_into(self, room: memoryview) -> int:
        """Put the next bytes into `room` and return how many, 0 at the end; raise OSError, of a RST its subclass."""
        if not self._ahead:
            return await self._read(room)
        count = min(len(room), len(self._ahead))
        room[:count] = self._ahead[:count]
        del self._ahead[:count]
        return count

    def put_back(self, data: bytes | bytearray) -> None:
        """Have bytes that were received come first the next time."""
        self._ahead[:0] = data

    async def send(self, data: memoryview) -> None:
        """Send all of that; raise OSError."""
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def finish(self) -> None:
        """Say over the connection that nothing follows, where that is more than the FIN of TCP; raise OSError."""

    async def _read(self, room: memoryview) -> int:
        return await asyncio.get_running_loop().sock_recv_into(self.sock, room)
