"""WIT text to types: the declarations of WASI 0.3.0, and a parser and resolver for any WIT package."""

from wasicheck.wit.compare import compare
from wasicheck.wit.errors import WitError
from wasicheck.wit.loading import parse_folder, parse_sources, parse_type, wasi
from wasicheck.wit.text import type_text

__all__ = ["WitError", "compare", "parse_folder", "parse_sources", "parse_type", "type_text", "wasi"]
