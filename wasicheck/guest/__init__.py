"""Typed vector to component text to wasm, and observation frames back to values; pure but for wat2wasm."""
