"""Vectors of the component model: streams, futures, subtasks and the canonical ABI."""

from wasicheck.plugin import Vectors

vectors = Vectors("component-model")
