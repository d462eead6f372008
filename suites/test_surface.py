"""Whether a host links what the interfaces of its worlds have: one item for each world and interface."""

from wasicheck.plugin import Surface

surface = Surface()
