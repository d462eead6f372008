"""What keeps a socket that has been closed from living on in a child that is just being made."""

from __future__ import annotations

import threading

FORKING = threading.Lock()
"""Held while a child process is made, and while a peer's connection is closed.

Between fork and exec the child has copies of all descriptors of the harness: with one of them left, neither the FIN nor
the RST of a connection goes out when it is closed, though the guest is told that it has been.
"""
