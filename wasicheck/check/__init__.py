"""The spec-checker: vectors, coverage and requirements without running a host."""
