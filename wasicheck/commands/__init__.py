"""What each command of `wasicheck` does: a function for each, from its options to its exit status."""
