"""The harness's own sockets that a guest talks with: bound before it starts, and played step by step."""

from wasicheck.host.peers.binding import MakeSocket, sockets_needed
from wasicheck.host.peers.peers import Peers

__all__ = ["MakeSocket", "Peers", "sockets_needed"]
