"""Vectors of wasi:cli."""

from wasicheck.plugin import Vectors

vectors = Vectors("cli")
