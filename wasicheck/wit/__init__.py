"""WIT text to types: the declarations of WASI 0.3.0, and a parser and resolver for any WIT package."""
