"""wasicheck: a conformance suite and spec-checker for hosts of WASI 0.3.0."""

__version__ = "0.1.0"
