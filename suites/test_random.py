"""Vectors of wasi:random."""

from wasicheck.plugin import Vectors

vectors = Vectors("random")
