"""Vectors of wasi:filesystem."""

from wasicheck.plugin import Vectors

vectors = Vectors("filesystem")
