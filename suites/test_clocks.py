"""Vectors of wasi:clocks."""

from wasicheck.plugin import Vectors

vectors = Vectors("clocks")
