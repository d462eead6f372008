"""Vectors in folders that have no module of their own here, so that none is left out."""

from wasicheck.plugin import Vectors

vectors = Vectors(None)
