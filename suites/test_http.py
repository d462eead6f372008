"""Vectors of wasi:http."""

from wasicheck.plugin import Vectors

vectors = Vectors("http")
