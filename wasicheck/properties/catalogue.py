"""All properties."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wasicheck.properties import cli, clocks, component_model, filesystem, http, sockets
from wasicheck.properties.model import Property

PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        property.name: property
        for module in (cli, clocks, component_model, filesystem, http, sockets)
        for property in module.PROPERTIES
    }
)
"""By name, in the order of the packages."""
