"""Vectors of wasi:sockets."""

from wasicheck.plugin import Vectors

vectors = Vectors("sockets")
